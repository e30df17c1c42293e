//! Every colour and every measure of the window, dark and light, and the
//! high-contrast pair of the presentation mode.
//!
//! Neutral greys make the frame; colour belongs to the data. Nothing else in
//! the window names a colour: widgets take theirs from the egui style made here,
//! and hand-drawn parts ask [`Palette::of`].

use std::collections::BTreeMap;

use eframe::egui;
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Visuals,
    epaint::{FontColorTransferFunction, text::TextOptions},
    vec2,
};
use serde::{Deserialize, Serialize};

use crate::figure::{FigureTheme, Ink};

/// The grid unit in points: gutters and paddings are multiples of it, or its half.
pub const UNIT: f32 = 8.0;
/// Half a grid unit.
pub const HALF: f32 = 4.0;
/// The height of a control.
pub const CONTROL_HEIGHT: f32 = 24.0;

/// How much larger text and controls are in the presentation mode.
const PRESENTATION_SCALE: f32 = 1.35;

/// The name of the family of semi-bold text.
pub const STRONG_FAMILY: &str = "strong";

/// Whether the window is dark or light, or as the desktop says.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
pub enum Appearance {
    /// As the desktop says; dark where it says nothing.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

impl From<Appearance> for egui::ThemePreference {
    fn from(appearance: Appearance) -> Self {
        match appearance {
            Appearance::System => Self::System,
            Appearance::Dark => Self::Dark,
            Appearance::Light => Self::Light,
        }
    }
}

/// The colours of one appearance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    /// Between the tiles, behind everything.
    pub canvas: Color32,
    /// The ground of the bars and of the recipe.
    pub panel: Color32,
    /// The ground of the tiles: the paper of the figures.
    pub paper: Color32,
    /// The ground of popups and dialogs.
    pub raised: Color32,
    /// The ground of text fields.
    pub field: Color32,
    /// A button at rest.
    pub control: Color32,
    /// A button under the pointer.
    pub control_hovered: Color32,
    /// A button being pressed, a slider's rail.
    pub control_active: Color32,
    /// Lines between things.
    pub outline: Color32,
    /// Text.
    pub text: Color32,
    /// Text that matters less; still 4.5 : 1.
    pub weak: Color32,
    /// Titles and what the pointer is on.
    pub strong: Color32,
    /// What is selected, focused, or the main thing to press.
    pub accent: Color32,
    /// Text on `accent`.
    pub on_accent: Color32,
    /// The ground of what is selected.
    pub selection: Color32,
    /// Text that warns.
    pub warning: Color32,
    /// Text that tells of an error.
    pub error: Color32,
    /// The ground of a banner.
    pub banner: Color32,
    /// What lies between a dialog and the window behind it.
    pub scrim: Color32,
    /// The shadow under popups.
    pub shadow: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The dark appearance.
pub const DARK: Palette = Palette {
    canvas: rgb(0x121315),
    panel: rgb(0x1d1f22),
    paper: rgb(0x181a1d),
    raised: rgb(0x232529),
    field: rgb(0x131416),
    control: rgb(0x2b2d32),
    control_hovered: rgb(0x363940),
    control_active: rgb(0x434750),
    outline: rgb(0x33363c),
    text: rgb(0xd9dce1),
    weak: rgb(0x9fa5ae),
    strong: rgb(0xf7f8fa),
    accent: rgb(0x6fb7f0),
    on_accent: rgb(0x0b1520),
    selection: rgb(0x1f3d57),
    warning: rgb(0xe8b04a),
    error: rgb(0xff8a80),
    banner: rgb(0x3a2a17),
    scrim: Color32::from_rgba_premultiplied(0, 0, 0, 120),
    shadow: Color32::from_rgba_premultiplied(0, 0, 0, 110),
};

/// The light appearance.
pub const LIGHT: Palette = Palette {
    canvas: rgb(0xdfe1e5),
    panel: rgb(0xf4f5f7),
    paper: rgb(0xffffff),
    raised: rgb(0xffffff),
    field: rgb(0xffffff),
    control: rgb(0xe7e9ec),
    control_hovered: rgb(0xdadde2),
    control_active: rgb(0xc8ccd3),
    outline: rgb(0xcdd1d7),
    text: rgb(0x25282d),
    weak: rgb(0x585e67),
    strong: rgb(0x000000),
    accent: rgb(0x0a62a8),
    on_accent: rgb(0xffffff),
    selection: rgb(0xcfe4f7),
    warning: rgb(0x7d5200),
    error: rgb(0xb3261e),
    banner: rgb(0xfff0d6),
    scrim: Color32::from_rgba_premultiplied(0, 0, 0, 90),
    shadow: Color32::from_rgba_premultiplied(0, 0, 0, 40),
};

/// Dark, for a projector.
pub const PRESENTATION_DARK: Palette = Palette {
    canvas: rgb(0x000000),
    panel: rgb(0x0a0a0b),
    paper: rgb(0x000000),
    raised: rgb(0x17181a),
    field: rgb(0x000000),
    outline: rgb(0x55595f),
    text: rgb(0xf4f5f7),
    weak: rgb(0xcdd1d6),
    strong: rgb(0xffffff),
    ..DARK
};

/// Light, for a projector.
pub const PRESENTATION_LIGHT: Palette = Palette {
    canvas: rgb(0xe9ebee),
    panel: rgb(0xfefefe),
    outline: rgb(0x8c9199),
    text: rgb(0x0c0d0f),
    weak: rgb(0x34383e),
    accent: rgb(0x004f8f),
    ..LIGHT
};

impl Palette {
    /// The palette that these visuals were made from.
    pub fn of(visuals: &Visuals) -> &'static Self {
        let presentation = if visuals.dark_mode {
            &PRESENTATION_DARK
        } else {
            &PRESENTATION_LIGHT
        };
        if visuals.panel_fill == presentation.panel {
            presentation
        } else if visuals.dark_mode {
            &DARK
        } else {
            &LIGHT
        }
    }

