//! Figures as data, and their writers.
//!
//! A [`Figure`] is a grid of panels: axes with layers of marks (lines, bands,
//! heat maps, contours, …) or mosaics of small images. It knows no canvas:
//! the window draws it, [`svg`] writes it as vector graphics and [`png`] as
//! pixels, all with the same ticks, colour maps, line styles and fonts. The
//! recipe travels inside the written files and [`embed`] reads it back.
//!
//! What every canvas shares, as pure functions:
//! * [`scale`] and [`ticks`]: axis transforms, round ticks and their labels;
//! * [`colormap`]: values to colours, not-a-number included;
//! * [`contour`]: contour lines and round levels;
//! * [`decimate`]: fewer points without losing a spike;
//! * [`layout`]: where everything goes, with text measured by [`fonts`];
//! * [`theme`]: every colour, width and text size, light and dark.

pub mod colormap;
pub mod contour;
pub mod decimate;
pub mod embed;
pub mod fonts;
pub mod heatmap;
pub mod image;
pub mod layers;
pub mod layout;
pub mod limits;
pub mod model;
pub mod mosaic;
pub mod png;
pub mod samples;
pub mod scale;
pub mod style;
pub mod svg;
pub mod table;
pub mod theme;
pub mod ticks;

#[cfg(test)]
mod gallery;
#[cfg(test)]
mod tests;

pub use colormap::{ColorScale, Colormap, Normalization};
pub use embed::{read_embedded_metadata, read_embedded_recipe};
pub use layers::{
    Arrow, Band, Bars, ContourLevel, Contours, Heatmap, Image, Interpolation, Layer, Line,
    Orientation, Raster, Rule, Scatter, ScatterColors, Stems, Text,
};
pub use model::{Axes, Axis, ColorBar, Content, Figure, Frame, Legend, Panel, Row, Ticks};
pub use mosaic::{Mosaic, Tile};
pub use samples::Samples;
pub use scale::Scale;
pub use style::{Anchor, Dash, Ink, LineStyle, Marker, SeriesStyle};
pub use svg::SvgOptions;
pub use theme::FigureTheme;
