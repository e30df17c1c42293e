//! Figures as SVG: text as text, heat maps as one embedded image, everything
//! else as paths. The same figure gives the same bytes.

mod decoration;
mod marks;
mod raster;
pub mod xml;

use std::fmt::Write as _;

use super::fonts::{MATH_FAMILY, SANS_FAMILY, Weight};
use super::layout::{Align, FigureLayout, PanelLayout, Rect, TextBox};
use super::model::{Content, Figure};
use super::theme::FigureTheme;
use xml::{color, escape, number};

/// How large and on which paper a figure is written.
#[derive(Clone, Debug, PartialEq)]
pub struct SvgOptions {
    /// Width in CSS pixels, 96 to the inch.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// Colours, widths and text sizes.
    pub theme: FigureTheme,
    /// Factor on text, lines and gaps.
    pub font_scale: f64,
}

impl SvgOptions {
    /// White paper of a size.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            theme: FigureTheme::light(),
            font_scale: 1.0,
        }
    }

    /// The same size with another theme.
    pub fn theme(mut self, theme: FigureTheme) -> Self {
        self.theme = theme;
        self
    }

    /// The layout of a figure with these options.
    pub fn layout(&self, figure: &Figure) -> FigureLayout {
        let scale = if self.font_scale > 0.0 && self.font_scale.is_finite() {
            self.font_scale
        } else {
            1.0
        };
        let theme = self.theme.scaled(scale);
        FigureLayout::new(figure, self.width, self.height, &theme)
    }
}

impl Default for SvgOptions {
    /// 720 × 480 on white paper.
    fn default() -> Self {
        Self::new(720.0, 480.0)
    }
}

/// XML name space of the metadata.
pub const METADATA_NAMESPACE: &str = "urn:losscape:figure:1";

/// Writes a figure as SVG.
pub fn write(figure: &Figure, options: &SvgOptions) -> String {
    let layout = options.layout(figure);
    let mut writer = Writer {
        out: String::new(),
        theme: layout.theme.clone(),
    };
    writer.document(figure, &layout);
    writer.out
}

/// Text under construction. Writing to a `String` cannot fail, so results of
/// `write!` are dropped.
struct Writer {
    out: String,
    theme: FigureTheme,
}

impl Writer {
    fn document(&mut self, figure: &Figure, layout: &FigureLayout) {
        let (w, h) = (number(layout.width), number(layout.height));
        let _ = writeln!(
            self.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \
             xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
             width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"{SANS_FAMILY}, '{MATH_FAMILY}', 'Helvetica Neue', Arial, sans-serif\" \
             style=\"font-variant-numeric: tabular-nums\">"
        );
        self.about(figure);
        self.definitions(figure, layout);
        let paper = Rect::new(0.0, 0.0, layout.width, layout.height);
        let background = self.theme.background;
        self.rect(paper, &color("fill", background));
        for text in &layout.title {
            self.text(text);
        }
        self.legend(&layout.legend);
        for (index, (panel, placed)) in figure.panels().zip(&layout.panels).enumerate() {
            let _ = writeln!(self.out, "<g id=\"panel{index}\">");
            self.panel(&panel.content, placed, index);
            self.out.push_str("</g>\n");
        }
        self.out.push_str("</svg>\n");
    }

    /// Title and description for screen readers, and what made the figure.
    fn about(&mut self, figure: &Figure) {
        let title = figure
            .title
            .as_deref()
            .or_else(|| figure.axes().find_map(|axes| axes.title.as_deref()))
            .unwrap_or("Figure");
        let _ = writeln!(self.out, "<title>{}</title>", escape(title));
        if !figure.description.is_empty() {
            let _ = writeln!(self.out, "<desc>{}</desc>", escape(&figure.description));
        }
        if figure.metadata.is_empty() {
            return;
        }
        let _ = writeln!(
            self.out,
            "<metadata>\n<losscape:figure xmlns:losscape=\"{METADATA_NAMESPACE}\">"
        );
        for (key, value) in &figure.metadata {
            let _ = writeln!(
                self.out,
                "<losscape:entry key=\"{}\">{}</losscape:entry>",
                escape(key),
                escape(value)
            );
        }
        self.out.push_str("</losscape:figure>\n</metadata>\n");
    }

    fn definitions(&mut self, figure: &Figure, layout: &FigureLayout) {
        self.out.push_str("<defs>\n");
        for (index, (panel, placed)) in figure.panels().zip(&layout.panels).enumerate() {
            if matches!(panel.content, Content::Axes(_)) {
                let _ = write!(self.out, "<clipPath id=\"plot{index}\">");
                self.rect(placed.plot, "");
                self.out.truncate(self.out.trim_end().len());
                self.out.push_str("</clipPath>\n");
            }
        }
        if figure.axes().any(|axes| axes.has_missing_cells()) {
            let _ = writeln!(
                self.out,
                "<pattern id=\"missing\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
                 patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\"{}/>\
                 <path d=\"M0 0V5\" stroke-width=\"2\"{}/></pattern>",
                color("fill", self.theme.missing),
                color("stroke", self.theme.hatch),
            );
        }
        self.out.push_str("</defs>\n");
    }

    fn panel(&mut self, content: &Content, placed: &PanelLayout, index: usize) {
        match content {
            Content::Axes(axes) => {
                self.grid(axes, placed);
                let _ = writeln!(self.out, "<g clip-path=\"url(#plot{index})\">");
                for layer in &axes.layers {
                    self.layer(layer, placed);
                }
                self.out.push_str("</g>\n");
                self.frame(axes, placed);
                if let (Some(bar), Some(at)) = (&axes.color_bar, &placed.color_bar) {
                    self.color_bar(bar, at);
                }
            }
            Content::Mosaic(mosaic) => {
                self.mosaic(mosaic, placed);
                if let (Some(bar), Some(at)) = (&mosaic.color_bar, &placed.color_bar) {
                    self.color_bar(bar, at);
                }
            }
        }
        for text in placed.annotations.iter().chain(&placed.texts) {
            self.text(text);
        }
        self.legend(&placed.legend);
    }

    fn text(&mut self, text: &TextBox) {
        if text.text.is_empty() {
            return;
        }
        let (x, y) = (number(text.x), number(text.y));
        let _ = write!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{}",
            number(text.size),
            color("fill", text.color)
        );
        if text.weight != Weight::Regular {
            let _ = write!(self.out, " font-weight=\"{}\"", text.weight.css());
        }
        match text.align {
            Align::Start => {}
            Align::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Align::End => self.out.push_str(" text-anchor=\"end\""),
        }
        if text.angle != 0.0 {
            let angle = number(text.angle);
            let _ = write!(self.out, " transform=\"rotate({angle} {x} {y})\"");
        }
        if let Some(halo) = text.halo {
            let _ = write!(
                self.out,
                "{} stroke-width=\"{}\" stroke-linejoin=\"round\" paint-order=\"stroke\"",
                color("stroke", halo),
                number(0.4 * text.size)
            );
        }
        let _ = writeln!(self.out, ">{}</text>", escape(&text.text));
    }

    /// A rectangle with further attributes, which begin with a space.
    fn rect(&mut self, rect: Rect, attributes: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{attributes}/>",
            number(rect.x),
            number(rect.y),
            number(rect.width),
            number(rect.height)
        );
    }

    /// A path with further attributes, which begin with a space.
    fn path(&mut self, commands: &str, attributes: &str) {
        if !commands.is_empty() {
            let _ = writeln!(self.out, "<path d=\"{commands}\"{attributes}/>");
        }
    }
}
