//! `utcNow`: the moment of the deployment, in the formats of .NET that templates use.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::super::error::{Outcome, cut, wrong};

/// The moment as a text. Without a format: `20260131T235959Z`.
pub(in super::super) fn utc_now(now: Timestamp, format: Option<&str>) -> Outcome<String> {
    let format = match format {
        None => "yyyyMMddTHHmmssZ",
        Some("u") => "yyyy-MM-dd HH:mm:ssZ",
        Some("s") => "yyyy-MM-ddTHH:mm:ss",
        Some("d") => "MM/dd/yyyy",
        Some("o" | "O") => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
        Some(format) if format.chars().count() < 2 => return unknown(format),
        Some(format) => format,
    };
    let now = Offset::UTC.to_datetime(now);
    let mut out = String::new();
    let mut rest = format;
    while let Some(letter) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(letter).len();
        let width = run / letter.len_utf8();
        let number = |value: i64, width: usize| format!("{value:0width$}");
        match (letter, width) {
            ('y', 4) => out.push_str(&number(now.year().into(), 4)),
            ('y', 2) => out.push_str(&number(i64::from(now.year()).rem_euclid(100), 2)),
            ('M', 1 | 2) => out.push_str(&number(now.month().into(), width)),
            ('d', 1 | 2) => out.push_str(&number(now.day().into(), width)),
            ('H', 1 | 2) => out.push_str(&number(now.hour().into(), width)),
            ('h', 1 | 2) => out.push_str(&number((i64::from(now.hour()) + 11) % 12 + 1, width)),
            ('m', 1 | 2) => out.push_str(&number(now.minute().into(), width)),
            ('s', 1 | 2) => out.push_str(&number(now.second().into(), width)),
            ('f', 1..=7) => out.push_str(&number(i64::from(now.subsec_nanosecond()), 9)[..width]),
            ('y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f', _) => return unknown(format),
            _ => out.push_str(&rest[..run]),
        }
        rest = &rest[run..];
    }
    Ok(out)
}

fn unknown(format: &str) -> Outcome<String> {
    wrong(format!(
        "'{}' is no format that `utcNow` knows; use yyyy, MM, dd, HH, mm, ss, f and what stands between them.",
        cut(format)
    ))
}
