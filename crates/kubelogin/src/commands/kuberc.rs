//! kubectl's own settings (`kuberc`), which may say what programs a kubeconfig can start.

use std::path::{Path, PathBuf};

use entrance_wire::yaml;
use serde_json::{Value, json};

use crate::options::home;
use crate::replace::{Locks, Staged};
use crate::terminal::quoted;

/// What the policy means for programs that kubeconfigs name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Policy {
    /// They may be started: there is no policy, it allows all, or the list has them.
    Allowed,
    /// A list that does not have these.
    NotListed(Vec<String>),
    /// Nothing may be started.
    DenyAll,
    /// kubectl refuses the settings themselves; why.
    Broken(String),
}

/// The file that kubectl reads; `None` where it is told to read none.
pub(crate) fn file(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    match env("KUBERC").filter(|file| !file.is_empty()) {
        Some(off) if off == "off" => None,
        Some(file) => Some(file.into()),
        None => Some(home(env).join(".kube/kuberc")),
    }
}

/// What a file's text says about these commands of kubeconfigs.
pub(crate) fn policy(text: &str, commands: &[String]) -> Policy {
    let value = match yaml::parse(text) {
        Ok(value) => value,
        Err(error) => return Policy::Broken(error.to_string()),
    };
    let entries = value.get("credentialPluginAllowlist").and_then(Value::as_array);
    let has_entries = entries.is_some_and(|entries| !entries.is_empty());
    match value.get("credentialPluginPolicy").and_then(Value::as_str).unwrap_or_default() {
        "" | "AllowAll" if has_entries => Policy::Broken("a list without the policy `Allowlist`".into()),
        "DenyAll" if has_entries => Policy::Broken("a list beside the policy `DenyAll`".into()),
        "" | "AllowAll" => Policy::Allowed,
        "DenyAll" => Policy::DenyAll,
        "Allowlist" if !has_entries => Policy::Broken("the policy `Allowlist` without a list".into()),
        "Allowlist" => {
            let command = |entry: &Value| entry.get("command").or_else(|| entry.get("name"))?.as_str().map(ToOwned::to_owned);
            let listed: Vec<String> = entries.into_iter().flatten().filter_map(command).collect();
            let is_listed = |command: &&String| listed.iter().any(|entry| is_same(entry, command));
            let missing: Vec<String> = commands.iter().filter(|command| !is_listed(command)).cloned().collect();
            if missing.is_empty() { Policy::Allowed } else { Policy::NotListed(missing) }
        }
        other => Policy::Broken(format!("the policy {other:?} does not exist")),
    }
}

/// The text with entries for these commands at the head of the list, all else as it was. `None` where the list is not written
/// one entry a line; then kubectl's own command has to do it.
pub(crate) fn allowed(text: &str, commands: &[String]) -> Option<String> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n');
    for line in lines.by_ref() {
        at += line.len();
        if line.trim_end() == "credentialPluginAllowlist:" {
            break;
        }
    }
    let first = lines.find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
    let indent = &first[..first.find("- ")?];
    if !indent.trim().is_empty() {
        return None;
    }
    let entries: Vec<Value> = commands.iter().map(|command| json!({ "command": command })).collect();
    let changed = format!("{}{}{}", &text[..at], yaml::show_at(&Value::Array(entries), indent.len()), &text[at..]);
    let old = yaml::parse(text).ok()?;
    let new = yaml::parse(&changed).ok()?;
    // Nothing but the entry may have come.
    let without = |mut value: Value| {
        value.as_object_mut().map(|members| members.remove("credentialPluginAllowlist"));
        value
    };
    let count = |value: &Value| value.get("credentialPluginAllowlist").and_then(Value::as_array).map(Vec::len);
    let is_right = policy(&changed, commands) == Policy::Allowed
        && count(&new) == count(&old).map(|count| count + commands.len())
        && without(new) == without(old);
    is_right.then_some(changed)
}

