//! `kubelogin completion`: scripts that ask this program, and the hidden command that answers them.
//!
//! Questions and answers are those of the original (`__complete WORDS…`, then lines of candidate, tab and description, then `:` and a number
//! that says what else to offer), so scripts that are installed already keep working.

mod candidates;

use std::fmt::Write as _;

use crate::failure::Failure;
use crate::options::{Given, Opt};
use crate::terminal;

/// The question of a script.
pub(super) const ASK: &str = "__complete";
/// The same without descriptions in the answer.
pub(super) const ASK_PLAINLY: &str = "__completeNoDesc";

/// The shells that there are scripts for.
const SHELLS: [(&str, &str); 4] = [
    ("bash", include_str!("kubelogin.bash")),
    ("fish", include_str!("kubelogin.fish")),
    ("powershell", include_str!("kubelogin.ps1")),
    ("zsh", include_str!("kubelogin.zsh")),
];

/// There is no script for that.
#[derive(Debug, thiserror::Error)]
#[error("no completion for {0:?}; there is one for {shells}", shells = SHELLS.map(|(name, _)| name).join(", "))]
pub(crate) struct NoShell(String);

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let wanted = given.words.first().map(String::as_str).unwrap_or_default();
    let (_, script) = SHELLS.iter().find(|(name, _)| *name == wanted).ok_or_else(|| NoShell(wanted.to_owned()))?;
    let script = if given.is_on(Opt::NoDescriptions) { script.replace(ASK, ASK_PLAINLY) } else { (*script).to_owned() };
    print(script.trim_end())
}

/// Answers a script: the last word is the one that is being typed.
pub(super) fn answer(words: &[String], described: bool) -> Result<(), Failure> {
    let (typed, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
    // Some shells cannot pass an empty word.
    let typed = if typed == "\"\"" { "" } else { typed };
    let offer = candidates::of(before, typed, &super::env);
    let mut out = String::new();
    for (word, about) in offer.words {
        out.push_str(&word);
        if described && !about.is_empty() {
            out.push('\t');
            out.push_str(about);
        }
        out.push('\n');
    }
    let _ = write!(out, ":{}", offer.else_offer as u8);
    print(&out)
}

fn print(text: &str) -> Result<(), Failure> {
    terminal::result(text).map_err(|source| Failure::Machine { doing: "printing".into(), source })
}
