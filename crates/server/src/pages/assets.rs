//! Style, script and icon, from the binary, under names that change with their content (W-024).
//!
//! They go out compressed (W-007). Pages never do: they hold what is secret beside what somebody else may have chosen, and
//! the size of the two together would tell about the secret.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::hex::sha256_hex;

/// One static file.
struct Asset {
    address: String,
    kind: &'static str,
    content: &'static str,
    gzip: Vec<u8>,
}

fn asset(name: &str, extension: &str, kind: &'static str, content: &'static str) -> Asset {
    let hash = sha256_hex(content.as_bytes());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let gzip = gzip.write_all(content.as_bytes()).and_then(|()| gzip.finish()).expect("memory takes everything");
    Asset { address: format!("/static/{name}.{}.{extension}", &hash[..12]), kind, content, gzip }
}

static CSS: LazyLock<Asset> =
    LazyLock::new(|| asset("gate", "css", "text/css; charset=utf-8", include_str!("../../static/gate.css")));
static JS: LazyLock<Asset> =
    LazyLock::new(|| asset("gate", "js", "text/javascript; charset=utf-8", include_str!("../../static/gate.js")));
static ICON: LazyLock<Asset> = LazyLock::new(|| asset("icon", "svg", "image/svg+xml", include_str!("../../static/icon.svg")));

/// The address of the style sheet.
pub(super) fn css() -> &'static str {
    &CSS.address
}

/// The address of the script.
pub(super) fn js() -> &'static str {
    &JS.address
}

/// The address of the icon.
pub(super) fn icon() -> &'static str {
    &ICON.address
}

/// A static file, compressed for who takes it so.
pub(super) fn serve(path: &str, headers: &HeaderMap) -> Option<Response> {
    let found = [&*CSS, &*JS, &*ICON].into_iter().find(|asset| asset.address == path)?;
    let about = [
        (header::CONTENT_TYPE, found.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::VARY, "accept-encoding"),
    ];
    let response = if takes_gzip(headers) {
        (StatusCode::OK, about, [(header::CONTENT_ENCODING, "gzip")], found.gzip.as_slice()).into_response()
    } else {
        (StatusCode::OK, about, found.content).into_response()
    };
    Some(response)
}

