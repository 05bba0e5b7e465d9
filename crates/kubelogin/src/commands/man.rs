//! `kubelogin man`: the manual page, made from the tables of commands and options.

use std::fmt::Write as _;

use serde_json::json;

use super::catalog::{COMMANDS, Command};
use super::help::{spelled, usage};
use super::kept;
use crate::failure::Failure;
use crate::login::Login;
use crate::options::{FLAGS, Given, variables};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let page = page();
    if kept::as_json(given) { kept::print_json(&json!({ "page": page.trim_end() })) } else { kept::print(&page) }
}

fn page() -> String {
    let mut out = format!(".TH KUBELOGIN 1 \"\" \"kubelogin {}\" \"User Commands\"\n", env!("CARGO_PKG_VERSION"));
    let root = Command::Root.about();
    let _ = writeln!(out, ".SH NAME\nkubelogin \\- {}", plain(&lower(root.summary)));
    out.push_str(".SH SYNOPSIS\n.nf\n");
    for about in &COMMANDS {
        let _ = writeln!(out, "{}", plain(&usage(about.command)));
    }
    out.push_str(".fi\n.SH DESCRIPTION\n");
    paragraphs(&mut out, root.more);
    examples(&mut out, root.examples);
    out.push_str(".SH COMMANDS\n");
    for about in &COMMANDS {
        let _ = writeln!(out, ".SS \"{}\"\n{}", plain(about.name), plain(about.summary));
        for paragraph in about.more.split("\n\n") {
            let _ = writeln!(out, ".PP\n{}", plain(paragraph));
        }
        examples(&mut out, about.examples);
    }
    out.push_str(".SH WAYS TO SIGN IN\nThe words of \\fB\\-\\-login\\fR.\n");
    for (login, word) in Login::WORDS.iter().filter_map(|word| Some((Login::of(word)?, word))) {
        let _ = writeln!(out, ".TP\n\\fB{}\\fR\n{}.", plain(word), plain(login.about()));
    }
    out.push_str(".SH OPTIONS\n");
    for flag in FLAGS.iter().filter(|flag| flag.deprecated.is_none()) {
        let short = flag.short.map_or_else(String::new, |short| format!("\\-{short}, "));
        let spelled = spelled(flag);
        let (name, value) = spelled.split_once(' ').unwrap_or((&spelled, ""));
        let value = if value.is_empty() { String::new() } else { format!(" \\fI{}\\fR", plain(value)) };
        let _ = write!(out, ".TP\n\\fB{short}{}\\fR{value}\n{}", plain(name), plain(flag.help));
        let of: Vec<&str> = COMMANDS.iter().filter(|about| about.command.knows(flag.on)).map(|about| about.name).collect();
        if of.len() < COMMANDS.len() {
            let _ = write!(out, " ({})", plain(&of.join(", ")));
        }
        let names: Vec<&str> = variables(flag.id).collect();
        if !names.is_empty() {
            let _ = write!(out, ".\nVariables: {}", plain(&names.join(", ")));
        }
        out.push_str(".\n");
    }
    out.push_str(".SH ENVIRONMENT\n");
    for (name, about) in ENVIRONMENT {
        let _ = writeln!(out, ".TP\n\\fB{name}\\fR\n{}", plain(about));
    }
    out.push_str(".SH FILES\n");
    for (name, about) in FILES {
        let _ = writeln!(out, ".TP\n\\fI{}\\fR\n{}", plain(name), plain(about));
    }
    out.push_str(".SH EXIT STATUS\nThe reason for everything but 0 is on standard error.\n");
    for (code, about) in EXIT_STATUS {
        let _ = writeln!(out, ".TP\n\\fB{code}\\fR\n{}", plain(about));
    }
    out.push_str(".SH SEE ALSO\n\\fBkubectl\\fR(1), \\fBaz\\fR(1)\n");
    out
}

fn paragraphs(out: &mut String, text: &str) {
    for (at, paragraph) in text.split("\n\n").enumerate() {
        let _ = writeln!(out, "{}{}", if at == 0 { "" } else { ".PP\n" }, plain(paragraph));
    }
}

fn examples(out: &mut String, examples: &[(&str, &str)]) {
    for (wish, line) in examples {
        let _ = writeln!(out, ".PP\n{}\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE", plain(wish), plain(line));
    }
}

