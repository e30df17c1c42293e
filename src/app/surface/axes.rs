//! The box around the surface: its back walls with grid lines, and axes with
//! ticks and labels at the edges where nothing lies in front of them.

use super::camera::{Projection, Viewport};
use super::math::{Vec3, vec3};
use super::scene::{FloorAxis, HALF_HEIGHT, Scene};
use crate::figure::fonts::{Weight, width};
use crate::figure::ticks::{Tick, ticks};
use crate::figure::{FigureTheme, Ticks};

/// Length of a tick in the scene.
const TICK: f32 = 0.035;
/// Axes that look shorter than this many label heights are left out: they are
/// seen end-on.
const SHORTEST: f32 = 2.8;
/// Pieces of the coloured axis.
const STRIPES: usize = 64;

/// A straight line in the scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke3 {
    /// Its ends.
    pub ends: [Vec3; 2],
    /// Its width in points.
    pub width: f32,
    /// Red, green, blue, opacity.
    pub color: [u8; 4],
}

/// A text on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// Its middle, in points from the upper left corner of the viewport.
    pub centre: [f32; 2],
    /// The size of the letters in points.
    pub size: f64,
    /// It names an axis, and is no tick.
    pub title: bool,
}

impl Label {
    /// Half of its width and height.
    fn half(&self) -> [f32; 2] {
        [
            (width(&self.text, self.size, Weight::Regular) / 2.0) as f32,
            (self.size * 0.62) as f32,
        ]
    }

    /// Moves it that way until it is outside a convex outline; how far.
    fn push_out(&mut self, away: [f32; 2], hull: &[[f32; 2]]) -> f32 {
        const STEP: f32 = 3.0;
        let mut moved = 0.0;
        while moved < 90.0 && self.stands_in(hull) {
            self.centre[0] += STEP * away[0];
            self.centre[1] += STEP * away[1];
            moved += STEP;
        }
        moved
    }

    /// Whether one of its corners or its middle is inside a convex outline, a
    /// little of whose edge does not count.
    fn stands_in(&self, hull: &[[f32; 2]]) -> bool {
        let half = self.half();
        let places = [
            (0.0, 0.0),
            (-1.0, -1.0),
            (1.0, -1.0),
            (-1.0, 1.0),
            (1.0, 1.0),
        ];
        places.iter().any(|(u, v)| {
            let [x, y] = [self.centre[0] + u * half[0], self.centre[1] + v * half[1]];
            let edges = hull.iter().zip(hull.iter().cycle().skip(1));
            hull.len() > 2
                && edges.into_iter().all(|(a, b)| {
                    let edge = [b[0] - a[0], b[1] - a[1]];
                    let cross = edge[0] * (y - a[1]) - edge[1] * (x - a[0]);
                    cross > edge[0].hypot(edge[1])
                })
        })
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.half(), other.half());
        (0..2).all(|k| (self.centre[k] - other.centre[k]).abs() < a[k] + b[k] + 1.0)
    }
}

/// Everything around the surface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// Lines behind everything.
    pub lines: Vec<Stroke3>,
    /// Texts over everything.
    pub labels: Vec<Label>,
    /// Whether the axis of the loss is among them: not from above.
    pub has_loss_axis: bool,
}

/// What labels need around the box: left, right, top, bottom.
pub fn margins(theme: &FigureTheme, size: [f32; 2]) -> [f32; 4] {
    let em = theme.label_size as f32;
    // On little room the surface comes first.
    let part = (size[0].min(size[1]) / (28.0 * em)).clamp(0.3, 1.0);
    let side = (4.4 * em * part).min(0.2 * size[0]);
    [side, 0.8 * side, 0.7 * em, (3.2 * em * part).max(1.6 * em)]
}

struct Edge {
    /// The ends, from the low to the high value.
    ends: [Vec3; 2],
    /// Away from the box.
    outward: Vec3,
    /// Ticks with their place from 0 to 1.
    ticks: Vec<(f32, Tick)>,
    title: String,
}

