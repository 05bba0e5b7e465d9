//! Where a sign-in answer may be sent (S-101): exactly to a registered address, except for the port of a loopback one.

use crate::directory::Redirects;

/// What kind of application waits at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A web application with a server: a confidential client.
    Web,
    /// A page in a browser: a public client that calls from its origin.
    Spa,
    /// A program on a person's machine: a public client.
    PublicClient,
}

/// Loopback addresses whose port may differ (RFC 8252 §7.3).
const LOOPBACK: [&str; 3] = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
const LONGEST: usize = 2048;

/// Finds the registration that an asked address matches.
pub fn registered(redirects: &Redirects, asked: &str) -> Option<Platform> {
    if asked.len() > LONGEST {
        return None;
    }
    if redirects.web.iter().any(|known| known == asked) {
        return Some(Platform::Web);
    }
    if redirects.spa.iter().any(|known| known == asked) {
        return Some(Platform::Spa);
    }
    let loopback = |known: &String| LOOPBACK.iter().any(|origin| same_but_port(origin, known, asked));
    redirects.public_client.iter().any(|known| known == asked || loopback(known)).then_some(Platform::PublicClient)
}

fn same_but_port(origin: &str, known: &str, asked: &str) -> bool {
    let (Some(known), Some(asked)) = (path_behind_port(origin, known), path_behind_port(origin, asked)) else { return false };
    known == asked
}

/// The path of an address of this origin, with any port; nothing else may be in the address.
fn path_behind_port<'a>(origin: &str, address: &'a str) -> Option<&'a str> {
    let rest = address.strip_prefix(origin)?;
    let path = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let port: u16 = rest[..end].parse().ok()?;
            if port == 0 {
                return None;
            }
            &rest[end..]
        }
        None => rest,
    };
    let plain = path.is_empty() || path.starts_with('/');
    let strange = path.contains(['?', '#', '\\', '@', '%']) || path.split('/').any(|part| part == "." || part == "..");
    (plain && !strange).then_some(if path == "/" { "" } else { path })
}

/// The source of a Content-Security-Policy `form-action` that lets an answer reach this registered address (W-021).
pub fn form_action(registered: &str) -> Option<String> {
    for origin in LOOPBACK {
        if let Some(rest) = registered.strip_prefix(origin)
            && (rest.is_empty() || rest.starts_with([':', '/']))
        {
            return Some(format!("{origin}:*"));
        }
    }
    let url = url::Url::parse(registered).ok()?;
    match url.origin() {
        origin @ url::Origin::Tuple(..) => Some(origin.ascii_serialization()),
        url::Origin::Opaque(_) => Some(format!("{}:", url.scheme())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirects() -> Redirects {
        Redirects {
            web: vec!["https://app.example/cb".into()],
            spa: vec!["https://spa.example/".into()],
            public_client: vec!["http://localhost".into(), "http://127.0.0.1/done".into()],
            logout: None,
        }
    }

    #[test]
    fn s_101_and_o_01_addresses_match_exactly() {
        let r = redirects();
        assert_eq!(registered(&r, "https://app.example/cb"), Some(Platform::Web));
        assert_eq!(registered(&r, "https://spa.example/"), Some(Platform::Spa));
        for wrong in [
            "https://app.example/CB",
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
            "https://app.example:443/cb",
            "https://APP.example/cb",
            "https://app.example/x/../cb",
            "http://app.example/cb",
            "https://user@app.example/cb",
            "https://app.example\\@evil.example/cb",
            "https://app.example.evil.example/cb",
            "",
        ] {
            assert_eq!(registered(&r, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn s_101_a_loopback_address_of_a_public_client_matches_with_any_port() {
        let r = redirects();
        for right in [
            "http://localhost",
            "http://localhost/",
            "http://localhost:1",
            "http://localhost:65535/",
            "http://127.0.0.1:8400/done",
        ] {
            assert_eq!(registered(&r, right), Some(Platform::PublicClient), "{right}");
        }
        for wrong in [
            "http://localhost:0",
            "http://localhost:70000",
            "http://localhost:80/x",
            "http://localhost:80?x",
            "http://localhost:80#x",
            "http://localhost.evil.example",
            "http://localhost:80@evil.example",
            "http://localhost:80\\evil",
            "https://localhost:80",
            "http://LOCALHOST:80",
            "http://[::1]:80",
            "http://127.0.0.1:80",
            "http://127.0.0.1:80/done/..",
            "http://localhost:/x",
        ] {
            assert_eq!(registered(&r, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn w_021_the_policy_names_the_origin_of_the_answer() {
        assert_eq!(form_action("http://localhost").as_deref(), Some("http://localhost:*"));
        assert_eq!(form_action("http://localhost:4711/").as_deref(), Some("http://localhost:*"));
        assert_eq!(form_action("https://app.example/cb").as_deref(), Some("https://app.example"));
        assert_eq!(form_action("msal123://auth").as_deref(), Some("msal123:"));
        assert_eq!(form_action("http://localhost.evil.example/").as_deref(), Some("http://localhost.evil.example"));
    }
}
