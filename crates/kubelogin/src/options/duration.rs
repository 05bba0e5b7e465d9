//! Durations as Go writes them: `1m30s`, `1.5h`, `300ms`, `0`.

use std::time::Duration;

/// Reads one; a negative one is zero, because nobody can wait less.
pub(crate) fn read(text: &str) -> Option<Duration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let (unit, length) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        seconds += number * length;
    }
    let read = Duration::try_from_secs_f64(seconds).ok().filter(|length| *length <= LONGEST)?;
    Some(if negative { Duration::ZERO } else { read })
}

/// What Go counts in nanoseconds of 63 bits; more is no duration there either.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);

/// Longer names first, so that `ms` is not read as minutes.
const UNITS: [(&str, f64); 8] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_does() {
        let of = |text| read(text).map(|duration| duration.as_millis());
        assert_eq!(of("1m0s"), Some(60_000));
        assert_eq!(of("1.5h"), Some(5_400_000));
        assert_eq!(of("300ms"), Some(300));
        assert_eq!(of("0"), Some(0));
        assert_eq!(of("-5s"), Some(0));
        assert_eq!(of("2562047h"), Some(9_223_369_200_000));
        for wrong in ["", "ten", "5", "5x", "s", "-", "1m5", "4000000000000000h", "-4000000000000000h", "2562048h"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