    fn visuals(&self, dark: bool) -> Visuals {
        let mut visuals = if dark {
            Visuals::dark()
        } else {
            Visuals::light()
        };
        visuals.text_options = TextOptions {
            color_transfer_function: if dark {
                FontColorTransferFunction::DARK_MODE_DEFAULT
            } else {
                FontColorTransferFunction::LIGHT_MODE_DEFAULT
            },
            // Every glyph at one offset: numbers that change do not shimmer.
            subpixel_binning: false,
            ..TextOptions::default()
        };
        visuals.weak_text_color = Some(self.weak);
        visuals.hyperlink_color = self.accent;
        visuals.faint_bg_color = self.control.gamma_multiply(0.35);
        visuals.extreme_bg_color = self.canvas;
        visuals.text_edit_bg_color = Some(self.field);
        visuals.code_bg_color = self.control;
        visuals.warn_fg_color = self.warning;
        visuals.error_fg_color = self.error;
        visuals.window_corner_radius = CornerRadius::same(8);
        visuals.menu_corner_radius = CornerRadius::same(6);
        visuals.window_fill = self.raised;
        visuals.window_stroke = Stroke::new(1.0, self.outline);
        visuals.window_shadow = Shadow {
            offset: [0, 8],
            blur: 24,
            spread: 0,
            color: self.shadow,
        };
        visuals.popup_shadow = Shadow {
            offset: [0, 4],
            blur: 12,
            spread: 0,
            color: self.shadow,
        };
        visuals.panel_fill = self.panel;
        visuals.indent_has_left_vline = false;
        visuals.slider_trailing_fill = true;
        visuals.handle_shape = egui::style::HandleShape::Circle;
        visuals.disabled_alpha = 0.45;
        visuals.text_cursor.stroke = Stroke::new(1.5, self.accent);
        visuals.selection.bg_fill = self.selection;
        visuals.selection.stroke = Stroke::new(1.0, self.accent);

        let corner_radius = CornerRadius::same(4);
        let widget = |fill: Color32, outline: Stroke, text: Color32, width: f32| {
            egui::style::WidgetVisuals {
                bg_fill: fill,
                weak_bg_fill: fill,
                bg_stroke: outline,
                corner_radius,
                fg_stroke: Stroke::new(width, text),
                expansion: 0.0,
            }
        };
        let line = Stroke::new(1.0, self.outline);
        visuals.widgets.noninteractive = widget(self.panel, line, self.text, 1.0);
        visuals.widgets.inactive = widget(self.control, Stroke::NONE, self.text, 1.0);
        visuals.widgets.hovered = widget(self.control_hovered, line, self.strong, 1.0);
        visuals.widgets.active = widget(
            self.control_active,
            Stroke::new(1.0, self.accent),
            self.strong,
            1.0,
        );
        visuals.widgets.open = widget(self.control_hovered, line, self.strong, 1.0);
        visuals
    }

