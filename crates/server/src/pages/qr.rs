//! A QR code as one path of an SVG: no inline style, nothing to escape.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

/// The dark squares, and how wide the whole is with the quiet zone that scanners need.
pub(super) struct Drawing {
    pub(super) path: String,
    pub(super) size: usize,
}

const QUIET: usize = 4;

/// Draws a text.
pub(super) fn draw(text: &str) -> Drawing {
    let code = QrCode::new(text).expect("an invitation is far shorter than the largest code");
    let width = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET).expect("a text takes everything");
            }
            x += run.max(1);
        }
    }
    Drawing { path, size: width + 2 * QUIET }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_070_a_code_is_drawn_square_by_square_with_its_quiet_zone() {
        let Drawing { path, size } = draw("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let code = QrCode::new("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("a code");
        assert_eq!(size, code.width() + 8);
        let dark: usize = path.split('h').skip(1).filter_map(|run| run.split('v').next()?.parse::<usize>().ok()).sum();
        assert_eq!(dark, code.to_colors().iter().filter(|color| **color == Color::Dark).count());
        assert!(path.starts_with("M4 4h7v1h-7z"), "the corner of a finder pattern");
        assert!(path.bytes().all(|b| b.is_ascii_digit() || b"Mhvz -".contains(&b)));
    }
}
