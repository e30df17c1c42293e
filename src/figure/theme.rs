//! Every colour, width and text size of a figure, in one place.

use serde::Serialize;

use super::style::Ink;

/// Colours as red, green, blue, opacity; lengths in CSS pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureTheme {
    /// The paper.
    pub background: [u8; 4],
    /// Text and emphasis; contrast to the paper at least 7 : 1.
    pub foreground: [u8; 4],
    /// Tick labels, notes, reference lines; contrast at least 4.5 : 1.
    pub muted: [u8; 4],
    /// Frame and ticks.
    pub frame: [u8; 4],
    /// Grid lines.
    pub grid: [u8; 4],
    /// The current moment, a selection.
    pub accent: [u8; 4],
    /// Behind cells without a value.
    pub missing: [u8; 4],
    /// The hatching on cells without a value.
    pub hatch: [u8; 4],
    /// Colours of the series: Okabe–Ito, ordered so that the first ones have
    /// the most contrast to the paper.
    pub series: [[u8; 4]; 7],
    /// The figure's title.
    pub title_size: f64,
    /// Titles of panels, axis labels, legends.
    pub body_size: f64,
    /// Tick labels, notes, captions, labels of marks.
    pub label_size: f64,
    /// A line's width.
    pub line_width: f64,
    /// Width of frame and ticks.
    pub frame_width: f64,
    /// Length of a major tick; a minor one has 0.6 of it.
    pub tick_length: f64,
    /// Diameter of a point.
    pub marker_size: f64,
    /// Opacity of bands.
    pub band_opacity: f64,
    /// The unit of all distances; paddings are multiples of it.
    pub gap: f64,
}

const fn opaque(red: u8, green: u8, blue: u8) -> [u8; 4] {
    [red, green, blue, 255]
}

/// Okabe & Ito, *Color Universal Design* (2008), without its yellow, which
/// vanishes on white paper.
const ON_LIGHT: [[u8; 4]; 7] = [
    opaque(0, 114, 178),
    opaque(213, 94, 0),
    opaque(0, 158, 115),
    opaque(204, 121, 167),
    opaque(230, 159, 0),
    opaque(86, 180, 233),
    opaque(0, 0, 0),
];

/// The same hues for dark paper: blue and sky blue change places, and yellow
/// takes the place of black.
const ON_DARK: [[u8; 4]; 7] = [
    opaque(86, 180, 233),
    opaque(230, 120, 40),
    opaque(20, 184, 138),
    opaque(221, 146, 187),
    opaque(230, 169, 30),
    opaque(64, 140, 205),
    opaque(240, 228, 66),
];

impl FigureTheme {
    /// White paper.
    pub fn light() -> Self {
        Self {
            background: opaque(255, 255, 255),
            foreground: opaque(28, 30, 33),
            muted: opaque(92, 97, 104),
            frame: opaque(110, 115, 122),
            grid: opaque(230, 232, 235),
            accent: opaque(213, 94, 0),
            missing: opaque(236, 236, 236),
            hatch: opaque(160, 160, 160),
            series: ON_LIGHT,
            title_size: 15.0,
            body_size: 12.0,
            label_size: 10.5,
            line_width: 1.6,
            frame_width: 1.0,
            tick_length: 4.0,
            marker_size: 6.0,
            band_opacity: 0.18,
            gap: 8.0,
        }
    }

    /// Dark paper, for screens and projectors.
    pub fn dark() -> Self {
        Self {
            background: opaque(24, 26, 29),
            foreground: opaque(232, 234, 237),
            muted: opaque(164, 169, 177),
            frame: opaque(118, 124, 132),
            grid: opaque(46, 49, 54),
            accent: opaque(240, 228, 66),
            missing: opaque(52, 54, 58),
            hatch: opaque(104, 108, 114),
            series: ON_DARK,
            band_opacity: 0.24,
            ..Self::light()
        }
    }

    /// The same theme with all text, lines, points and gaps `factor` times as
    /// large.
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            title_size: self.title_size * factor,
            body_size: self.body_size * factor,
            label_size: self.label_size * factor,
            line_width: self.line_width * factor,
            frame_width: self.frame_width * factor,
            tick_length: self.tick_length * factor,
            marker_size: self.marker_size * factor,
            gap: self.gap * factor,
            ..self.clone()
        }
    }

    /// The colour of an ink on this paper.
    pub fn rgba(&self, ink: Ink) -> [u8; 4] {
        match ink {
            Ink::Series(index) => self.series[index % self.series.len()],
            Ink::Foreground => self.foreground,
            Ink::Muted => self.muted,
            Ink::Accent => self.accent,
            Ink::Background => self.background,
            Ink::Rgba(rgba) => rgba,
        }
    }
}

impl Default for FigureTheme {
    fn default() -> Self {
        Self::light()
    }
}

/// Relative luminance of a colour in \[0, 1\] (WCAG 2.2).
pub fn luminance([red, green, blue, _]: [u8; 4]) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// Contrast ratio of two opaque colours, from 1 to 21 (WCAG 2.2).
pub fn contrast(a: [u8; 4], b: [u8; 4]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Black or white, whichever stands out more on `behind`.
pub fn black_or_white_on(behind: [u8; 4]) -> [u8; 4] {
    let (black, white) = ([0, 0, 0, 255], [255, 255, 255, 255]);
    if contrast(behind, black) >= contrast(behind, white) {
        black
    } else {
        white
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_legible_on_its_paper() {
        for theme in [FigureTheme::light(), FigureTheme::dark()] {
            assert!(contrast(theme.foreground, theme.background) >= 7.0);
            assert!(contrast(theme.muted, theme.background) >= 4.5);
            for series in theme.series {
                assert!(contrast(series, theme.background) >= 2.1, "{series:?}");
            }
        }
    }

    #[test]
    fn contrast_has_its_known_ends() {
        let (black, white) = (opaque(0, 0, 0), opaque(255, 255, 255));
        assert!((contrast(black, white) - 21.0).abs() < 1e-9);
        assert_eq!(black_or_white_on(white), black);
        assert_eq!(black_or_white_on(black), white);
    }
}
