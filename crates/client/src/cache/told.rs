//! Which token was given to which process, so that a refusal by a cluster can be noticed.
//!
//! An API server says `Unauthorized` and nothing else. kubectl then calls its plugin once more, in the same process, and
//! gets the same token from the cache: a second call of one process for one token is the sign. A note costs one small file
//! per calling process; nothing is read unless the process called before.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use entrance_wire::why::Why;

use super::files::{make_folder, replace};
use super::{Account, AccountLock, Storage, TokenCache};
use crate::Secret;

/// One process from its start to its end: a number alone is given to others later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(String);

impl Caller {
    /// The process that started this one; `None` where that cannot be told.
    #[cfg(unix)]
    pub fn parent() -> Option<Self> {
        let id = std::os::unix::process::parent_id();
        (id > 1).then(|| Self(format!("{id}-{}", started(id).unwrap_or_default())))
    }

    /// The process that started this one; `None` where that cannot be told.
    #[cfg(not(unix))]
    pub fn parent() -> Option<Self> {
        None
    }
}

/// When a process started, in the kernel's own count; other systems than Linux do not tell.
#[cfg(unix)]
fn started(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold blanks and parentheses; what follows it is the third field, and the start is the 22nd.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19).map(str::to_owned)
}

/// What is known about a token that is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOut {
    /// This process did not get it before.
    First,
    /// It got the same one before: the cluster refused it.
    Again {
        /// The person was told already.
        told: bool,
    },
}

impl TokenCache {
    /// Notes that a process gets a token. Where nothing can be noted, each time is the first.
    pub fn hand_out(&self, caller: &Caller, token: &Secret) -> HandedOut {
        if self.storage == Storage::Nothing {
            return HandedOut::First;
        }
        let (file, mark) = (self.told().join(&caller.0), mark(token));
        match note(&file, &mark) {
            Ok(()) => {
                if std::process::id().is_multiple_of(SWEEP_EVERY) {
                    sweep(&self.told());
                }
                HandedOut::First
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match std::fs::read_to_string(&file) {
                Ok(known) if known.lines().next() == Some(mark.as_str()) => {
                    HandedOut::Again { told: known.lines().nth(1) == Some(TOLD) }
                }
                _ => {
                    let _ = replace(&file, mark.as_bytes());
                    HandedOut::First
                }
            },
            Err(_) => HandedOut::First,
        }
    }

    /// Whether this is the first time that something happens here; of what is noted nothing is known but its name.
    pub fn first_time(&self, name: &str) -> bool {
        self.storage != Storage::Nothing
            && !note(&self.told().join(name), name).is_err_and(|error| error.kind() == ErrorKind::AlreadyExists)
    }

    /// Notes that a page is opened for this account; false if one was, less than a minute ago. That is remembered also where nothing
    /// else is kept: it tells nobody anything, and calls that cannot see each other must not fill a browser.
    pub fn may_open_page(&self, account: &Account) -> bool {
        let file = self.page(account);
        let _ = make_folder(&self.told());
        let _one_at_a_time = AccountLock::take(&file.with_extension("page.lock"), NOTING, || ());
        let age = file.metadata().and_then(|facts| facts.modified()).ok().and_then(|at| at.elapsed().ok());
        let may = age.is_none_or(|age| age > REMEMBERED);
        if may {
            let _ = replace(&file, b"");
        }
        may
    }

    /// No page could be opened after all.
    pub fn opened_no_page(&self, account: &Account) {
        let _ = std::fs::remove_file(self.page(account));
    }

    /// Notes that the person in front of a process was told why the token is refused.
    pub fn was_told(&self, caller: &Caller, token: &Secret) {
        let _ = replace(&self.told().join(&caller.0), format!("{}\n{TOLD}", mark(token)).as_bytes());
    }

    /// What the server said about a token within the last minute; the inner `None` if it had nothing to say.
    pub fn said_lately(&self, token: &Secret) -> Option<Option<Why>> {
        let file = self.answer(token);
        let age = file.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default();
        if age > REMEMBERED {
            return None;
        }
        Some(serde_json::from_slice(&std::fs::read(file).ok()?).ok())
    }

    /// Keeps what the server said about a token, so that it is not asked again at once.
    pub fn keep_said(&self, token: &Secret, said: Option<&Why>) {
        let text = said.and_then(|said| serde_json::to_vec(said).ok()).unwrap_or_default();
        let _ = make_folder(&self.told()).and_then(|()| replace(&self.answer(token), &text));
    }

    fn page(&self, account: &Account) -> PathBuf {
        // Which key a token is bound to changes from call to call where none is kept.
        let bound_to = account.bound_to.as_ref().map(|_| String::new());
        self.told().join(format!("{}.page", super::id(&[&super::base(&Account { bound_to, ..account.clone() })])))
    }

    fn told(&self) -> PathBuf {
        self.folder.join("told")
    }

    fn answer(&self, token: &Secret) -> PathBuf {
        self.told().join(format!("{}.why", mark(token)))
    }
}

/// Makes the note, unless there is one.
fn note(file: &Path, mark: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = match options.open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_folder(file.parent().unwrap_or(file))?;
            options.open(file)?
        }
        other => other?,
    };
    opened.write_all(mark.as_bytes())
}