/// Text that the formatter takes as it stands, with what is code in bold.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    if text.starts_with(['.', '\'']) {
        out.push_str("\\&");
    }
    let mut is_code = false;
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '`' => {
                is_code = !is_code;
                out.push_str(if is_code { "\\fB" } else { "\\fR" });
            }
            '~' => out.push_str("\\(ti"),
            '…' => out.push_str("\\&..."),
            c => out.push(c),
        }
    }
    out
}

fn lower(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    sentence.chars().next().map_or_else(String::new, |first| first.to_lowercase().chain(sentence.chars().skip(1)).collect())
}

const EXIT_STATUS: [(&str, &str); 3] = [
    ("0", "It was done."),
    ("1", "It was not done; this is the only other code unless `--exit-codes` or KUBELOGIN_EXIT_CODES asks for more."),
    (
        "2 to 6",
        "With them: 2 something that was given cannot be used, 3 a person has to sign in, 4 refused by the service or the person, \
5 network or certificate, 6 out of time; 1 is anything else.",
    ),
];

/// Those that do not stand with their options.
const ENVIRONMENT: [(&str, &str); 13] = [
    (
        "KUBECONFIG",
        "The files that convert-kubeconfig works on, separated as in PATH; of two users with one name the first counts.",
    ),
    ("KUBECACHEDIR", "The token cache is in kubelogin below this folder."),
    ("KUBELOGIN_CONFIG", "The file of environments of one's own, instead of ~/.kube/kubelogin.yaml."),
    ("KUBELOGIN_CACHE_STORAGE", "Where the cache's key lies, where `--cache-storage` does not say it."),
    ("KUBELOGIN_LOG_FORMAT", "The format of messages, where neither `--log-format` nor `--output` says it: text or json."),
    ("KUBELOGIN_EXIT_CODES", "With 1, as `--exit-codes`."),
    ("KUBERNETES_EXEC_INFO", "Comes from kubectl: the version of the answer, and whether somebody can be asked."),
    ("AZURE_CONFIG_DIR", "The folder of the Azure CLI's settings, for azurecli."),
    ("IDENTITY_ENDPOINT, IDENTITY_HEADER, MSI_ENDPOINT, MSI_SECRET", "Where this machine's identity is asked for, for msi."),
    (
        "ACTIONS_ID_TOKEN_REQUEST_URL, SYSTEM_OIDCREQUESTURI",
        "Come from a job of GitHub Actions or Azure Pipelines, with their tokens.",
    ),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "Certificates of the authorities to trust, instead of the machine's."),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "The way to the token service."),
    ("KUBELOGIN_FORCE_PROMPT", "With 1, prompts although nobody seems to look."),
];

const FILES: [(&str, &str); 4] = [
    ("~/.kube/config", "The kubeconfig, unless KUBECONFIG or --kubeconfig names others."),
    ("~/.kube/cache/kubelogin", "The token cache, encrypted and readable by its owner only."),
    ("~/.kube/kubelogin.yaml", "Environments of one's own: names for token services, for `--environment`."),
    ("~/.kube/kuberc", "Says which plugins kubectl may start."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_every_command_and_option_and_no_line_is_a_request_by_accident() {
        const REQUESTS: [&str; 9] = [".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".nf", ".fi"];
        let page = page();
        let told = ["KUBELOGIN_CONFIG", "KUBELOGIN_LOG_FORMAT", "KUBELOGIN_EXIT_CODES", "KUBELOGIN_CACHE_STORAGE"];
        for told in told.into_iter().chain(["/.kube/kubelogin.yaml", "6 out of time"]) {
            assert!(page.contains(told), "{told}");
        }
        for about in &COMMANDS {
            assert!(page.contains(&format!(".SS \"{}\"", plain(about.name))), "{}", about.name);
        }
        for flag in FLAGS.iter().filter(|flag| flag.deprecated.is_none()) {
            assert!(
                page.contains(&format!("\\fB{}", plain(&format!("--{}", flag.name)))) || flag.short.is_some(),
                "{}",
                flag.name
            );
        }
        for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
            assert!(REQUESTS.iter().any(|request| line.split(' ').next() == Some(request)), "{line}");
        }
    }
}
