//! The small change of SVG: numbers, colours, escapes, base64.

use std::fmt::Write as _;

/// A number with at most two decimals and no trailing zeros. What is not
/// finite becomes 0: no attribute may hold it.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

/// ` name="#rrggbb"`, with its opacity where it is not 1.
pub fn color(name: &str, [red, green, blue, alpha]: [u8; 4]) -> String {
    let mut text = format!(" {name}=\"#{red:02x}{green:02x}{blue:02x}\"");
    if alpha != 255 {
        let _ = write!(
            text,
            " {name}-opacity=\"{}\"",
            number(f64::from(alpha) / 255.0)
        );
    }
    text
}

/// Text for XML, also within double quotes. Characters that XML 1.0 forbids
/// become U+FFFD; a carriage return is written so that readers keep it.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain([&0u8, &0u8])
            .take(3)
            .fold(0u32, |g, &b| (g << 8) | u32::from(b));
        for k in 0..4 {
            if k <= chunk.len() {
                let digit = (group >> (18 - 6 * k)) & 63;
                out.push(char::from(DIGITS[digit as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_fixed() {
        for (value, text) in [
            (1.0, "1"),
            (-0.001, "0"),
            (2.346, "2.35"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (f64::NAN, "0"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn base64_follows_the_standard() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn escapes_leave_no_markup() {
        assert_eq!(
            escape("a<b & \"c\">\0"),
            "a&lt;b &amp; &quot;c&quot;&gt;\u{fffd}"
        );
        assert_eq!(
            color("fill", [1, 2, 255, 51]),
            " fill=\"#0102ff\" fill-opacity=\"0.2\""
        );
    }
}
