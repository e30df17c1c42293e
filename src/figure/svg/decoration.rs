//! Frames, grids, legends, colour bars and mosaics as SVG.

use super::Writer;
use super::marks::polyline;
use super::xml::{color, number};
use crate::figure::layout::{ColorBarLayout, LegendItem, LegendKey, PanelLayout, Rect};
use crate::figure::model::{Axes, ColorBar, Frame};
use crate::figure::mosaic::Mosaic;
use crate::figure::style::Marker;

impl Writer {
    /// Thin, sharp lines of a colour.
    fn hairline(&self, rgba: [u8; 4], width: f64) -> String {
        format!(
            " fill=\"none\"{} stroke-width=\"{}\" shape-rendering=\"crispEdges\"",
            color("stroke", rgba),
            number(width)
        )
    }

    /// Grid lines behind the data; a picture has none.
    pub(super) fn grid(&mut self, axes: &Axes, placed: &PanelLayout) {
        if axes.frame == Frame::Bare || axes.is_picture() {
            return;
        }
        let plot = placed.plot;
        let mut commands = String::new();
        for tick in placed.x_ticks.iter().filter(|t| t.major) {
            let x = placed.view.x.pixel(tick.value);
            commands.push_str(&polyline(&[[x, plot.y], [x, plot.bottom()]]));
        }
        for tick in placed.y_ticks.iter().filter(|t| t.major) {
            let y = placed.view.y.pixel(tick.value);
            commands.push_str(&polyline(&[[plot.x, y], [plot.right(), y]]));
        }
        let attributes = self.hairline(self.theme.grid, self.theme.frame_width);
        self.path(&commands, &attributes);
    }

    /// Axis lines and ticks over the data: a box around pictures, otherwise
    /// the left and the lower side.
    pub(super) fn frame(&mut self, axes: &Axes, placed: &PanelLayout) {
        if axes.frame == Frame::Bare {
            return;
        }
        let plot = placed.plot;
        let (left, right, top, bottom) = (plot.x, plot.right(), plot.y, plot.bottom());
        let mut commands = if axes.is_picture() {
            let corners = [[left, top], [left, bottom], [right, bottom], [right, top]];
            polyline(&corners) + "Z"
        } else {
            polyline(&[[left, top], [left, bottom], [right, bottom]])
        };
        let length = |major: bool| {
            if major {
                self.theme.tick_length
            } else {
                0.6 * self.theme.tick_length
            }
        };
        for tick in &placed.x_ticks {
            let x = placed.view.x.pixel(tick.value);
            commands.push_str(&polyline(&[[x, bottom], [x, bottom + length(tick.major)]]));
        }
        for tick in &placed.y_ticks {
            let y = placed.view.y.pixel(tick.value);
            commands.push_str(&polyline(&[[left - length(tick.major), y], [left, y]]));
        }
        let attributes = self.hairline(self.theme.frame, self.theme.frame_width);
        self.path(&commands, &attributes);
    }

    pub(super) fn legend(&mut self, items: &[LegendItem]) {
        for item in items {
            let middle = [item.x + item.width / 2.0, item.y];
            // Areas first, points last.
            for key in &item.keys {
                if let LegendKey::Area(ink, opacity) = key {
                    let mut rgba = self.theme.rgba(*ink);
                    let opacity = if *opacity > 0.0 {
                        *opacity
                    } else {
                        self.theme.band_opacity
                    };
                    rgba[3] = (f64::from(rgba[3]) * opacity).round() as u8;
                    let height = 0.8 * self.theme.label_size;
                    let area = Rect::new(item.x, item.y - height / 2.0, item.width, height);
                    self.rect(area, &color("fill", rgba));
                }
            }
            for key in &item.keys {
                match key {
                    LegendKey::Line(style, marker) => {
                        let commands = polyline(&[[item.x, item.y], [item.x + item.width, item.y]]);
                        let attributes = self.stroke(style);
                        self.path(&commands, &attributes);
                        if *marker != Marker::None {
                            let rgba = style.rgba(&self.theme);
                            self.point(*marker, middle, self.theme.marker_size, rgba);
                        }
                    }
                    LegendKey::Point(marker, ink) => {
                        let rgba = self.theme.rgba(*ink);
                        self.point(*marker, middle, self.theme.marker_size, rgba);
                    }
                    LegendKey::Area(..) => {}
                }
            }
            self.text(&item.text);
        }
    }

    pub(super) fn color_bar(&mut self, bar: &ColorBar, at: &ColorBarLayout) {
        let rect = at.bar;
        let (left, right) = (rect.x, rect.right());
        self.lut(bar.scale.map, rect);
        let middle = rect.center()[0];
        let tips = [
            (bar.exceeded.1, rect.y, rect.y - at.point, 1.0),
            (bar.exceeded.0, rect.bottom(), rect.bottom() + at.point, 0.0),
        ];
        let line = self.hairline(self.theme.frame, self.theme.frame_width);
        let mut outline = String::new();
        for (pointed, base, tip, end) in tips {
            if pointed {
                let [red, green, blue] = bar.scale.map.at(end);
                let triangle = polyline(&[[left, base], [middle, tip], [right, base]]);
                self.path(
                    &format!("{triangle}Z"),
                    &color("fill", [red, green, blue, 255]),
                );
                outline.push_str(&triangle);
            } else {
                outline.push_str(&polyline(&[[left, base], [right, base]]));
            }
        }
        outline.push_str(&polyline(&[[left, rect.y], [left, rect.bottom()]]));
        outline.push_str(&polyline(&[[right, rect.y], [right, rect.bottom()]]));
        for tick in &at.ticks {
            let y = at.axis.pixel(tick.value);
            let length = if tick.major { 1.0 } else { 0.6 } * self.theme.tick_length;
            outline.push_str(&polyline(&[[right, y], [right + length, y]]));
        }
        self.path(&outline, &line);
    }

    pub(super) fn mosaic(&mut self, mosaic: &Mosaic, placed: &PanelLayout) {
        let Some(grid) = &placed.mosaic else { return };
        for (index, tile) in mosaic.tiles.iter().enumerate() {
            let (x, y) = grid.position(index);
            let at = Rect::new(
                placed.plot.x + x,
                placed.plot.y + y,
                grid.tile_width,
                grid.tile_height,
            );
            self.image(&tile.image, at, true, 1.0);
            if let Some(overlay) = &tile.overlay {
                self.image(overlay, at, true, 1.0);
            }
            let (rgba, width) = match tile.outline {
                Some(ink) => (self.theme.rgba(ink), 2.0 * self.theme.frame_width),
                None => (self.theme.grid, self.theme.frame_width),
            };
            let attributes = self.hairline(rgba, width);
            self.rect(at, &attributes);
        }
    }
}
