//! `kubelogin convert-kubeconfig`: rewrites how the users of a kubeconfig sign in.
//!
//! Reads the files as kubectl does, changes the users that are ours, and writes back only files in which something changed: all of them or none,
//! each in one step.

mod args;
mod diff;
mod files;
mod input;

use std::fmt::Write as _;

use entrance_wire::kubeconfig::edit::Changes;
use entrance_wire::kubeconfig::{EXEC_V1BETA1, INSTALL_HINT};
use serde_json::{Map, Value, json};

use super::env;
use super::kuberc::{self, Policy};
use crate::failure::Failure;
use crate::options::{Given, Opt, Settings};
use crate::terminal;
use files::{Kubeconfigs, Planned, Written};
use input::Input;

/// The conversion cannot be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("unable to load kubeconfig: {0}")]
    Load(String),
    #[error("no context exists with the name: {0:?}")]
    NoContext(String),
    #[error("--{0} is required")]
    Required(&'static str),
    #[error("--{0} is required when specifying --{1}")]
    RequiredWith(&'static str, &'static str),
    #[error("user {0:?}: {1}")]
    User(String, Box<ConvertError>),
    #[error("cannot write {file}: {source}; {left}", left = left(done))]
    Write { file: String, source: std::io::Error, done: Vec<String> },
    #[error("{file} would have more than {most} MiB, which are not read again; nothing was changed")]
    Grown { file: String, most: u64 },
    #[error("other programs keep changing the kubeconfig; nothing was changed")]
    Outdated,
}

pub(super) fn run(given: Given) -> Result<(), Failure> {
    let settings = Settings::of(given, &env)?;
    for _ in 0..TRIES {
        let configs = Kubeconfigs::load(settings.flag(Opt::Kubeconfig), &env)?;
        let Converted { changes, commands, notes } = converted(&configs, &settings)?;
        let planned = configs.planned(&changes)?;
        if settings.is_on(Opt::DryRun) {
            say(&notes);
            return show(&planned);
        }
        if files::write(&planned)? == Written::Yes {
            say(&notes);
            for one in planned.iter().filter(|one| one.edited.anew && one.file.document.text().contains('#')) {
                let file = one.file.path.display();
                terminal::say(&format!(
                    "Note: the layout of {file} allowed no edit in place, so it was written anew, without its comments."
                ));
            }
            look_at_kuberc(&commands);
            return Ok(());
        }
    }
    Err(ConvertError::Outdated.into())
}

fn left(done: &[String]) -> String {
    if done.is_empty() { "nothing was changed".to_owned() } else { format!("changed already: {}", done.join(", ")) }
}

/// What is to be done.
struct Converted {
    /// For each file.
    changes: Vec<Changes>,
    /// The programs of those who were converted, each once.
    commands: Vec<String>,
    notes: Vec<String>,
}

fn converted(configs: &Kubeconfigs, settings: &Settings) -> Result<Converted, ConvertError> {
    let only = match settings.flag(Opt::Context) {
        Some(context) => Some(configs.user_of(context).ok_or_else(|| ConvertError::NoContext(context.to_owned()))?),
        None => None,
    };
    let chosen = |name: &str| only.is_none_or(|only| only.is_empty() || only == name);

    let mut done = Converted { changes: vec![Changes::new(); configs.len()], commands: Vec::new(), notes: Vec::new() };
    let mut failed = Vec::new();
    for (file, user) in configs.users().filter(|(_, user)| chosen(user.name)) {
        let Some(input) = Input::of(&user) else { continue };
        if input.is_foreign() {
            done.notes.push(format!("Note: user {:?} belongs to another program named kubelogin and stays as it is.", user.name));
            continue;
        }
        match exec(user.exec, &input, settings) {
            Ok(exec) => {
                let command = exec["command"].as_str().unwrap_or(COMMAND).to_owned();
                if !done.commands.contains(&command) {
                    done.commands.push(command);
                }
                done.changes[file].insert(user.place, exec);
            }
            Err(error) => failed.push((user.name, error)),
        }
    }
    let strict = settings.is_on(Opt::Strict);
    if !failed.is_empty() && (done.commands.is_empty() || strict) {
        let one = failed.len() == 1;
        let (name, error) = failed.swap_remove(0);
        return Err(if one && !strict { error } else { ConvertError::User(name.to_owned(), Box::new(error)) });
    }
    done.notes.extend(failed.iter().map(|(name, error)| format!("Warning: user {name:?} stays as it is: {error}")));
    Ok(done)
}

fn say(notes: &[String]) {
    for note in notes {
        terminal::say(note);
    }
}

/// Prints what would change.
fn show(planned: &[Planned<'_>]) -> Result<(), Failure> {
    let mut out = String::new();
    for one in planned {
        let name = one.file.path.display().to_string();
        let _ = write!(out, "{}", diff::unified(&name, one.file.document.text(), &one.edited));
    }
    if out.is_empty() {
        terminal::say("Nothing would change.");
        return Ok(());
    }
    terminal::result(out.trim_end()).map_err(|source| Failure::Machine { doing: "printing".into(), source })
}

/// Says so if kubectl was told not to start what the kubeconfig names now, with the line that allows it.
fn look_at_kuberc(commands: &[String]) {
    let Some((file, text)) = kuberc::file(&env)
        .filter(|_| !commands.is_empty())
        .and_then(|file| Some((file.clone(), std::fs::read_to_string(file).ok()?)))
    else {
        return;
    };
    let why = match kuberc::policy(&text, commands) {
        Policy::Allowed => return,
        Policy::NotListed(_) => "its list does not have it".to_owned(),
        Policy::DenyAll => "it forbids all credential plugins (DenyAll)".to_owned(),
        Policy::Broken(why) => why,
    };
    terminal::say(&format!(
        "Note: by its settings in {} kubectl will not start {}: {why}. This allows it:\n{}",
        file.display(),
        commands.join(", "),
        kuberc::remedy(&text, commands)
    ));
}

/// The names of the contexts that a conversion could be told; none where the files cannot be read.
pub(crate) fn context_names(explicit: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    Kubeconfigs::load(explicit, env).map(|configs| configs.contexts().map(ToOwned::to_owned).collect()).unwrap_or_default()
}

/// The new `exec`: what is ours, beside whatever else stood there.
fn exec(old: Option<&Value>, input: &Input, settings: &Settings) -> Result<Value, ConvertError> {
    let args = args::of(input, settings)?;
    let hint = input.install_hint.as_deref().filter(|hint| !hint.is_empty()).unwrap_or(INSTALL_HINT);
    // Of a program that is not ours nothing is taken over.
    let mut exec = old.filter(|_| input.command.is_some()).and_then(Value::as_object).cloned().unwrap_or_default();
    let ours = json!({
        "apiVersion": EXEC_V1BETA1,
        "args": args,
        "command": input.command.as_deref().unwrap_or(COMMAND),
        "env": input.environment(settings),
        "installHint": hint,
        "provideClusterInfo": false,
    });
    let Value::Object(ours) = ours else { return Ok(ours) };
    if exec.is_empty() {
        return Ok(Value::Object(ours));
    }
    let absent = |exec: &Map<String, Value>, key: &str| exec.get(key).is_none_or(Value::is_null);
    for (key, value) in ours {
        // What is not there and would say nothing need not be there.
        let says_nothing = value.is_null() || value == json!(false);
        if !(says_nothing && absent(&exec, &key)) {
            exec.insert(key, value);
        }
    }
    Ok(Value::Object(exec))
}

const COMMAND: &str = "kubelogin";
/// How often the files are read again when other programs write them at the same time.
const TRIES: usize = 10;
