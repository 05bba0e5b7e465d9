//! Names that people and groups can have (G-202, G-300).

use crate::name::Upn;

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, blank, longer than 256 characters, or with invisible characters.
    #[error("a display name has 1 to 256 visible characters")]
    Display,
    /// Not usable as a mail alias.
    #[error("a mail nickname has 1 to 64 ASCII characters and none of @()\\[]\";:.<>, or blanks")]
    Nickname,
    /// The domain belongs to somebody else or to nobody.
    #[error(
        "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization."
    )]
    Domain,
}

/// A display name: not unique, so anything that can be read; nothing that reorders or hides text.
pub fn display_name(text: &str) -> Result<(), NameError> {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if text.trim().is_empty() || text.chars().count() > 256 || text.chars().any(hidden) {
        Err(NameError::Display)
    } else {
        Ok(())
    }
}

/// The part of a mail address before the `@`.
pub fn mail_nickname(text: &str) -> Result<(), NameError> {
    let fine = |c: char| c.is_ascii_graphic() && !"@()\\[]\";:<>,".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(fine) { Ok(()) } else { Err(NameError::Nickname) }
}

/// A person's name has to be on a verified domain of the tenant.
pub fn upn_domain(upn: &Upn, verified: &[String]) -> Result<(), NameError> {
    if verified.iter().any(|domain| domain.eq_ignore_ascii_case(upn.domain())) { Ok(()) } else { Err(NameError::Domain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g_202_a_name_is_on_a_verified_domain() {
        let verified = ["contoso.example".to_owned()];
        let upn = |text: &str| text.parse::<Upn>().expect("a UPN");
        assert_eq!(upn_domain(&upn("a@Contoso.example"), &verified), Ok(()));
        assert_eq!(upn_domain(&upn("a@x.contoso.example"), &verified), Err(NameError::Domain));
    }

    #[test]
    fn names_that_hide_something_are_refused() {
        for wrong in ["", "  ", "a\u{202e}b", "a\u{200b}", "a\nb"] {
            assert_eq!(display_name(wrong), Err(NameError::Display), "{wrong:?}");
        }
        assert_eq!(display_name("It's Überall 42"), Ok(()));
        for wrong in ["", "a b", "a@b", "ä"] {
            assert_eq!(mail_nickname(wrong), Err(NameError::Nickname), "{wrong:?}");
        }
        assert_eq!(mail_nickname("platform-team_1.x"), Ok(()));
    }
}