/// Removes notes of processes that ended long ago. What is left over costs nothing but its place.
fn sweep(folder: &Path) {
    let old = |entry: &std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|facts| facts.modified()).unwrap_or_else(|_| SystemTime::now());
        modified.elapsed().unwrap_or_default() > FORGOTTEN
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().filter(old) {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// Names a token without telling it.
fn mark(token: &Secret) -> String {
    super::id(&[token.expose()])
}

const TOLD: &str = "told";
const SWEEP_EVERY: u32 = 16;
const FORGOTTEN: Duration = Duration::from_hours(12);
/// How long to wait for another process that looks whether it may open a page.
const NOTING: Duration = Duration::from_secs(1);
const REMEMBERED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Subject;

    fn caller(name: &str) -> Caller {
        Caller(name.to_owned())
    }

    fn secret(text: &str) -> Secret {
        text.to_owned().into()
    }

    #[test]
    fn the_second_call_of_one_process_for_one_token_is_the_sign() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = TokenCache::at(folder.path());
        let (one, two) = (caller("1-7"), caller("2-7"));
        assert_eq!(cache.hand_out(&one, &secret("a")), HandedOut::First);
        assert_eq!(cache.hand_out(&two, &secret("a")), HandedOut::First);
        assert_eq!(cache.hand_out(&one, &secret("a")), HandedOut::Again { told: false });
        cache.was_told(&one, &secret("a"));
        assert_eq!(cache.hand_out(&one, &secret("a")), HandedOut::Again { told: true });
        assert_eq!(cache.hand_out(&one, &secret("b")), HandedOut::First);
        assert_eq!(cache.hand_out(&one, &secret("b")), HandedOut::Again { told: false });
        assert_eq!(cache.hand_out(&two, &secret("a")), HandedOut::Again { told: false });
    }

    #[test]
    fn a_hundred_processes_one_after_the_other_are_no_sign() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = TokenCache::at(folder.path().join("not there yet"));
        let first = |n: u32| cache.hand_out(&caller(&format!("{n}-1")), &secret("a")) == HandedOut::First;
        assert!((0..100).all(first));
    }

    #[test]
    fn what_the_server_said_is_kept_for_a_minute_and_no_token_lies_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = TokenCache::at(folder.path());
        let why = Why {
            allowed: false,
            check: Some("enabled".into()),
            code: Some("disabled".into()),
            message: "the account is disabled".into(),
            action: None,
            next_step: None,
            at: "2026-01-01T00:00:00Z".into(),
        };
        assert_eq!(cache.said_lately(&secret("canary")), None);
        cache.keep_said(&secret("canary"), Some(&why));
        cache.hand_out(&caller("1-1"), &secret("canary"));
        assert_eq!(cache.said_lately(&secret("canary")), Some(Some(why)));
        cache.keep_said(&secret("other"), None);
        assert_eq!(cache.said_lately(&secret("other")), Some(None));
        for entry in std::fs::read_dir(folder.path().join("told")).expect("a folder") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("text");
            assert!(!text.contains("canary") && !path.display().to_string().contains("canary"));
        }
        let an_hour_ago = SystemTime::now() - Duration::from_hours(1);
        let file = std::fs::File::options().write(true).open(cache.answer(&secret("canary"))).expect("there");
        file.set_modified(an_hour_ago).expect("set");
        assert_eq!(cache.said_lately(&secret("canary")), None);
    }

    #[test]
    fn row_12_one_of_many_that_keep_nothing_opens_a_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let (threads, rounds) = (8, 20);
        let together = std::sync::Barrier::new(threads);
        let pages = |key: usize| {
            let may = |round: usize| {
                let cache = TokenCache::at(folder.path().join(round.to_string())).kept_in(Storage::Nothing);
                let account = Account {
                    authority: "h/t".into(),
                    client: "c".into(),
                    subject: Subject::Person(None),
                    legacy: false,
                    bound_to: Some(key.to_string()),
                };
                together.wait();
                cache.may_open_page(&account)
            };
            (0..rounds).filter(|round| may(*round)).count()
        };
        let pages = &pages;
        let opened: usize = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..threads).map(|key| scope.spawn(move || pages(key))).collect();
            calls.into_iter().map(|call| call.join().expect("ended")).sum()
        });
        assert_eq!(opened, rounds);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_is_known_by_its_start_too() {
        let parent = Caller::parent().expect("somebody started this test");
        assert_eq!(Caller::parent(), Some(parent.clone()));
        assert!(parent.0.split_once('-').is_some_and(|(id, _)| id.parse::<u32>().is_ok()), "{parent:?}");
    }
}
