//! Every command, once: its names, its texts, and the options it has. Help, the manual page and completion are made from this.

use crate::options::{FLAGS, Flag, On};

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Root,
    GetToken,
    Convert,
    RemoveCacheDir,
    Accounts,
    Status,
    Logout,
    Whoami,
    Doctor,
    Completion,
    Man,
    Version,
}

/// One row.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) command: Command,
    pub(crate) name: &'static str,
    /// Names that it had before, with what is said to whoever uses them.
    pub(crate) former: &'static [(&'static str, &'static str)],
    /// What may follow the name, beside options.
    pub(crate) words: &'static str,
    /// One line, beginning like a sentence.
    pub(crate) summary: &'static str,
    /// Some paragraphs that teach.
    pub(crate) more: &'static str,
    /// What somebody wants, and the line that does it.
    pub(crate) examples: &'static [(&'static str, &'static str)],
}

impl Command {
    /// Has the command this kind of options?
    pub(crate) fn knows(self, on: On) -> bool {
        match self {
            Self::Root | Self::Version | Self::Man => on == On::Everywhere,
            Self::GetToken => matches!(on, On::Everywhere | On::Both | On::Cache | On::Network | On::Person),
            Self::Convert => !matches!(on, On::Logout | On::Doctor | On::Completion),
            Self::RemoveCacheDir | Self::Accounts | Self::Status => matches!(on, On::Everywhere | On::Cache),
            Self::Logout => matches!(on, On::Everywhere | On::Cache | On::Network | On::Person | On::Logout),
            Self::Whoami => !matches!(on, On::Convert | On::Logout | On::Doctor | On::Completion),
            Self::Doctor => !matches!(on, On::Convert | On::Logout | On::Completion),
            Self::Completion => matches!(on, On::Everywhere | On::Completion),
        }
    }

    /// The options of the command, without those that have another name now.
    pub(crate) fn flags(self) -> impl Iterator<Item = &'static Flag> {
        FLAGS.iter().filter(move |flag| flag.deprecated.is_none() && self.knows(flag.on))
    }

    pub(crate) fn about(self) -> &'static About {
        COMMANDS.iter().find(|about| about.command == self).unwrap_or(&ROOT)
    }
}

/// The command of this name, and what to say if the name is a former one.
pub(crate) fn find(name: &str) -> Option<(&'static About, Option<&'static str>)> {
    COMMANDS.iter().find_map(|about| {
        let former = about.former.iter().find(|(former, _)| *former == name).map(|(_, notice)| *notice);
        (about.name == name || former.is_some()).then_some((about, former))
    })
}

/// The program itself.
const ROOT: About = About {
    command: Command::Root,
    name: "",
    former: &[],
    words: "[command]",
    summary: "Signs people and programs in to Kubernetes clusters with Entra integration.",
    more: "kubectl starts `kubelogin get-token` by itself wherever a kubeconfig says so. What a person does by hand is to choose, once, how to sign in.",
    examples: &[
        ("Sign in to the clusters of your kubeconfig as you did for the Azure CLI:", "kubelogin convert-kubeconfig -l azurecli"),
        (
            "Sign in with a code on another device, which is what new kubeconfigs do:",
            "kubelogin convert-kubeconfig -l devicecode",
        ),
    ],
};