/// The surroundings of a scene seen this way.
pub fn surroundings(
    scene: &Scene,
    view: &Projection,
    viewport: &Viewport,
    theme: &FigureTheme,
) -> Surroundings {
    let half = scene.extents().half;
    let eye = view.towards_eye;
    // The back walls are away from the eye; seen along an axis, the left one.
    let back_x = if eye.x > 1e-3 { -half.x } else { half.x };
    let back_z = if eye.z < -1e-3 { half.z } else { -half.z };
    let (front_x, front_z) = (-back_x, -back_z);
    let floor = -HALF_HEIGHT;

    let mut out = Surroundings::default();
    let em = theme.label_size as f32;
    let length = |a: Vec3, b: Vec3| {
        let (a, b) = (view.project(a).0, view.project(b).0);
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    let room = |ends: [Vec3; 2], widest: f32| {
        let count = length(ends[0], ends[1]) / (widest * em);
        (count as usize).clamp(2, 9)
    };

    let alpha_ends = [vec3(-half.x, floor, front_z), vec3(half.x, floor, front_z)];
    let beta_ends = [vec3(front_x, floor, half.z), vec3(front_x, floor, -half.z)];
    // The leftmost upright edge: nothing of the surface is beside it.
    let corners = [
        (back_x, front_z),
        (front_x, back_z),
        (front_x, front_z),
        (back_x, back_z),
    ];
    let left = corners
        .into_iter()
        .min_by(|a, b| {
            let x = |&(x, z): &(f32, f32)| view.project(vec3(x, HALF_HEIGHT, z)).0[0];
            x(a).total_cmp(&x(b))
        })
        .unwrap_or(corners[0]);
    let loss_ends = [
        vec3(left.0, floor, left.1),
        vec3(left.0, HALF_HEIGHT, left.1),
    ];

    let floor_ticks = |axis: &FloorAxis, ends: [Vec3; 2]| -> Vec<(f32, Tick)> {
        let most = room(ends, 4.2);
        ticks(axis.axis.scale, axis.limits, most, &axis.axis.ticks)
            .into_iter()
            .map(|tick| {
                let span = axis.limits.1 - axis.limits.0;
                (((tick.value - axis.limits.0) / span) as f32, tick)
            })
            .collect()
    };
    let normalization = scene.color.normalization;
    let loss_ticks: Vec<(f32, Tick)> = ticks(
        normalization.scale,
        normalization.limits,
        room(loss_ends, 2.2),
        &Ticks::Auto,
    )
    .into_iter()
    .map(|tick| (normalization.fraction(tick.value) as f32, tick))
    .collect();

    let alpha = Edge {
        ends: alpha_ends,
        outward: vec3(0.0, 0.0, front_z.signum()),
        ticks: floor_ticks(&scene.alpha, alpha_ends),
        title: scene.alpha.axis.full_label(),
    };
    let beta = Edge {
        ends: beta_ends,
        outward: vec3(front_x.signum(), 0.0, 0.0),
        ticks: floor_ticks(&scene.beta, beta_ends),
        title: scene.beta.axis.full_label(),
    };
    let loss = Edge {
        ends: loss_ends,
        outward: -view.right,
        ticks: loss_ticks,
        title: scene.label.clone(),
    };

    walls(
        &mut out.lines,
        theme,
        half,
        [back_x, back_z],
        [&alpha, &beta, &loss],
    );
    let long = |edge: &Edge| length(edge.ends[0], edge.ends[1]) > SHORTEST * em;
    out.has_loss_axis = long(&loss);
    let hull =
        hull(corners.iter().flat_map(|&(x, z)| {
            [-HALF_HEIGHT, HALF_HEIGHT].map(|y| view.project(vec3(x, y, z)).0)
        }));
    // The titles first: where there is little room, ticks give way.
    let mut titles = Vec::new();
    for (index, edge) in [&alpha, &beta, &loss].into_iter().enumerate() {
        if long(edge) {
            axis(
                &mut out,
                &mut titles,
                edge,
                view,
                viewport,
                theme,
                &hull,
                index == 2,
            );
        }
    }
    if out.has_loss_axis {
        stripes(&mut out.lines, scene, loss_ends, theme);
    }
    out.labels.splice(0..0, titles);
    let mut kept: Vec<Label> = Vec::new();
    for label in out.labels {
        // Where one looks from near by, axes and their texts are elsewhere.
        let fits = inside(&label, viewport)
            && !label.stands_in(&hull)
            && !kept.iter().any(|other| other.overlaps(&label));
        if fits {
            kept.push(label);
        }
    }
    out.labels = kept;
    out
}

/// The outline of points: its corners, turning from x towards y (Andrew's
/// monotone chain).
fn hull(points: impl Iterator<Item = [f32; 2]>) -> Vec<[f32; 2]> {
    let mut points: Vec<[f32; 2]> = points.collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let chain = |points: &mut dyn Iterator<Item = [f32; 2]>| {
        let mut chain: Vec<[f32; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..] {
                let turn = (b[0] - a[0]) * (point[1] - b[1]) - (b[1] - a[1]) * (point[0] - b[0]);
                if turn > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut outline = chain(&mut points.iter().copied());
    outline.extend(chain(&mut points.iter().rev().copied()));
    outline
}

fn inside(label: &Label, viewport: &Viewport) -> bool {
    let half = label.half();
    (0..2).all(|k| {
        label.centre[k] >= half[k] - 1.0 && label.centre[k] <= viewport.size[k] - half[k] + 1.0
    })
}

fn mix(a: [u8; 4], opacity: f64) -> [u8; 4] {
    [a[0], a[1], a[2], (f64::from(a[3]) * opacity).round() as u8]
}

/// Grid lines on the floor and the back walls, and their outlines.
fn walls(
    out: &mut Vec<Stroke3>,
    theme: &FigureTheme,
    half: Vec3,
    [back_x, back_z]: [f32; 2],
    [alpha, beta, loss]: [&Edge; 3],
) {
    let grid = mix(theme.frame, 0.28);
    let rim = mix(theme.frame, 0.65);
    let thin = 0.9 * theme.frame_width as f32;
    let mut line = |a: Vec3, b: Vec3, color| {
        out.push(Stroke3 {
            ends: [a, b],
            width: thin,
            color,
        });
    };
    let floor = -HALF_HEIGHT;
    let between = |part: f32, half: f32| half * (2.0 * part - 1.0);
    let inner = |part: &&(f32, Tick)| part.1.major && part.0 > 0.01 && part.0 < 0.99;
    for (part, _) in alpha.ticks.iter().filter(inner) {
        let x = between(*part, half.x);
        line(vec3(x, floor, -half.z), vec3(x, floor, half.z), grid);
        line(vec3(x, floor, back_z), vec3(x, HALF_HEIGHT, back_z), grid);
    }
    for (part, _) in beta.ticks.iter().filter(inner) {
        let z = -between(*part, half.z);
        line(vec3(-half.x, floor, z), vec3(half.x, floor, z), grid);
        line(vec3(back_x, floor, z), vec3(back_x, HALF_HEIGHT, z), grid);
    }
    for (part, _) in loss.ticks.iter().filter(inner) {
        let y = between(*part, HALF_HEIGHT);
        line(vec3(-half.x, y, back_z), vec3(half.x, y, back_z), grid);
        line(vec3(back_x, y, -half.z), vec3(back_x, y, half.z), grid);
    }
    for z in [-half.z, half.z] {
        line(vec3(-half.x, floor, z), vec3(half.x, floor, z), rim);
    }
    for x in [-half.x, half.x] {
        line(vec3(x, floor, -half.z), vec3(x, floor, half.z), rim);
        line(vec3(x, floor, back_z), vec3(x, HALF_HEIGHT, back_z), rim);
    }
    line(
        vec3(back_x, floor, -back_z),
        vec3(back_x, HALF_HEIGHT, -back_z),
        rim,
    );
    line(
        vec3(-half.x, HALF_HEIGHT, back_z),
        vec3(half.x, HALF_HEIGHT, back_z),
        rim,
    );
    line(
        vec3(back_x, HALF_HEIGHT, -half.z),
        vec3(back_x, HALF_HEIGHT, half.z),
        rim,
    );
}

/// The axis of the loss in the colours of the surface: the colour bar.
fn stripes(out: &mut Vec<Stroke3>, scene: &Scene, ends: [Vec3; 2], theme: &FigureTheme) {
    let at = |part: f32| ends[0] + (ends[1] - ends[0]) * part;
    for k in 0..STRIPES {
        let part = k as f32 / STRIPES as f32;
        let [r, g, b] = scene.color.map.at(f64::from(part) + 0.5 / STRIPES as f64);
        out.push(Stroke3 {
            ends: [at(part), at(part + 1.0 / STRIPES as f32)],
            width: 4.5 * theme.frame_width as f32,
            color: [r, g, b, 255],
        });
    }
}

/// Ticks, their labels and the title of one axis. No text stands before the
/// box, whose outline on the screen is `hull`.
#[allow(clippy::too_many_arguments)]
fn axis(
    out: &mut Surroundings,
    titles: &mut Vec<Label>,
    edge: &Edge,
    view: &Projection,
    viewport: &Viewport,
    theme: &FigureTheme,
    hull: &[[f32; 2]],
    upright: bool,
) {
    let at = |part: f32| edge.ends[0] + (edge.ends[1] - edge.ends[0]) * part;
    let middle = at(0.5);
    let (from, _) = view.project(middle);
    let (to, _) = view.project(middle + edge.outward * 0.1);
    let mut away = [to[0] - from[0], to[1] - from[1]];
    let reach = away[0].hypot(away[1]);
    if upright || reach < 1.0 {
        // An upright axis has its labels on its left; one whose ticks point
        // at the eye has them below.
        away = if upright { [-1.0, 0.0] } else { [0.0, 1.0] };
    } else {
        away = [away[0] / reach, away[1] / reach];
    }
    let em = theme.label_size as f32;
    let mut widest = 0.0f32;
    for (part, tick) in &edge.ticks {
        let start = at(*part);
        let length = if tick.major { TICK } else { 0.6 * TICK };
        let end = if upright {
            start - view.right * length
        } else {
            start + edge.outward * length
        };
        out.lines.push(Stroke3 {
            ends: [start, end],
            width: theme.frame_width as f32,
            color: theme.frame,
        });
        if !tick.major || tick.label.is_empty() {
            continue;
        }
        let mut label = Label {
            text: tick.label.clone(),
            centre: view.project(end).0,
            size: theme.label_size,
            title: false,
        };
        let half = label.half();
        let gap = 0.3 * em + half[0] * away[0].abs() + half[1] * away[1].abs();
        label.centre[0] += away[0] * gap;
        label.centre[1] += away[1] * gap;
        let gap = gap + label.push_out(away, hull);
        widest = widest.max(gap + half[0] * away[0].abs() + half[1] * away[1].abs());
        out.labels.push(label);
    }
    if edge.title.is_empty() {
        return;
    }
    let mut title = Label {
        text: edge.title.clone(),
        centre: view.project(at(0.5)).0,
        size: theme.label_size * 1.08,
        title: true,
    };
    let half = title.half();
    if upright {
        // Over the upper end, where no tick is.
        let [x, y] = view.project(at(1.0)).0;
        title.centre = [
            (x - half[0] + 0.8 * em).max(half[0] + 2.0),
            (y - 1.4 * em).max(half[1] + 1.0),
        ];
        title.push_out([-0.6, -0.8], hull);
        title.centre[0] = title.centre[0].max(half[0] + 2.0);
    } else {
        let tick = TICK * view.scale;
        let gap = tick + widest + 0.35 * em + half[0] * away[0].abs() + half[1] * away[1].abs();
        title.centre[0] += away[0] * gap;
        title.centre[1] += away[1] * gap;
        title.push_out(away, hull);
        // Rather a little nearer than cut off.
        for ((centre, half), size) in title.centre.iter_mut().zip(half).zip(viewport.size) {
            *centre = centre.clamp(half, (size - half - 1.0).max(half));
        }
    }
    titles.push(title);
}

#[cfg(test)]
mod tests {
    use super::super::camera::Camera;
    use super::super::scene::tests::scene;
    use super::*;

    fn seen(camera: Camera, size: [f32; 2]) -> Surroundings {
        let scene = scene(17, |a, b| a * a + b * b);
        let theme = FigureTheme::dark();
        let viewport = Viewport {
            size,
            margins: margins(&theme, size),
        };
        let view = camera.projection(&scene.extents(), &viewport);
        surroundings(&scene, &view, &viewport, &theme)
    }

    fn titles(seen: &Surroundings) -> Vec<&str> {
        seen.labels
            .iter()
            .filter(|label| label.title)
            .map(|label| label.text.as_str())
            .collect()
    }

    #[test]
    fn every_axis_has_a_title_and_ticks_from_all_around() {
        for k in 0..24 {
            let camera = Camera {
                azimuth: (k as f32 + 0.5) * std::f32::consts::TAU / 24.0 - 3.1,
                ..Camera::default()
            };
            let seen = seen(camera, [640.0, 420.0]);
            let names = titles(&seen);
            assert!(names.contains(&"training loss"), "{k}: {names:?}");
            let floor = names.iter().any(|name| name.starts_with('α'))
                || names.iter().any(|name| name.starts_with('β'));
            assert!(floor, "{k}: {names:?}");
            assert!(seen.labels.len() >= 8, "{k}: {}", seen.labels.len());
            assert!(seen.has_loss_axis);
        }
    }

    #[test]
    fn labels_neither_overlap_nor_leave_the_picture() {
        for size in [[640.0, 420.0], [330.0, 200.0], [200.0, 300.0]] {
            for azimuth in [-2.8, -1.0, 0.0, 0.56, 1.6, 3.0] {
                for elevation in [0.0, 0.5, 1.3] {
                    let camera = Camera {
                        azimuth,
                        elevation,
                        ..Camera::default()
                    };
                    let labels = seen(camera, size).labels;
                    for (k, label) in labels.iter().enumerate() {
                        let half = label.half();
                        assert!(label.centre[0] - half[0] >= -1.5);
                        assert!(label.centre[0] + half[0] <= size[0] + 1.5);
                        assert!(label.centre[1] + half[1] <= size[1] + 1.5);
                        assert!(labels[..k].iter().all(|other| !other.overlaps(label)));
                    }
                }
            }
        }
    }

    #[test]
    fn outlines_are_convex_and_hold_their_points() {
        let points = [
            [0.0, 0.0],
            [4.0, 0.0],
            [4.0, 3.0],
            [0.0, 3.0],
            [2.0, 1.0],
            [2.0, 0.0],
        ];
        let outline = hull(points.into_iter());
        assert_eq!(outline, [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]]);
        let mut label = Label {
            text: "0".to_owned(),
            centre: [2.0, 1.5],
            size: 0.2,
            title: false,
        };
        let outline: Vec<[f32; 2]> = outline.iter().map(|p| p.map(|v| 20.0 * v)).collect();
        label.centre = [40.0, 30.0];
        assert!(label.stands_in(&outline));
        assert!(label.push_out([-1.0, 0.0], &outline) >= 39.0);
        assert!(!label.stands_in(&outline) && label.centre[1] == 30.0);
    }

    #[test]
    fn an_axis_seen_end_on_has_no_labels() {
        let above = seen(Camera::top(), [640.0, 420.0]);
        assert!(!above.has_loss_axis);
        assert_eq!(titles(&above), ["α (filter norms)", "β"]);
        let front = seen(Camera::front(), [640.0, 420.0]);
        assert_eq!(titles(&front), ["α (filter norms)", "training loss"]);
    }
}
