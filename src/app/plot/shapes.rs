//! Lines and points as egui shapes.

use eframe::egui::{self, Color32, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};

use crate::figure::{Dash, Marker, decimate};

/// A curve on screen as unbroken pieces: what lies outside `frame` is cut off,
/// what is denser than the pixels is thinned without losing an extreme, and
/// every value that is not finite leaves a gap.
pub(super) fn polyline(x: &[f64], y: &[f64], frame: Rect) -> Vec<Vec<Pos2>> {
    let margin = f64::from(frame.width().max(frame.height()));
    let low = [
        f64::from(frame.left()) - margin,
        f64::from(frame.top()) - margin,
    ];
    let high = [
        f64::from(frame.right()) + margin,
        f64::from(frame.bottom()) + margin,
    ];
    let kept = decimate::curve(x, y);
    let mut pieces = Vec::new();
    let mut piece: Vec<Pos2> = Vec::new();
    let finish = |piece: &mut Vec<Pos2>, pieces: &mut Vec<Vec<Pos2>>| {
        if !piece.is_empty() {
            pieces.push(std::mem::take(piece));
        }
    };
    let mut before: Option<[f64; 2]> = None;
    for index in kept {
        let point = [x[index], y[index]];
        if !(point[0].is_finite() && point[1].is_finite()) {
            finish(&mut piece, &mut pieces);
            before = None;
            continue;
        }
        if let Some(before) = before {
            match clip(before, point, low, high) {
                Some((from, to)) => {
                    if piece.is_empty() {
                        piece.push(screen(from));
                    } else if from != before {
                        finish(&mut piece, &mut pieces);
                        piece.push(screen(from));
                    }
                    piece.push(screen(to));
                    if to != point {
                        finish(&mut piece, &mut pieces);
                    }
                }
                None => finish(&mut piece, &mut pieces),
            }
        } else if (0..2).all(|d| point[d] >= low[d] && point[d] <= high[d]) {
            piece.push(screen(point));
        }
        before = Some(point);
    }
    finish(&mut piece, &mut pieces);
    pieces
}

fn screen([x, y]: [f64; 2]) -> Pos2 {
    pos2(x as f32, y as f32)
}

/// The part of a segment within a box (Liang and Barsky 1984).
fn clip(
    from: [f64; 2],
    to: [f64; 2],
    low: [f64; 2],
    high: [f64; 2],
) -> Option<([f64; 2], [f64; 2])> {
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for d in 0..2 {
        let step = to[d] - from[d];
        if step == 0.0 {
            if from[d] < low[d] || from[d] > high[d] {
                return None;
            }
            continue;
        }
        let (a, b) = ((low[d] - from[d]) / step, (high[d] - from[d]) / step);
        enter = enter.max(a.min(b));
        leave = leave.min(a.max(b));
    }
    if enter > leave {
        return None;
    }
    let at = |t: f64| {
        [
            from[0] + t * (to[0] - from[0]),
            from[1] + t * (to[1] - from[1]),
        ]
    };
    Some((
        if enter > 0.0 { at(enter) } else { from },
        if leave < 1.0 { at(leave) } else { to },
    ))
}

/// A piece of a line with a dash pattern. A piece of one point is a dot.
pub(super) fn line(piece: Vec<Pos2>, stroke: Stroke, dash: Dash, shapes: &mut Vec<Shape>) {
    if piece.len() == 1 {
        shapes.push(Shape::circle_filled(piece[0], stroke.width, stroke.color));
        return;
    }
    let pattern = dash.pattern();
    if pattern.is_empty() {
        shapes.push(Shape::line(piece, stroke));
        return;
    }
    let unit = stroke.width.max(1.0);
    let lengths: Vec<f32> = pattern.iter().map(|&l| l as f32 * unit).collect();
    let mut part = 0;
    let mut left = lengths[0];
    let mut run = vec![piece[0]];
    for pair in piece.windows(2) {
        let mut from = pair[0];
        let mut rest = pair[0].distance(pair[1]);
        while rest > left {
            from += (pair[1] - from) * (left / rest);
            rest -= left;
            if part % 2 == 0 {
                run.push(from);
                shapes.push(Shape::line(std::mem::take(&mut run), stroke));
            }
            part = (part + 1) % lengths.len();
            left = lengths[part];
            if part % 2 == 0 {
                run = vec![from];
            }
        }
        left -= rest;
        if part % 2 == 0 {
            run.push(pair[1]);
        }
    }
    if run.len() > 1 {
        shapes.push(Shape::line(run, stroke));
    }
}

