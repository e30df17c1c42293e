//! How marks look, in words that a theme turns into colours and widths.

use serde::Serialize;

use super::theme::FigureTheme;

/// What a mark is painted with. A [`FigureTheme`] resolves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Ink {
    /// The colour of the n-th series of the palette; beyond its end it repeats.
    Series(usize),
    /// The colour of text.
    Foreground,
    /// A quieter foreground: reference lines, secondary text.
    Muted,
    /// The colour that marks the current moment or a selection.
    Accent,
    /// The paper.
    Background,
    /// A fixed colour: red, green, blue, opacity.
    Rgba([u8; 4]),
}

/// Dash patterns that stay distinct in print and at small sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Dash {
    /// An unbroken line.
    #[default]
    Solid,
    /// Medium strokes.
    Dashed,
    /// Dots.
    Dotted,
    /// A stroke and a dot.
    DashDot,
    /// Long strokes.
    LongDash,
    /// A stroke and two dots.
    DashDotDot,
}

impl Dash {
    /// The order in which series take the patterns.
    pub const ORDER: [Self; 6] = [
        Self::Solid,
        Self::Dashed,
        Self::DashDot,
        Self::Dotted,
        Self::LongDash,
        Self::DashDotDot,
    ];

    /// Lengths of strokes and gaps in units of the line width; empty for a
    /// solid line.
    pub fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[4.0, 2.4],
            Self::Dotted => &[1.0, 1.9],
            Self::DashDot => &[5.0, 2.0, 1.0, 2.0],
            Self::LongDash => &[8.0, 2.6],
            Self::DashDotDot => &[5.0, 2.0, 1.0, 2.0, 1.0, 2.0],
        }
    }
}

/// The shape of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Marker {
    /// No point, only the line.
    #[default]
    None,
    /// ●
    Circle,
    /// ■
    Square,
    /// ▲
    Triangle,
    /// ◆
    Diamond,
    /// ✕
    Cross,
    /// +
    Plus,
    /// ○
    Ring,
}

impl Marker {
    /// The order in which series and classes take the shapes.
    pub const ORDER: [Self; 6] = [
        Self::Circle,
        Self::Square,
        Self::Triangle,
        Self::Diamond,
        Self::Cross,
        Self::Plus,
    ];

    /// Whether the shape is drawn by strokes and has no inside.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Cross | Self::Plus | Self::Ring)
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LineStyle {
    /// Colour.
    pub ink: Ink,
    /// Dash pattern.
    pub dash: Dash,
    /// Width as a multiple of the theme's line width.
    pub width: f64,
    /// Opacity in \[0, 1\].
    pub opacity: f64,
    /// A wider line of the paper's colour underneath, so that the line stays
    /// visible on a heat map.
    pub casing: bool,
}

impl LineStyle {
    /// A solid line of the theme's width.
    pub const fn solid(ink: Ink) -> Self {
        Self {
            ink,
            dash: Dash::Solid,
            width: 1.0,
            opacity: 1.0,
            casing: false,
        }
    }

    /// The same line with another dash pattern.
    pub const fn dashed(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }

    /// The same line, `width` times as wide as the theme's.
    pub const fn width(mut self, width: f64) -> Self {
        self.width = width;
        self
    }

    /// The same line with an opacity in \[0, 1\].
    pub const fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = opacity;
        self
    }

    /// The same line with a casing of the paper's colour.
    pub const fn cased(mut self) -> Self {
        self.casing = true;
        self
    }

    /// The resolved colour, opacity included.
    pub fn rgba(&self, theme: &FigureTheme) -> [u8; 4] {
        let mut rgba = theme.rgba(self.ink);
        rgba[3] = (f64::from(rgba[3]) * self.opacity.clamp(0.0, 1.0)).round() as u8;
        rgba
    }

    /// The resolved width in pixels.
    pub fn pixels(&self, theme: &FigureTheme) -> f64 {
        self.width * theme.line_width
    }
}

impl From<SeriesStyle> for LineStyle {
    fn from(style: SeriesStyle) -> Self {
        Self::solid(style.ink).dashed(style.dash)
    }
}

/// How one of several series is told from the others: by colour, dash and
/// marker together, so that it survives a grey print and colour blindness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeriesStyle {
    /// Colour.
    pub ink: Ink,
    /// Dash of its line.
    pub dash: Dash,
    /// Shape of its points.
    pub marker: Marker,
}

impl SeriesStyle {
    /// The style of series `index`, counted from zero: the same in every view.
    /// The first 42 differ.
    pub const fn nth(index: usize) -> Self {
        Self {
            ink: Ink::Series(index),
            dash: Dash::ORDER[index % Dash::ORDER.len()],
            marker: Marker::ORDER[index % Marker::ORDER.len()],
        }
    }

    /// Raw, noisy values behind the smoothed curve of the series: thin, pale
    /// and solid, as dashes do not survive on a dense line.
    pub const fn raw(self) -> LineStyle {
        LineStyle::solid(self.ink).width(0.5).opacity(0.4)
    }
}

/// Which point of a text sits at its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Anchor {
    /// The text begins there, vertically centred.
    Left,
    /// Centred both ways.
    #[default]
    Center,
    /// The text ends there, vertically centred.
    Right,
    /// The text stands above it, centred.
    Below,
    /// The text hangs below it, centred.
    Above,
}