/// Whether somebody named gzip, and not in order to refuse it (RFC 9110 §12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.split_once('=').map_or(Ok(1.0), |(_, weight)| weight.trim().parse::<f32>());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_002_and_w_007_style_sheet_and_script_stay_small() {
        assert!(CSS.content.len() <= 10 * 1024, "{}", CSS.content.len());
        assert!(JS.content.len() <= 4 * 1024);
    }

    #[test]
    fn w_007_gzip_is_for_who_takes_it() {
        let taken =
            |text: &'static str| takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, text.parse().expect("a header"))]));
        for text in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.2", "deflate , gzip ; q=0.5"] {
            assert!(taken(text), "{text}");
        }
        for text in ["", "br", "identity", "gzip;q=0", "gzip;q=0.0, br", "gzip;q=often", "xgzip"] {
            assert!(!taken(text), "{text}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn o_18_the_only_script_neither_sends_nor_hears_messages_of_windows() {
        for word in
            ["postMessage", "MessageChannel", "BroadcastChannel", "\"message\"", "'message'", "onmessage", "opener", "parent."]
        {
            assert!(!JS.content.contains(word), "{word}");
        }
    }

    /// The ratio of WCAG 2.2 between two colours of the style sheet.
    fn ratio(a: &str, b: &str) -> f64 {
        let luminance = |hex: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits")) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn token<'a>(block: &'a str, name: &str) -> &'a str {
        let at = block.find(&format!("--{name}: ")).expect("the token is there") + name.len() + 4;
        &block[at..at + 7]
    }

    #[test]
    fn w_040_text_and_controls_have_enough_contrast_in_both_themes() {
        let blocks: Vec<&str> = CSS.content.match_indices("--bg: ").map(|(at, _)| &CSS.content[at..at + 700]).collect();
        assert_eq!(blocks.len(), 3, "light, dark by the system, dark by choice");
        for block in blocks {
            for (front, back, need) in [
                ("text", "bg", 4.5),
                ("text", "surface", 4.5),
                ("text", "sunken", 4.5),
                ("muted", "bg", 4.5),
                ("muted", "surface", 4.5),
                ("on-accent", "accent", 4.5),
                ("on-accent", "accent-hover", 4.5),
                ("link", "bg", 4.5),
                ("link", "surface", 4.5),
                ("ok", "surface", 4.5),
                ("danger", "surface", 4.5),
                ("warn", "surface", 4.5),
                ("text", "danger-bg", 4.5),
                ("text", "warn-bg", 4.5),
                ("text", "ok-bg", 4.5),
                ("surface", "danger", 4.5),
                ("control", "surface", 3.0),
                ("focus", "bg", 3.0),
                ("focus", "surface", 3.0),
            ] {
                let got = ratio(token(block, front), token(block, back));
                assert!(got >= need, "{front} on {back}: {got:.2}");
            }
        }
    }

    /// The table of the visual language: each token in light and dark.
    const TABLE: [(&str, &str, &str); 22] = [
        ("bg", "#F6F5F2", "#14171A"),
        ("surface", "#FFFFFF", "#1C2024"),
        ("sunken", "#ECEAE4", "#101316"),
        ("text", "#1F2328", "#ECEAE4"),
        ("muted", "#57534E", "#AFAAA1"),
        ("border", "#D6D3CB", "#383E45"),
        ("control", "#857F75", "#7C858F"),
        ("accent", "#0B6E66", "#4DC4B6"),
        ("on-accent", "#FFFFFF", "#08211E"),
        ("accent-hover", "#095A54", "#74D6CA"),
        ("link", "#0A5F86", "#7CC4EA"),
        ("focus", "#8A2BB8", "#D69CFF"),
        ("ok", "#1B6B37", "#7BD397"),
        ("ok-bg", "#E3F3E7", "#14301D"),
        ("warn", "#7A4B00", "#F0C274"),
        ("warn-bg", "#FBEFD5", "#33260C"),
        ("danger", "#A3231F", "#FF9C94"),
        ("danger-bg", "#FBE6E4", "#3A1614"),
        ("info", "#1F5A96", "#93C1F2"),
        ("info-bg", "#E4EEF8", "#14273B"),
        ("glass", "#8C2F0B", "#FFAE86"),
        ("glass-bg", "#FBE7DC", "#38190B"),
    ];

    #[test]
    fn w_2_1_colours_are_those_of_the_table_and_text_stands_out_on_every_tint() {
        let blocks: Vec<&str> = CSS.content.match_indices("--bg: ").map(|(at, _)| &CSS.content[at..at + 700]).collect();
        for (name, light, dark) in TABLE {
            assert_eq!([blocks[0], blocks[1], blocks[2]].map(|block| token(block, name)), [light, dark, dark], "{name}");
        }
        for block in blocks {
            for tint in ["ok", "warn", "danger", "info", "glass"] {
                let ground = format!("{tint}-bg");
                assert!(ratio(token(block, "text"), token(block, &ground)) >= 11.8, "{tint}");
                assert!(ratio(token(block, tint), token(block, &ground)) >= 4.5, "{tint}");
            }
        }
    }

    #[test]
    fn w_043_and_w_046_targets_are_large_motion_is_none_and_directions_are_logical() {
        let css = CSS.content;
        assert!(css.contains("min-block-size: 2.75rem") && css.contains("outline: 3px solid var(--focus); outline-offset: 2px"));
        assert!(!css.contains("animation") && !css.contains("transition"), "nothing moves");
        for physical in
            ["margin-left", "margin-right", "padding-left", "padding-right", "border-left", "text-align: left", "float:"]
        {
            assert!(!css.contains(physical), "{physical}");
        }
        assert!(!css.contains("url(") && !css.contains("@import"), "W-026: nothing of others");
    }
}