    /// The whole egui style of this palette.
    fn style(&self, dark: bool, scale: f32) -> Style {
        let mut style = Style {
            visuals: self.visuals(dark),
            text_styles: text_styles(scale),
            animation_time: 0.08,
            ..Style::default()
        };
        let spacing = &mut style.spacing;
        spacing.item_spacing = vec2(UNIT, HALF) * scale;
        spacing.button_padding = vec2(UNIT, HALF / 2.0) * scale;
        spacing.window_margin = Margin::same((2.0 * UNIT * scale) as i8);
        spacing.menu_margin = Margin::same((HALF * scale) as i8);
        spacing.interact_size = vec2(40.0, CONTROL_HEIGHT) * scale;
        spacing.slider_rail_height = 4.0;
        spacing.combo_height = 320.0 * scale;
        spacing.combo_width = 96.0 * scale;
        spacing.icon_width = 14.0 * scale;
        spacing.icon_width_inner = 8.0 * scale;
        spacing.tooltip_width = 320.0 * scale;
        spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.tooltip_delay = 0.4;
        style.interaction.selectable_labels = false;
        style
    }
}

/// The three sizes of text in points, at scale 1: label, body, title.
pub const TEXT_SIZES: [f32; 3] = [11.0, 13.0, 16.0];

fn text_styles(scale: f32) -> BTreeMap<TextStyle, FontId> {
    let [label, body, title] = TEXT_SIZES.map(|size| (size * scale).round());
    let strong = FontFamily::Name(STRONG_FAMILY.into());
    [
        (
            TextStyle::Small,
            FontId::new(label, FontFamily::Proportional),
        ),
        (TextStyle::Body, FontId::new(body, FontFamily::Proportional)),
        (
            TextStyle::Button,
            FontId::new(body, FontFamily::Proportional),
        ),
        (
            TextStyle::Monospace,
            FontId::new(body, FontFamily::Monospace),
        ),
        (TextStyle::Heading, FontId::new(title, strong)),
    ]
    .into()
}

/// Semi-bold text of the body's size.
pub fn strong(text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text).family(FontFamily::Name(STRONG_FAMILY.into()))
}

/// Small, weak text, for labels and hints.
pub fn small(ui: &egui::Ui, text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text)
        .small()
        .color(Palette::of(ui.visuals()).weak)
}

/// The figures' theme that belongs to the window's colours: the same paper and
/// text, and in a presentation larger text and broader lines.
pub fn figure_theme(visuals: &Visuals) -> FigureTheme {
    let palette = Palette::of(visuals);
    let base = if visuals.dark_mode {
        FigureTheme::dark()
    } else {
        FigureTheme::light()
    };
    let presentation = *palette == PRESENTATION_DARK || *palette == PRESENTATION_LIGHT;
    let scale = if presentation {
        PRESENTATION_SCALE
    } else {
        1.0
    };
    let mut theme = base.scaled(f64::from(scale));
    theme.background = palette.paper.to_array();
    if presentation {
        theme.foreground = palette.strong.to_array();
        theme.muted = palette.weak.to_array();
    }
    theme
}

/// The colour of the n-th class or run.
pub fn series(visuals: &Visuals, index: usize) -> Color32 {
    let theme = if visuals.dark_mode {
        FigureTheme::dark()
    } else {
        FigureTheme::light()
    };
    let [r, g, b, a] = theme.rgba(Ink::Series(index));
    Color32::from_rgba_unmultiplied(r, g, b, a)
}

/// The frame of a dialog in the middle of the window.
pub fn dialog_frame(ctx: &egui::Context) -> egui::Frame {
    let style = ctx.global_style();
    egui::Frame::popup(&style).inner_margin(style.spacing.window_margin)
}

