//! The token cache: can it be written, read, and by this person only?

#[cfg(unix)]
use std::path::Path;

use entrance_client::cache::TokenCache;

use super::Report;
use crate::commands::{env, kept};
use crate::options::{Given, cache};

const CHECK: &str = "token cache";

pub(super) fn look(report: &mut Report, given: &Given) {
    let chosen = match cache(given, &env) {
        Ok(chosen) => chosen,
        Err(error) => return report.failed(CHECK, error.to_string(), "use one of these words"),
    };
    let mut usable = chosen;
    if let Some(why) = usable.or_in_a_file() {
        report.odd(CHECK, why.to_string(), "the key lies in a file that only you can read");
    }
    let folder = usable.folder().to_owned();
    if let Err(error) = usable.try_to_write() {
        return report.failed(
            CHECK,
            format!("{} cannot be written ({error}), so each call signs in again", folder.display()),
            "make it yours, free some space, or name another with `--cache-dir` or KUBECACHEDIR",
        );
    }
    if let Some(mode) = readable_by_others(&folder.join("key")) {
        return report.failed(
            CHECK,
            format!("others can read its key {} (mode {mode:03o}), so it is not used", folder.join("key").display()),
            format!("run `rm {}`; the next sign-in makes a new one", folder.join("key").display()),
        );
    }
    for cache in kept::caches(given).unwrap_or_default() {
        entries(report, &cache);
    }
}

fn entries(report: &mut Report, cache: &TokenCache) {
    let inventory = cache.inventory();
    if inventory.unreadable > 0 {
        let what = if cache.has_key() { "are damaged" } else { "cannot be opened, because their key is gone" };
        return report.failed(
            CHECK,
            format!("{} entries in {} {what}", inventory.unreadable, cache.folder().display()),
            "run `kubelogin logout --all`, then sign in again",
        );
    }
    let people = inventory.people.len();
    let signed_in = match people {
        0 => "nobody is signed in".to_owned(),
        1 => "1 person is signed in".to_owned(),
        _ => format!("{people} people are signed in"),
    };
    report.good(CHECK, format!("{}, key in {}; {signed_in}", cache.folder().display(), place(cache)));
}

fn place(cache: &TokenCache) -> &'static str {
    match cache.storage().as_str() {
        "keyring" => "the kernel's keyring",
        "none" => "no place (nothing is kept)",
        _ => "a file",
    }
}

#[cfg(unix)]
fn readable_by_others(file: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<u32> {
    None
}
