//! Small images side by side.

use eframe::egui::{
    Color32, CornerRadius, Id, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use crate::figure::layout::PanelLayout;
use crate::figure::{FigureTheme, Mosaic};

use super::prepare::PreparedMosaic;
use super::style::{color, ink};

/// What happened to the tiles.
#[derive(Default)]
pub(super) struct TileResponse {
    pub hovered: Option<usize>,
    pub clicked: Option<usize>,
}

/// Draws the tiles. Where `selectable`, each is a button with its caption as
/// name.
#[allow(clippy::too_many_arguments)]
pub(super) fn show(
    ui: &mut Ui,
    id: Id,
    mosaic: &Mosaic,
    prepared: &PreparedMosaic,
    panel: &PanelLayout,
    origin: Vec2,
    theme: &FigureTheme,
    selectable: bool,
) -> TileResponse {
    let mut found = TileResponse::default();
    let Some(grid) = &panel.mosaic else {
        return found;
    };
    let mut out = Vec::new();
    for (index, tile) in mosaic.tiles.iter().enumerate() {
        if tile.image.width == 0 || tile.image.height == 0 {
            continue;
        }
        let (x, y) = grid.position(index);
        let corner = pos2((panel.plot.x + x) as f32, (panel.plot.y + y) as f32) + origin;
        let room = vec2(grid.tile_width as f32, grid.tile_height as f32);
        // Images of another shape keep it.
        let (w, h) = (
            tile.image.width.max(1) as f32,
            tile.image.height.max(1) as f32,
        );
        let scale = (room.x / w).min(room.y / h);
        let area = Rect::from_center_size(
            Rect::from_min_size(corner, room).center(),
            vec2(w, h) * scale,
        );
        for atlas in [&prepared.images, &prepared.overlays].into_iter().flatten() {
            if let Some(uv) = atlas.uv(index) {
                out.push(Shape::image(atlas.texture.id(), area, uv, Color32::WHITE));
            }
        }
        let outline = match tile.outline {
            Some(outline) => Stroke::new(2.0, ink(theme, outline)),
            None => Stroke::new(1.0, color(theme.grid)),
        };
        out.push(Shape::rect_stroke(
            area,
            CornerRadius::ZERO,
            outline,
            StrokeKind::Outside,
        ));
        if selectable {
            let response = ui.interact(area, id.with(("tile", index)), Sense::CLICK);
            let name = tile
                .caption
                .clone()
                .unwrap_or_else(|| format!("image {}", index + 1));
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if response.clicked() {
                found.clicked = Some(index);
            }
            if response.hovered() || response.has_focus() {
                found.hovered = Some(index);
                let ring = Stroke::new(2.0, color(theme.foreground));
                out.push(Shape::rect_stroke(
                    area.expand(2.0),
                    CornerRadius::ZERO,
                    ring,
                    StrokeKind::Outside,
                ));
            }
        } else if ui.rect_contains_pointer(area) {
            found.hovered = Some(index);
        }
    }
    ui.painter().extend(out);
    found
}
