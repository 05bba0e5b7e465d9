//! The list of passwords that were found in breaches (S-801): a file that the operator brings, searched where it lies.
//!
//! One SHA-1 in 40 hexadecimal digits a line, sorted, each with or without a count behind a colon: what Have I Been Pwned
//! gives out as "ordered by hash". It may be tens of gigabytes; a look reads some forty pieces of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::hex::sha1_hex;

/// The list, or none.
#[derive(Clone, Default)]
pub struct Breached(Option<Arc<List>>);

struct List {
    path: PathBuf,
    file: File,
    length: u64,
}

/// The file is no list of breached passwords.
#[derive(Debug, thiserror::Error)]
pub enum BadList {
    /// It cannot be read.
    #[error("the list of breached passwords `{0}` cannot be read")]
    Io(PathBuf, #[source] io::Error),
    /// It is something else.
    #[error(
        "the list of breached passwords `{0}` is not one SHA-1 in hexadecimal digits a line, sorted by hash: something else stands at byte {1}"
    )]
    Shape(PathBuf, u64),
}

/// Digits of a SHA-1.
const DIGITS: usize = 40;
/// No line is longer: the digits, a colon, a count, and the end of the line.
const LONGEST: u64 = 80;
/// Room for the longest line before and after a place.
const AROUND: usize = 160;
/// So many places are looked at when the list is opened.
const SAMPLES: u64 = 64;

/// A line: where it begins, where the next one begins, and its digits.
struct Line {
    start: u64,
    end: u64,
    digits: [u8; DIGITS],
}

impl Breached {
    /// No list: no password is in it.
    pub fn none() -> Self {
        Self(None)
    }

    /// Opens a list, and looks at some of its lines.
    pub fn open(path: &Path) -> Result<Self, BadList> {
        let io = |error| BadList::Io(path.to_owned(), error);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let list = List { path: path.to_owned(), file, length };
        let mut before = [0; DIGITS];
        let ending = length.saturating_sub(2);
        for at in (0..SAMPLES).map(|sample| ending / SAMPLES * sample).chain([ending]) {
            let line = list.line(0, at).map_err(io)?.ok_or_else(|| BadList::Shape(path.to_owned(), at))?;
            if line.digits < before {
                return Err(BadList::Shape(path.to_owned(), line.start));
            }
            before = line.digits;
        }
        Ok(Self(Some(Arc::new(list))))
    }

    /// Whether the password is in the list. A list that cannot be read any more is told in the log, and keeps nobody out.
    pub async fn holds(&self, password: &str) -> bool {
        let Some(list) = self.0.clone() else { return false };
        let password = Zeroizing::new(password.to_owned());
        let look = tokio::task::spawn_blocking(move || {
            let digits = sha1_hex(password.as_bytes()).to_ascii_uppercase();
            list.holds(digits.as_bytes()).unwrap_or_else(|error| {
                tracing::error!(%error, path = %list.path.display(), "the list of breached passwords cannot be read");
                false
            })
        });
        look.await.expect("looking does not panic")
    }
}

impl List {
    fn holds(&self, wanted: &[u8]) -> io::Result<bool> {
        // Every line before `low` is smaller, every line from `high` on is greater.
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let line = self.line(low, low + (high - low) / 2)?.ok_or(io::ErrorKind::InvalidData)?;
            match line.digits.as_slice().cmp(wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = line.end,
                std::cmp::Ordering::Greater => high = line.start,
            }
        }
        Ok(false)
    }

    /// The line around a place, where one is known to begin at `low`; none when what stands there is no line of a list.
    fn line(&self, low: u64, at: u64) -> io::Result<Option<Line>> {
        let from = at.saturating_sub(LONGEST).max(low);
        let mut piece = [0; AROUND];
        let most = usize::try_from((self.length - from).min(2 * LONGEST)).unwrap_or(AROUND);
        let piece = &mut piece[..most];
        self.file.read_exact_at(piece, from)?;
        let place = usize::try_from(at - from).unwrap_or_default().min(most);
        let begins = piece[..place].iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
        let Some(begins) = begins.or_else(|| (from == low).then_some(0)) else { return Ok(None) };
        let rest = &piece[begins..];
        let ends = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        let Some((digits, more)) = rest[..ends].split_first_chunk::<DIGITS>() else { return Ok(None) };
        if !digits.iter().all(u8::is_ascii_hexdigit) || !matches!(more.first(), None | Some(b':' | b'\r' | b'\n')) {
            return Ok(None);
        }
        let start = from + begins as u64;
        Ok(Some(Line { start, end: start + ends as u64, digits: digits.map(|digit| digit.to_ascii_uppercase()) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of these passwords as somebody might write it.
    fn list(passwords: &[String], line: impl Fn(&str) -> String) -> (tempfile::NamedTempFile, Result<Breached, BadList>) {
        let mut all: Vec<String> = passwords.iter().map(|password| sha1_hex(password.as_bytes())).collect();
        all.sort();
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), all.iter().map(|digits| line(digits)).collect::<String>()).expect("writes");
        let opened = Breached::open(file.path());
        (file, opened)
    }

    fn many(prefix: &str, n: usize) -> Vec<String> {
        (0..n).map(|n| format!("{prefix}-{n}")).collect()
    }

    #[tokio::test]
    async fn s_801_every_line_of_a_list_is_found_and_nothing_else() {
        let spellings: [fn(&str) -> String; 3] = [
            |digits| format!("{digits}\n"),
            |digits| format!("{}:{}\r\n", digits.to_uppercase(), digits.len() * 7),
            |digits| format!("{digits}:3861493\n"),
        ];
        for spelling in spellings {
            for n in [1, 2, 3, 200] {
                let (_file, opened) = list(&many("in", n), spelling);
                let opened = opened.unwrap_or_else(|error| panic!("{n}: {error}"));
                for password in many("in", n) {
                    assert!(opened.holds(&password).await, "{password} of {n}");
                }
                for password in many("out", 50) {
                    assert!(!opened.holds(&password).await, "{password} of {n}");
                }
            }
        }
        assert!(!Breached::none().holds("in-0").await);
    }

    #[test]
    fn s_801_what_is_no_list_is_refused_when_the_server_starts() {
        let shapes: [fn(&str) -> String; 4] = [
            |_| "password\n".to_owned(),
            |digits| format!("{digits}00000000:1\n"),
            |_| String::new(),
            // Sorted by how often they were seen: the other list that is given out.
            |digits| format!("{}\n", digits.chars().rev().collect::<String>()),
        ];
        for shape in shapes {
            assert!(matches!(list(&many("in", 200), shape).1, Err(BadList::Shape(..))));
        }
        assert!(matches!(Breached::open(Path::new("/nowhere/list")), Err(BadList::Io(..))));
    }
}
