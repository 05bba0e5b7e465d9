//! Which program asked for a device code, by what it calls itself. It is told to people and decides nothing: whoever asks
//! writes it.

/// A program that calls itself by a name that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program<'a> {
    /// Its name, as people know it.
    pub name: &'static str,
    /// Major and minor version.
    pub version: Option<&'a str>,
    /// The system that it says it runs on.
    pub system: Option<&'static str>,
}

const PROGRAMS: &[(&str, &str)] = &[
    ("AZURECLI/", "Azure CLI"),
    ("AzurePowershell/", "Azure PowerShell"),
    ("AzurePowerShell/", "Azure PowerShell"),
    ("kubelogin/", "kubelogin"),
    ("entrance/", "entrance"),
    ("azsdk-go-azidentity/", "Azure SDK for Go"),
    ("azsdk-python-identity/", "Azure SDK for Python"),
    ("azsdk-js-identity/", "Azure SDK for JavaScript"),
    ("azsdk-net-Identity/", "Azure SDK for .NET"),
    ("HashiCorp Terraform/", "Terraform"),
    ("curl/", "curl"),
];
const SYSTEMS: &[(&str, &str)] = &[
    ("Linux", "Linux"),
    ("linux", "Linux"),
    ("Darwin", "macOS"),
    ("darwin", "macOS"),
    ("macOS", "macOS"),
    ("Windows", "Windows"),
    ("windows", "Windows"),
];

impl<'a> Program<'a> {
    /// Understands a user agent.
    pub fn of(agent: &'a str) -> Option<Self> {
        let (at, prefix, name) = PROGRAMS.iter().find_map(|(prefix, name)| Some((agent.find(prefix)?, *prefix, *name)))?;
        // A name in the middle of another word is another name.
        if at > 0 && !agent[..at].ends_with([' ', '(', ';']) {
            return None;
        }
        let rest = &agent[at + prefix.len()..];
        let digits = rest.strip_prefix('v').unwrap_or(rest);
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let mut dots = digits[..end].match_indices('.').map(|(at, _)| at);
        let version = match (dots.next(), dots.next()) {
            (_, Some(second)) => &digits[..second],
            _ => digits[..end].trim_end_matches('.'),
        };
        let system = SYSTEMS.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name);
        Some(Self { name, version: (!version.is_empty()).then_some(version), system })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_3_4_known_programs_are_called_by_their_names() {
        let of = |agent| Program::of(agent).map(|p| (p.name, p.version, p.system));
        assert_eq!(of("AZURECLI/2.91.0 (PIP) Linux-6.1"), Some(("Azure CLI", Some("2.91"), Some("Linux"))));
        assert_eq!(of("python/3.12 AZURECLI/2.91.0"), Some(("Azure CLI", Some("2.91"), None)));
        assert_eq!(of("kubelogin/v0.2.19 (darwin/arm64)"), Some(("kubelogin", Some("0.2"), Some("macOS"))));
        assert_eq!(of("curl/8"), Some(("curl", Some("8"), None)));
        assert_eq!(of("NotAZURECLI/2"), None);
        assert_eq!(of("Mozilla/5.0 (Windows NT 10.0)"), None);
        assert_eq!(of(""), None);
    }
}
