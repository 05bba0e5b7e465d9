//! Paths, in whatever case and key form they come (G-002).

use super::Version;

/// A path made plain: `/groups('ID')/Members/$ref` of `/v1.0` is `/groups/id/members/$ref`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The version it began with.
    pub version: Version,
    /// The rest, lower case, keys as segments of their own, percent-encoded; an alternate key is `appid=…`.
    pub path: String,
}

/// Makes a path plain; `None` when it does not begin with a version that is served.
pub fn plain(path: &str) -> Option<Plain> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let version = segments.next()?;
    let version = [Version::V1, Version::Beta].into_iter().find(|known| known.segment().eq_ignore_ascii_case(version))?;
    let mut plain = String::with_capacity(path.len());
    for segment in segments {
        let segment = decode(segment).to_lowercase();
        match split_key(&segment) {
            Some((name, key)) => {
                push(&mut plain, name);
                if !key.is_empty() {
                    push(&mut plain, &key);
                }
            }
            None => push(&mut plain, &segment),
        }
    }
    if plain.is_empty() {
        plain.push('/');
    }
    Some(Plain { version, path: plain })
}

/// `groups('x')` is (`groups`, `x`); `applications(appId='x')` is (`applications`, `appid=x`).
fn split_key(segment: &str) -> Option<(&str, String)> {
    let (name, rest) = segment.split_once('(')?;
    let key = rest.strip_suffix(')')?;
    let unquote = |text: &str| {
        let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        inner.map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'"))
    };
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let key = match key.split_once('=') {
        Some((property, value)) if is_name(property) => format!("{property}={}", unquote(value)),
        _ => unquote(key),
    };
    Some((name, key))
}

fn push(path: &mut String, segment: &str) {
    path.push('/');
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$'()*,;=:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push(char::from(HEX[usize::from(byte >> 4)]));
            path.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = (byte == b'%').then(|| segment.get(at + 1..at + 3)).flatten();
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        plain(text).map_or_else(String::new, |plain| plain.path)
    }

    #[test]
    fn g_002_case_and_key_form_do_not_matter() {
        for same in ["/v1.0/groups/AB/Members/$ref", "/V1.0/Groups('ab')/members/$REF", "/v1.0//groups(%27AB%27)/members/%24ref"]
        {
            assert_eq!(path(same), "/groups/ab/members/$ref", "{same}");
        }
    }

    #[test]
    fn g_002_alternate_keys_become_a_segment() {
        assert_eq!(path("/v1.0/applications(appId='AB')/addPassword"), "/applications/appid=ab/addpassword");
        assert_eq!(path("/beta/users/a%23ext%23@x.example"), "/users/a%23ext%23@x.example");
        assert_eq!(path("/v1.0/users('$x@y')"), "/users/$x@y");
        assert_eq!(path("/v1.0/users('o''neil@x.example')"), "/users/o'neil@x.example");
    }

    #[test]
    fn g_001_both_versions_are_told_apart_and_others_are_none() {
        assert_eq!(plain("/beta/me").map(|plain| plain.version), Some(Version::Beta));
        assert_eq!(plain("/v1.0").map(|plain| plain.path), Some("/".into()));
        assert_eq!(plain("/v2.0/me"), None);
    }
}
