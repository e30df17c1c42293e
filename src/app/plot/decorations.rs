//! What surrounds a plot: ticks, texts, legend, colour bar.

use std::collections::BTreeSet;

use eframe::egui::{
    self, Color32, FontFamily, Id, Mesh, Painter, Rect, Role, Sense, Shape, Stroke, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use crate::figure::layout::{ColorBarLayout, LegendItem, LegendKey, PanelLayout};
use crate::figure::{ColorBar, FigureTheme, ticks::Tick};

use super::shapes;
use super::style::{color, ink, stroke};
use super::text;

/// A rectangle of the layout on screen.
pub(super) fn rect(rect: crate::figure::layout::Rect, origin: Vec2) -> Rect {
    Rect::from_min_size(
        pos2(rect.x as f32, rect.y as f32) + origin,
        vec2(rect.width as f32, rect.height as f32),
    )
}

/// Ticks outside the left and lower edge.
pub(super) fn ticks(
    frame: Rect,
    panel: &PanelLayout,
    offset: Vec2,
    theme: &FigureTheme,
    out: &mut Vec<Shape>,
) {
    let line = Stroke::new(theme.frame_width as f32, color(theme.frame));
    let length = |tick: &Tick| theme.tick_length as f32 * if tick.major { 1.0 } else { 0.6 };
    for tick in &panel.x_ticks {
        let x = panel.view.x.pixel(tick.value) as f32 + offset.x;
        if x >= frame.left() - 0.5 && x <= frame.right() + 0.5 {
            out.push(Shape::line_segment(
                [
                    pos2(x, frame.bottom()),
                    pos2(x, frame.bottom() + length(tick)),
                ],
                line,
            ));
        }
    }
    for tick in &panel.y_ticks {
        let y = panel.view.y.pixel(tick.value) as f32 + offset.y;
        if y >= frame.top() - 0.5 && y <= frame.bottom() + 0.5 {
            out.push(Shape::line_segment(
                [pos2(frame.left() - length(tick), y), pos2(frame.left(), y)],
                line,
            ));
        }
    }
}

/// A colour bar with its ticks.
pub(super) fn color_bar(
    bar: &ColorBar,
    layout: &ColorBarLayout,
    origin: Vec2,
    theme: &FigureTheme,
    out: &mut Vec<Shape>,
) {
    let area = rect(layout.bar, origin);
    let map = bar.scale.map;
    let at = |fraction: f64| {
        let [r, g, b] = map.at(fraction);
        Color32::from_rgb(r, g, b)
    };
    let line = Stroke::new(theme.frame_width as f32, color(theme.frame));
    let (below, above) = bar.exceeded;
    let point = (layout.point as f32).min(area.height() / 4.0);
    let inner = Rect::from_min_max(
        pos2(area.left(), area.top() + if above { point } else { 0.0 }),
        pos2(
            area.right(),
            area.bottom() - if below { point } else { 0.0 },
        ),
    );
    // The map runs over the whole bar; pointed ends say that values lie
    // beyond it.
    let mut mesh = Mesh::default();
    let steps = 64u32;
    for k in 0..=steps {
        let fraction = f64::from(k) / f64::from(steps);
        let y = egui::lerp(inner.bottom()..=inner.top(), fraction as f32);
        let shown = f64::from((area.bottom() - y) / area.height().max(1.0));
        mesh.colored_vertex(pos2(inner.left(), y), at(shown));
        mesh.colored_vertex(pos2(inner.right(), y), at(shown));
        if k > 0 {
            let a = 2 * k - 2;
            mesh.add_triangle(a, a + 1, a + 2);
            mesh.add_triangle(a + 1, a + 3, a + 2);
        }
    }
    out.push(Shape::mesh(mesh));
    let mut outline = vec![inner.left_bottom(), inner.left_top()];
    if above {
        let tip = pos2(area.center().x, area.top());
        out.push(Shape::convex_polygon(
            vec![inner.left_top(), tip, inner.right_top()],
            at(1.0),
            Stroke::NONE,
        ));
        outline.push(tip);
    }
    outline.extend([inner.right_top(), inner.right_bottom()]);
    if below {
        let tip = pos2(area.center().x, area.bottom());
        out.push(Shape::convex_polygon(
            vec![inner.left_bottom(), tip, inner.right_bottom()],
            at(0.0),
            Stroke::NONE,
        ));
        outline.push(tip);
    }
    out.push(Shape::closed_line(outline, line));
    for tick in &layout.ticks {
        let y = layout.axis.pixel(tick.value) as f32 + origin.y;
        let length = theme.tick_length as f32 * if tick.major { 1.0 } else { 0.6 };
        if y >= area.top() - 0.5 && y <= area.bottom() + 0.5 {
            out.push(Shape::line_segment(
                [pos2(area.right(), y), pos2(area.right() + length, y)],
                line,
            ));
        }
    }
}

/// A legend whose entries hide and show their series; returns whether one did.
pub(super) fn legend(
    ui: &mut Ui,
    id: Id,
    items: &[LegendItem],
    names: &[String],
    origin: Vec2,
    hidden: &mut BTreeSet<String>,
    theme: &FigureTheme,
) -> bool {
    let mut changed = false;
    let family = FontFamily::Proportional;
    for (index, item) in items.iter().enumerate() {
        let name = names.get(index).unwrap_or(&item.text.text);
        let height = (1.55 * item.text.size) as f32;
        let left = pos2(item.x as f32, item.y as f32) + origin;
        let right = (item.text.x + item.text.width()) as f32 + origin.x;
        let area = Rect::from_min_max(
            pos2(left.x - 2.0, left.y - height / 2.0),
            pos2(right + 2.0, left.y + height / 2.0),
        );
        let response = ui.interact(area, id.with(("legend", index)), Sense::CLICK);
        let shown = !hidden.contains(name);
        response.widget_info(|| {
            WidgetInfo::selected(Role::CheckBox, true, shown, format!("Show {name}"))
        });
        if response.clicked() {
            changed = true;
            if !hidden.remove(name) {
                hidden.insert(name.clone());
            }
        }
        let mut out = Vec::new();
        keys(item, origin, theme, &mut out);
        text::shapes(ui.painter(), &item.text, origin, &family, &mut out);
        let mut painter = ui.painter().clone();
        if !shown {
            painter.multiply_opacity(0.4);
        }
        if response.hovered() {
            painter.rect_filled(area, 3.0, ui.visuals().widgets.hovered.weak_bg_fill);
        }
        painter.extend(out);
        response
            .on_hover_cursor(egui::CursorIcon::PointingHand)
            .on_hover_text(if shown {
                "Click to hide"
            } else {
                "Click to show"
            });
    }
    changed
}

fn keys(item: &LegendItem, origin: Vec2, theme: &FigureTheme, out: &mut Vec<Shape>) {
    let left = pos2(item.x as f32, item.y as f32) + origin;
    let width = item.width as f32;
    let middle = left + vec2(width / 2.0, 0.0);
    for key in &item.keys {
        match key {
            LegendKey::Line(style, marker) => {
                let line = stroke(theme, style);
                let piece = vec![left, left + vec2(width, 0.0)];
                shapes::line(piece, line, style.dash, out);
                let size = 0.9 * theme.marker_size as f32;
                shapes::marker(middle, *marker, size, line.color, None, out);
            }
            LegendKey::Area(area, opacity) => {
                let opacity = if *opacity > 0.0 {
                    *opacity
                } else {
                    theme.band_opacity
                };
                let size = vec2(width, 0.8 * item.text.size as f32);
                let fill = ink(theme, *area).gamma_multiply(opacity as f32);
                let area = Rect::from_center_size(middle, size);
                out.push(Shape::rect_filled(area, 1.0, fill));
            }
            LegendKey::Point(marker, point) => {
                let size = theme.marker_size as f32;
                shapes::marker(middle, *marker, size, ink(theme, *point), None, out);
            }
        }
    }
}

/// All texts of a panel outside its plot.
pub(super) fn texts(painter: &Painter, panel: &PanelLayout, origin: Vec2, out: &mut Vec<Shape>) {
    let family = text::semi_bold(painter);
    for item in &panel.texts {
        text::shapes(painter, item, origin, &family, out);
    }
}