/// The line by which kubectl itself lets these commands start, beside everything that it starts now: setting the list replaces it.
pub(crate) fn remedy(text: &str, commands: &[String]) -> String {
    let value = yaml::parse(text).unwrap_or_default();
    let list = value.get("credentialPluginAllowlist").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entries = list.iter().filter_map(|entry| entry.get("command")?.as_str());
    let mut line = "kubectl kuberc set --section credentialplugin --policy Allowlist".to_owned();
    let missing = commands.iter().filter(|command| !entries.clone().any(|entry| is_same(entry, command)));
    for entry in entries.clone().chain(missing.map(String::as_str)) {
        line.push_str(" --allowlist-entry ");
        line.push_str(&quoted(&format!("command={entry}")));
    }
    line
}

/// Writes the text in the place of the file's, in one step, with its mode.
pub(crate) fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let _locks = Locks::take([file])?;
    Staged::write(file, text)?.place()
}

/// kubectl resolves both sides through PATH; they have to be equal then.
fn is_same(entry: &str, command: &str) -> bool {
    entry == command || found(entry).is_some_and(|entry| found(command) == Some(entry))
}

/// The program that a command starts: the one at its path, else the first of its name on PATH.
fn found(command: &str) -> Option<PathBuf> {
    if command.contains(std::path::is_separator) {
        return Some(command.into());
    }
    on_path(command).into_iter().next()
}

/// Every program of this name on PATH, in its order.
pub(crate) fn on_path(name: &str) -> Vec<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join(name)).filter(|path| can_run(path)).collect()
}

fn can_run(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n# ours\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n  # the cloud\n  - command: aws\n";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn row_24_each_policy_is_told_apart() {
        let policy = |text: &str| policy(text, &names(&["kubelogin"]));
        let not_listed = || Policy::NotListed(names(&["kubelogin"]));
        assert_eq!(policy("kind: Preference\n"), Policy::Allowed);
        assert_eq!(policy("credentialPluginPolicy: AllowAll\n"), Policy::Allowed);
        assert_eq!(policy("credentialPluginPolicy: DenyAll\n"), Policy::DenyAll);
        assert_eq!(policy(LIST), not_listed());
        assert_eq!(policy(&LIST.replace("aws", "/some/other/kubelogin")), not_listed());
        assert_eq!(policy(&LIST.replace("command: aws", "name: kubelogin")), Policy::Allowed);
        for broken in [
            "credentialPluginPolicy: Allowlist\n",
            "credentialPluginPolicy: All\n",
            "credentialPluginAllowlist:\n- command: x\n",
            "a: [\n",
        ] {
            assert!(matches!(policy(broken), Policy::Broken(_)), "{broken}");
        }
    }

    #[test]
    fn row_24_both_sides_are_what_path_finds() {
        let list = |entry: &str| LIST.replace("aws", entry);
        let [first] = &on_path("sh")[..1] else { panic!("every PATH has a shell") };
        let first = first.display().to_string();
        for (entry, command) in [("sh", first.as_str()), (first.as_str(), "sh"), ("sh", "sh")] {
            assert_eq!(policy(&list(entry), &names(&[command])), Policy::Allowed, "{entry} {command}");
        }
        assert_eq!(policy(&list("/other/sh"), &names(&["sh", "/other/sh"])), Policy::NotListed(names(&["sh"])));
    }

    #[test]
    fn row_24_the_entry_is_added_and_nothing_else_changes() {
        let allowed = |text: &str| allowed(text, &names(&["kubelogin"]));
        let changed = allowed(LIST).expect("a list of lines");
        assert_eq!(changed, LIST.replace("  # the cloud\n", "  - command: kubelogin\n  # the cloud\n"));
        let flush = "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\nkind: Preference\n";
        assert_eq!(allowed(flush).map(|text| policy(&text, &names(&["kubelogin"]))), Some(Policy::Allowed));
        for other in [
            "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: aws}]\n",
            "credentialPluginAllowlist:\n",
            "kind: x\n",
        ] {
            assert_eq!(allowed(other), None, "{other}");
        }
    }

    #[test]
    fn the_remedy_keeps_what_is_listed() {
        let text = "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\n- command: /opt/my plugin\n";
        assert_eq!(
            remedy(text, &names(&["kubelogin", "aws"])),
            "kubectl kuberc set --section credentialplugin --policy Allowlist --allowlist-entry command=aws --allowlist-entry \
             'command=/opt/my plugin' --allowlist-entry command=kubelogin"
        );
    }
}