/// A point's shape with diameter `size`.
pub(super) fn marker(
    at: Pos2,
    marker: Marker,
    size: f32,
    color: Color32,
    edge: Option<Stroke>,
    shapes: &mut Vec<Shape>,
) {
    let r = size / 2.0;
    let outline = edge.unwrap_or(Stroke::NONE);
    let polygon = |corners: &[(f32, f32)]| {
        Shape::convex_polygon(
            corners.iter().map(|&(x, y)| at + vec2(x, y) * r).collect(),
            color,
            outline,
        )
    };
    match marker {
        Marker::None => {}
        Marker::Circle => shapes.push(Shape::Circle(egui::epaint::CircleShape {
            center: at,
            radius: r,
            fill: color,
            stroke: outline,
        })),
        Marker::Ring => {
            let width = (size * 0.1).clamp(1.0, 1.5);
            if let Some(edge) = edge {
                let around = Stroke::new(width + 2.0 * edge.width, edge.color);
                shapes.push(Shape::circle_stroke(at, r, around));
            }
            shapes.push(Shape::circle_stroke(at, r, Stroke::new(width, color)));
        }
        Marker::Square => {
            let s = 0.88;
            shapes.push(polygon(&[(-s, -s), (s, -s), (s, s), (-s, s)]));
        }
        Marker::Triangle => {
            shapes.push(polygon(&[(0.0, -1.15), (1.08, 0.8), (-1.08, 0.8)]));
        }
        Marker::Diamond => {
            shapes.push(polygon(&[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)]));
        }
        Marker::Cross | Marker::Plus => {
            let arms = if marker == Marker::Cross {
                [vec2(0.8, 0.8), vec2(0.8, -0.8)]
            } else {
                [vec2(1.0, 0.0), vec2(0.0, 1.0)]
            };
            let width = (size * 0.28).max(1.2);
            if let Some(edge) = edge {
                for arm in arms {
                    shapes.push(segment(
                        at,
                        arm * r,
                        Stroke::new(width + 2.0 * edge.width, edge.color),
                    ));
                }
            }
            for arm in arms {
                shapes.push(segment(at, arm * r, Stroke::new(width, color)));
            }
        }
    }
}

fn segment(at: Pos2, arm: Vec2, stroke: Stroke) -> Shape {
    Shape::line_segment([at - arm, at + arm], stroke)
}

/// Slanted lines over a rectangle, for cells without a value.
pub(super) fn hatching(rect: Rect, color: Color32, shapes: &mut Vec<Shape>) {
    let spacing = 7.0;
    let stroke = Stroke::new(1.0, color);
    let mut offset = -rect.height();
    while offset < rect.width() {
        let from = pos2(rect.left() + offset, rect.bottom());
        let to = pos2(rect.left() + offset + rect.height(), rect.top());
        if let Some((a, b)) = clip(
            [f64::from(from.x), f64::from(from.y)],
            [f64::from(to.x), f64::from(to.y)],
            [f64::from(rect.left()), f64::from(rect.top())],
            [f64::from(rect.right()), f64::from(rect.bottom())],
        ) {
            shapes.push(Shape::line_segment([screen(a), screen(b)], stroke));
        }
        offset += spacing;
    }
}

/// The head of an arrow that points along `direction`.
pub(super) fn arrow_head(tip: Pos2, direction: Vec2, size: f32, color: Color32) -> Shape {
    let along = direction.normalized() * size;
    let across = along.rot90() * 0.4;
    Shape::convex_polygon(
        vec![tip, tip - along + across, tip - along - across],
        color,
        Stroke::NONE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Rect {
        Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 50.0))
    }

    #[test]
    fn not_a_number_breaks_a_line() {
        let pieces = polyline(
            &[0.0, 10.0, 20.0, 30.0, 40.0],
            &[1.0, 2.0, f64::NAN, 3.0, 4.0],
            frame(),
        );
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0], [pos2(0.0, 1.0), pos2(10.0, 2.0)]);
    }

    #[test]
    fn a_dense_line_keeps_its_spike() {
        let n = 20_000;
        let x: Vec<f64> = (0..n).map(|i| i as f64 * 0.005).collect();
        let mut y = vec![25.0; n];
        y[12_345] = 1.0;
        let pieces = polyline(&x, &y, frame());
        let points: Vec<Pos2> = pieces.into_iter().flatten().collect();
        assert!(points.len() < 500, "{}", points.len());
        assert!(points.iter().any(|p| p.y == 1.0));
    }

    #[test]
    fn what_is_far_away_is_cut_off_at_the_right_slope() {
        let pieces = polyline(&[0.0, 100.0], &[0.0, 1e9], frame());
        let points = &pieces[0];
        assert_eq!(points[0], pos2(0.0, 0.0));
        assert!(points[1].y <= 200.0 && points[1].x < 1e-3);
        assert!(polyline(&[0.0, 100.0], &[1e9, 1e9], frame()).is_empty());
    }

    #[test]
    fn dashes_cover_their_share_of_a_line() {
        let mut shapes = Vec::new();
        line(
            vec![pos2(0.0, 0.0), pos2(50.0, 0.0), pos2(100.0, 0.0)],
            Stroke::new(1.0, Color32::WHITE),
            Dash::Dashed,
            &mut shapes,
        );
        let drawn: f32 = shapes
            .iter()
            .map(|shape| shape.visual_bounding_rect().width() - 1.0)
            .sum();
        assert!((drawn - 62.5).abs() < 8.0, "{drawn}");
    }

    #[test]
    fn one_point_is_a_dot() {
        let mut shapes = Vec::new();
        let pieces = polyline(&[5.0], &[5.0], frame());
        for piece in pieces {
            line(
                piece,
                Stroke::new(2.0, Color32::WHITE),
                Dash::Solid,
                &mut shapes,
            );
        }
        assert!(matches!(shapes[..], [Shape::Circle(_)]));
    }
}