/// Gives the context the styles of both appearances, ordinary or for a
/// presentation, and the choice between them.
pub fn install(ctx: &egui::Context, appearance: Appearance, presentation: bool) {
    let (dark, light, scale) = if presentation {
        (&PRESENTATION_DARK, &PRESENTATION_LIGHT, PRESENTATION_SCALE)
    } else {
        (&DARK, &LIGHT, 1.0)
    };
    ctx.set_style_of(egui::Theme::Dark, dark.style(true, scale));
    ctx.set_style_of(egui::Theme::Light, light.style(false, scale));
    ctx.set_theme(appearance);
}

/// The contrast ratio of two opaque colours (WCAG 2.1, 1.4.3): 1 to 21.
pub fn contrast(first: Color32, second: Color32) -> f32 {
    let luminance = |color: Color32| {
        let [r, g, b, _] = egui::Rgba::from(color).to_array();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (first, second) = (luminance(first), luminance(second));
    (first.max(second) + 0.05) / (first.min(second) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, Palette); 4] = [
        ("dark", DARK),
        ("light", LIGHT),
        ("presentation dark", PRESENTATION_DARK),
        ("presentation light", PRESENTATION_LIGHT),
    ];

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-3);
        assert!((contrast(Color32::WHITE, Color32::WHITE) - 1.0).abs() < 1e-6);
        // The well-known smallest grey that passes on white.
        assert!(contrast(rgb(0x767676), Color32::WHITE) >= 4.5);
        assert!(contrast(rgb(0x777777), Color32::WHITE) < 4.5);
    }

    #[test]
    fn every_text_is_readable_on_every_ground_that_it_stands_on() {
        for (name, palette) in ALL {
            let grounds = [
                ("panel", palette.panel),
                ("paper", palette.paper),
                ("raised", palette.raised),
                ("field", palette.field),
                ("canvas", palette.canvas),
                ("banner", palette.banner),
            ];
            let texts = [
                ("text", palette.text),
                ("weak", palette.weak),
                ("strong", palette.strong),
                ("accent", palette.accent),
                ("warning", palette.warning),
                ("error", palette.error),
            ];
            for (ground_name, ground) in grounds {
                for (text_name, text) in texts {
                    let ratio = contrast(text, ground);
                    assert!(
                        ratio >= 4.5,
                        "{name}: {text_name} on {ground_name} has {ratio:.2} : 1"
                    );
                }
            }
            for (text, ground) in [
                (palette.text, palette.control),
                (palette.strong, palette.control_hovered),
                (palette.strong, palette.control_active),
                (palette.strong, palette.selection),
                (palette.text, palette.selection),
                (palette.accent, palette.selection),
                (palette.on_accent, palette.accent),
            ] {
                let ratio = contrast(text, ground);
                assert!(
                    ratio >= 4.5,
                    "{name}: {text:?} on {ground:?} has {ratio:.2}"
                );
            }
        }
    }

    #[test]
    fn a_presentation_has_more_contrast() {
        for (ordinary, presentation) in [(DARK, PRESENTATION_DARK), (LIGHT, PRESENTATION_LIGHT)] {
            assert!(
                contrast(presentation.text, presentation.panel)
                    > contrast(ordinary.text, ordinary.panel)
            );
            assert!(
                contrast(presentation.weak, presentation.panel)
                    > contrast(ordinary.weak, ordinary.panel)
            );
        }
    }

    #[test]
    fn the_palette_is_found_again_from_the_visuals() {
        let ctx = egui::Context::default();
        for (presentation, appearance, expected) in [
            (false, Appearance::Dark, DARK),
            (false, Appearance::Light, LIGHT),
            (true, Appearance::Dark, PRESENTATION_DARK),
            (true, Appearance::Light, PRESENTATION_LIGHT),
        ] {
            install(&ctx, appearance, presentation);
            assert_eq!(*Palette::of(&ctx.global_style().visuals), expected);
        }
    }

    #[test]
    fn there_are_three_sizes_of_text() {
        for scale in [1.0, PRESENTATION_SCALE] {
            let mut sizes: Vec<i32> = text_styles(scale)
                .values()
                .map(|font| font.size as i32)
                .collect();
            sizes.sort_unstable();
            sizes.dedup();
            assert_eq!(sizes.len(), 3);
        }
    }
}