/// The commands, in the order of their names.
pub(crate) const COMMANDS: [About; 11] = [
    About {
        command: Command::Accounts,
        name: "accounts",
        former: &[],
        words: "",
        summary: "Lists who is signed in on this machine.",
        more: "Several people can be signed in side by side; `--account NAME` chooses one of them for `get-token`, `whoami` and `logout`.",
        examples: &[("For a program:", "kubelogin accounts -o json")],
    },
    About {
        command: Command::Completion,
        name: "completion",
        former: &[],
        words: "bash|zsh|fish|powershell",
        summary: "Prints a script that completes commands and options in your shell.",
        more: "Values are completed too: ways to sign in, clouds, the contexts of your kubeconfig, files and folders. `make install` puts the scripts of bash, zsh and fish where these shells look for them. By hand, in the file that your shell reads at its start:",
        examples: &[
            ("bash (with the package bash-completion or without)", "source <(kubelogin completion bash)"),
            ("zsh (after compinit)", "source <(kubelogin completion zsh)"),
            ("fish", "kubelogin completion fish | source"),
            ("PowerShell", "kubelogin completion powershell | Out-String | Invoke-Expression"),
        ],
    },
    About {
        command: Command::Convert,
        name: "convert-kubeconfig",
        former: &[],
        words: "",
        summary: "Changes how the users of a kubeconfig sign in.",
        more: "Works on `--kubeconfig`, else on the files in KUBECONFIG, else on ~/.kube/config, and there on each user who signs in with \
kubelogin or with the removed provider `azure`; others stay as they are. Options given here win over what the file says; without `--login` the \
result is devicecode.\n\nFiles are replaced in one step, with their mode, order and comments; if one cannot be written, none is changed.",
        examples: &[
            ("Sign in as the Azure CLI is signed in:", "kubelogin convert-kubeconfig -l azurecli"),
            ("Look first what would change:", "kubelogin convert-kubeconfig -l interactive --dry-run"),
            ("One context only:", "kubelogin convert-kubeconfig -l devicecode --context prod"),
            (
                "In a pipeline, with the secret in AZURE_CLIENT_SECRET:",
                "kubelogin convert-kubeconfig -l spn --client-id APPLICATION --kubeconfig ./config",
            ),
        ],
    },
    About {
        command: Command::Doctor,
        name: "doctor",
        former: &[],
        words: "",
        summary: "Looks for the usual causes of trouble and says what to do.",
        more: "Each check is one line; it ends with 1 if any failed. Clock, authorities, the token service, a second program of this name, the cache, and kubectl's policy for plugins are looked at; `--fix` puts right what can be put right here.",
        examples: &[("Look the user of a context over:", "kubelogin doctor --context prod")],
    },
    About {
        command: Command::GetToken,
        name: "get-token",
        former: &[],
        words: "",
        summary: "Prints a token for kubectl, which calls this by itself.",
        more: "The token comes from the cache while it is good for five minutes or more; else the sign-in is renewed, and only if that fails somebody \
is asked. Of many calls at once one asks, and the others wait for its answer.\n\nA variable that is set, even to nothing, beats its option; \
`--disable-environment-override` ends that, and `-v 1` names the variables that won.",
        examples: &[
            (
                "See what kubectl gets:",
                "kubelogin get-token -l devicecode --server-id SERVER --client-id CLIENT --tenant-id TENANT",
            ),
            (
                "The same against a token service of your own:",
                "kubelogin get-token … --authority-host https://login.example.com/",
            ),
        ],
    },
    About {
        command: Command::Logout,
        name: "logout",
        former: &[],
        words: "",
        summary: "Ends a sign-in, here and at the token service.",
        more: "Removes the tokens of one person, or with `--all` of everybody, and gives the refresh token back to services that take it.",
        examples: &[("One of several people:", "kubelogin logout --account ann@example.com")],
    },
    About {
        command: Command::Man,
        name: "man",
        former: &[],
        words: "",
        summary: "Prints the manual page.",
        more: "`make install` puts it below share/man.",
        examples: &[("Read it without installing:", "kubelogin man | man -l -")],
    },
    About {
        command: Command::RemoveCacheDir,
        name: "remove-cache-dir",
        former: &[("remove-tokens", "remove-tokens is deprecated, use remove-cache-dir instead")],
        words: "",
        summary: "Forgets every token on this machine.",
        more: "Deletes the folder with everything in it; that there is none is fine.",
        examples: &[],
    },
    About {
        command: Command::Status,
        name: "status",
        former: &[],
        words: "",
        summary: "Tells what is cached, for whom and until when, without asking anybody.",
        more: "Never shows a token, and works without a network.",
        examples: &[("For a program:", "kubelogin status -o json")],
    },
    About {
        command: Command::Version,
        name: "version",
        former: &[],
        words: "",
        summary: "Prints version and build.",
        more: "The same five lines as `kubelogin --version`, which scripts compare with; with `-o json` one object.",
        examples: &[],
    },
    About {
        command: Command::Whoami,
        name: "whoami",
        former: &[],
        words: "",
        summary: "Tells who a cluster will see, by the kubeconfig or by the options given.",
        more: "Nobody is asked to sign in for this.",
        examples: &[("The user of another context:", "kubelogin whoami --context prod")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_order_and_every_command_has_its_row() {
        assert!(COMMANDS.is_sorted_by(|one, other| one.name < other.name));
        for about in &COMMANDS {
            assert_eq!(about.command.about().name, about.name);
            assert!(about.summary.ends_with('.') && !about.more.is_empty(), "{}", about.name);
        }
        assert_eq!(Command::Root.about().name, "");
        assert_eq!(find("remove-tokens").map(|(about, notice)| (about.name, notice.is_some())), Some(("remove-cache-dir", true)));
    }
}
