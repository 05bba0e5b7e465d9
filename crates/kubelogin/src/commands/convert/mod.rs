//! `kubelogin convert-kubeconfig`: rewrites how the users of a kubeconfig sign in.
//!
//! Reads the files as kubectl does, changes the users that are ours, and writes back only files in which something changed: whole, in one
//! step, with their mode.

mod args;
mod document;
mod files;
mod input;

use serde_json::{Value, json};

use super::env;
use crate::failure::Failure;
use crate::options::{Given, Opt, Settings};
use crate::terminal;
use entrance_wire::kubeconfig::{EXEC_V1BETA1, INSTALL_HINT};
use files::Kubeconfigs;
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
    #[error("cannot write {file}: {source}")]
    Write { file: String, source: std::io::Error },
}

pub(super) fn run(given: Given) -> Result<(), Failure> {
    let settings = Settings::of(given, &env)?;
    let mut configs = Kubeconfigs::load(settings.flag(Opt::Kubeconfig), &env)?;
    let only = match settings.flag(Opt::Context) {
        Some(context) => Some(configs.user_of(context).ok_or_else(|| ConvertError::NoContext(context.to_owned()))?),
        None => None,
    };
    let chosen = |name: &str| only.as_deref().is_none_or(|only| only.is_empty() || only == name);

    let (mut converted, mut failed) = (0, Vec::new());
    for user in configs.users().into_iter().filter(|user| chosen(&user.name)) {
        let Some(input) = Input::of(&user.entry) else { continue };
        if input.is_foreign() {
            let name = &user.name;
            terminal::say(&format!("Note: user {name:?} belongs to another program named kubelogin and stays as it is."));
            continue;
        }
        match converted_user(&user.entry, &input, &settings) {
            Ok(changed) => {
                converted += 1;
                configs.change(user, changed);
            }
            Err(error) => failed.push((user.name, error)),
        }
    }
    let strict = settings.is_on(Opt::Strict);
    if !failed.is_empty() && (converted == 0 || strict) {
        let one = failed.len() == 1;
        let (name, error) = failed.swap_remove(0);
        return Err(if one && !strict { error } else { ConvertError::User(name, Box::new(error)) }.into());
    }
    for (name, error) in &failed {
        terminal::say(&format!("Warning: user {name:?} stays as it is: {error}"));
    }
    configs.write()?;
    Ok(())
}

/// The user's entry with our `exec` in the place of what was there.
fn converted_user(user: &Value, input: &Input, settings: &Settings) -> Result<Value, ConvertError> {
    let args = args::of(input, settings)?;
    let hint = input.install_hint.as_deref().filter(|hint| !hint.is_empty()).unwrap_or(INSTALL_HINT);
    let exec = json!({
        "apiVersion": EXEC_V1BETA1,
        "args": args,
        "command": input.command.as_deref().unwrap_or("kubelogin"),
        "env": input.environment(settings),
        "installHint": hint,
        "provideClusterInfo": false,
    });
    let Value::Object(user) = user else { return Ok(json!({ "exec": exec })) };
    let mut changed = serde_json::Map::new();
    for (key, value) in user {
        match key.as_str() {
            "auth-provider" | "exec" => {
                changed.insert("exec".into(), exec.clone());
            }
            _ => {
                changed.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(Value::Object(changed))
}
