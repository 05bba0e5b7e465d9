//! kubectl's own settings (`kuberc`), which may say what programs a kubeconfig can start.

use std::path::{Path, PathBuf};

use entrance_wire::yaml;
use serde_json::Value;

use crate::options::home;
use crate::replace::{Locks, Staged};
use crate::terminal::quoted;

/// What the policy means for this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It may be started: there is no policy, it allows all, or the list has this program.
    Allowed,
    /// A list that does not have it.
    NotListed,
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

/// What a file's text says about programs called `kubelogin`.
pub(crate) fn policy(text: &str) -> Policy {
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
            let mut names = entries
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.get("command").or_else(|| entry.get("name")).and_then(Value::as_str));
            if names.any(is_this) { Policy::Allowed } else { Policy::NotListed }
        }
        other => Policy::Broken(format!("the policy {other:?} does not exist")),
    }
}

/// The text with an entry for this program at the head of the list, all else as it was. `None` where the list is not written
/// one entry a line; then kubectl's own command has to do it.
pub(crate) fn allowed(text: &str) -> Option<String> {
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
    let changed = format!("{}{indent}- command: {NAME}\n{}", &text[..at], &text[at..]);
    let old = yaml::parse(text).ok()?;
    let new = yaml::parse(&changed).ok()?;
    // Nothing but the entry may have come.
    let without = |mut value: Value| {
        value.as_object_mut().map(|members| members.remove("credentialPluginAllowlist"));
        value
    };
    let count = |value: &Value| value.get("credentialPluginAllowlist").and_then(Value::as_array).map(Vec::len);
    let is_right =
        policy(&changed) == Policy::Allowed && count(&new) == count(&old).map(|count| count + 1) && without(new) == without(old);
    is_right.then_some(changed)
}

/// The line by which kubectl itself lets this program start, beside everything that it starts now: setting the list replaces it.
pub(crate) fn remedy(text: &str) -> String {
    let value = yaml::parse(text).unwrap_or_default();
    let list = value.get("credentialPluginAllowlist").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entries = list.iter().filter_map(|entry| entry.get("command")?.as_str());
    let mut line = "kubectl kuberc set --section credentialplugin --policy Allowlist".to_owned();
    for entry in entries.chain([NAME]) {
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

/// kubectl resolves both sides through PATH; a path that ends in this name is this program or one that somebody chose.
fn is_this(command: &str) -> bool {
    Path::new(command).file_stem().is_some_and(|name| name == NAME)
}

const NAME: &str = "kubelogin";

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n# ours\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n  # the cloud\n  - command: aws\n";

    #[test]
    fn row_24_each_policy_is_told_apart() {
        assert_eq!(policy("kind: Preference\n"), Policy::Allowed);
        assert_eq!(policy("credentialPluginPolicy: AllowAll\n"), Policy::Allowed);
        assert_eq!(policy("credentialPluginPolicy: DenyAll\n"), Policy::DenyAll);
        assert_eq!(policy(LIST), Policy::NotListed);
        assert_eq!(policy(&LIST.replace("aws", "/usr/local/bin/kubelogin")), Policy::Allowed);
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
    fn row_24_the_entry_is_added_and_nothing_else_changes() {
        let changed = allowed(LIST).expect("a list of lines");
        assert_eq!(changed, LIST.replace("  # the cloud\n", "  - command: kubelogin\n  # the cloud\n"));
        let flush = "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\nkind: Preference\n";
        assert_eq!(allowed(flush).as_deref().map(policy), Some(Policy::Allowed));
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
            remedy(text),
            "kubectl kuberc set --section credentialplugin --policy Allowlist --allowlist-entry command=aws --allowlist-entry \
             'command=/opt/my plugin' --allowlist-entry command=kubelogin"
        );
    }
}
