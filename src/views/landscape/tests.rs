//! Tests of the figures of slices.

use super::*;
use crate::figure::{Colormap, Layer};

fn slice(n: usize) -> Slice2d {
    let axis: Vec<f64> = (0..n)
        .map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64)
        .collect();
    let loss = axis
        .iter()
        .flat_map(|b| axis.iter().map(move |a| 0.01 + a * a + 2.0 * b * b))
        .collect();
    Slice2d {
        alpha: axis.clone(),
        beta: axis,
        loss,
        stderr: None,
        level: 2,
        levels: 4,
    }
}

fn path() -> Vec<PathPoint> {
    (0..20)
        .map(|i| PathPoint {
            step: 10 * i,
            alpha: 0.8 * 0.8f64.powi(i as i32),
            beta: 0.0,
            off_plane: 0.1,
        })
        .collect()
}

fn info() -> SliceInfo<'static> {
    SliceInfo::new(190, "seed 7", "filter norms", Split::Training)
}

#[test]
fn a_plane_has_map_contours_path_and_bar() {
    let (slice, points) = (slice(17), path());
    let share = PathShare {
        length: 2.0,
        length_outside: 0.94,
        squares_outside: 0.9,
    };
    let errors = LossErrors {
        steps: vec![0],
        losses: vec![1.02],
        on_plane: vec![1.0],
        errors: vec![0.02],
        largest: 0.02,
        at_step: Some(0),
    };
    let on_plane = PathOnPlane {
        points: &points,
        share: Some(&share),
        errors: Some(&errors),
        ghosts: &[],
        anchors: &[],
    };
    let figure = plane(
        &LandscapeSettings::default(),
        Some(&slice),
        on_plane,
        &info(),
    );
    let axes = figure.axes().next().unwrap();
    assert_eq!(axes.x.full_label(), "α (filter norms)");
    let bar = axes.color_bar.as_ref().unwrap();
    assert_eq!(bar.label, "training loss");
    assert_eq!(bar.scale.normalization.scale, Scale::Log10);
    let note = axes.note.as_deref().unwrap();
    assert!(
        note.starts_with("plane error 0.02 · 94 % of path outside · 17×17 · seed 7"),
        "{note}"
    );
    let kinds: Vec<bool> = axes
        .layers
        .iter()
        .map(|l| matches!(l, Layer::Heatmap(_) | Layer::Contours(_)))
        .collect();
    assert_eq!(kinds, [true, true, false, false, false, false]);
    let Layer::Scatter(halos) = &axes.layers[3] else {
        panic!("halos");
    };
    let ring = crate::figure::Marker::Ring;
    // Of the points whose own loss is known.
    assert_eq!((halos.marker, halos.sizes.len()), (ring, 1));
    assert_eq!(halos.values, [1.02]);
    let Layer::Scatter(ball) = &axes.layers[5] else {
        panic!("the ball");
    };
    assert_eq!(ball.x[0], points[19].alpha);
    assert_eq!(axes.x.limits, Some((-1.0, 1.0)));
}

#[test]
fn losses_that_are_not_positive_have_linear_colours() {
    let mut slice = slice(9);
    slice.loss[3] = -0.5;
    slice.loss[4] = f64::NAN;
    let figure = plane(
        &LandscapeSettings::default(),
        Some(&slice),
        PathOnPlane::default(),
        &info(),
    );
    let axes = figure.axes().next().unwrap();
    let scale = axes.color_bar.as_ref().unwrap().scale;
    assert_eq!(scale.normalization.scale, Scale::Linear);
    assert!(
        axes.note
            .as_deref()
            .unwrap()
            .ends_with("1 point not finite")
    );
}

#[test]
fn a_few_huge_losses_do_not_hide_the_others() {
    let mut slice = slice(17);
    slice.loss[0] = 1e6;
    let settings = LandscapeSettings {
        log: false,
        ..LandscapeSettings::default()
    };
    let figure = plane(&settings, Some(&slice), PathOnPlane::default(), &info());
    let bar = figure.axes().next().unwrap().color_bar.clone().unwrap();
    assert!(bar.scale.normalization.limits.1 < 4.0);
    assert_eq!(bar.exceeded, (false, true));
}

#[test]
fn nothing_yet_has_axes() {
    let figure = plane(
        &LandscapeSettings::default(),
        None,
        PathOnPlane::default(),
        &info(),
    );
    assert!(figure.axes().next().unwrap().layers.is_empty());
    let figure = line(&LandscapeSettings::default(), None, None, &info());
    assert_eq!(figure.axes().next().unwrap().y.label, "loss");
}

#[test]
fn a_line_marks_its_middle() {
    let slice = Slice1d {
        alpha: vec![-1.0, 0.0, 1.0],
        loss: vec![1.0, 0.5, f64::INFINITY],
        stderr: None,
        level: 0,
        levels: 1,
    };
    let figure = line(
        &LandscapeSettings::default(),
        Some(&slice),
        Some(&slice),
        &info(),
    );
    let axes = figure.axes().next().unwrap();
    assert_eq!(axes.y.scale, Scale::Log10);
    let marks = axes
        .layers
        .iter()
        .filter(|l| matches!(l, Layer::Scatter(s) if s.x[0] == 0.0 && s.y[0] == 0.5))
        .count();
    assert_eq!(marks, 2);
    assert!(
        axes.layers
            .iter()
            .any(|l| matches!(l, Layer::Rule(rule) if rule.at == 0.0))
    );
}

#[test]
fn what_is_shown_is_named_and_coloured() {
    let mut signed = slice(9);
    signed.loss.iter_mut().for_each(|v| *v -= 0.5);
    let bar = |quantity: &SliceQuantity, slice: &Slice2d| {
        let info = SliceInfo {
            quantity,
            class: Some("seven"),
            symbols: [Some("v₁"), None],
            ..info()
        };
        let settings = LandscapeSettings::default();
        let figure = plane(&settings, Some(slice), PathOnPlane::default(), &info);
        let axes = figure.axes().next().unwrap();
        assert_eq!(axes.x.full_label(), "α · v₁ (filter norms)");
        axes.color_bar.clone().unwrap()
    };
    let gap = bar(&SliceQuantity::Gap, &signed);
    assert_eq!(gap.label, "validation − training loss");
    assert_eq!(gap.scale.map, Colormap::RdBu);
    let (low, high) = gap.scale.normalization.limits;
    assert_eq!(low, -high);
    let accuracy = bar(&SliceQuantity::Accuracy, &slice(9));
    assert_eq!(accuracy.label, "training accuracy");
    assert_eq!(accuracy.scale.normalization.scale, Scale::Linear);
    let class = bar(&SliceQuantity::ClassLoss { class: 1 }, &slice(9));
    assert_eq!(class.label, "training loss of class seven");
    assert_eq!(class.scale.normalization.scale, Scale::Log10);
    let convexity = bar(&SliceQuantity::Convexity, &slice(9));
    assert_eq!(convexity.label, "|λmin/λmax|, training");
    let samples = vec![3, 4];
    let some = bar(&SliceQuantity::SampleLoss { samples }, &slice(9));
    assert_eq!(some.label, "training loss of 2 samples");
}

#[test]
fn a_line_of_an_excerpt_has_its_band() {
    let slice = Slice1d {
        alpha: vec![-1.0, 0.0, 1.0],
        loss: vec![1.0, 0.5, 2.0],
        stderr: Some(vec![0.1, 0.4, 0.1]),
        level: 0,
        levels: 1,
    };
    let info = SliceInfo {
        excerpt: Some((64, 1000)),
        ..info()
    };
    let figure = line(&LandscapeSettings::default(), Some(&slice), None, &info);
    let axes = figure.axes().next().unwrap();
    let band = axes.layers.iter().find_map(|layer| match layer {
        Layer::Band(band) => Some(band),
        _ => None,
    });
    let band = band.unwrap();
    assert!((band.upper[0] - 1.196).abs() < 1e-12);
    assert!((band.lower[0] - 0.804).abs() < 1e-12);
    // Below zero there is no logarithm.
    assert!((band.lower[1] - 0.05).abs() < 1e-12);
    let note = axes.note.as_deref().unwrap();
    assert!(note.contains("64 of 1000 samples, band: 95 %"), "{note}");
}

#[test]
fn a_picture_of_a_level_in_part_says_so() {
    let info = SliceInfo {
        known: Some(0.4),
        ..info()
    };
    let settings = LandscapeSettings::default();
    let figure = plane(&settings, Some(&slice(17)), PathOnPlane::default(), &info);
    let note = figure.axes().next().unwrap().note.clone().unwrap();
    assert!(note.starts_with("17×17, 40 % so far"), "{note}");
}

#[test]
fn twelve_planes_share_their_colours() {
    let slices: Vec<Slice2d> = (0..12)
        .map(|k| {
            let mut slice = slice(5);
            slice.loss.iter_mut().for_each(|v| *v *= 1.0 + k as f64);
            slice
        })
        .collect();
    let mut seeded: Vec<(u64, Option<&Slice2d>)> = (0..).zip(slices.iter().map(Some)).collect();
    seeded[9].1 = None;
    let figure = rerolls(&LandscapeSettings::default(), &seeded, &info());
    // Two rows of six, each with a place for the colour bar, which the first has.
    assert_eq!((figure.rows.len(), figure.panels().count()), (2, 14));
    let places: Vec<usize> = (0..14).filter_map(super::reroll_of).collect();
    assert_eq!(places, (0..12).collect::<Vec<_>>());
    let bars: Vec<bool> = figure.axes().map(|axes| axes.color_bar.is_some()).collect();
    assert_eq!(bars.iter().filter(|bar| **bar).count(), 1);
    assert!(bars[6] && super::reroll_of(6).is_none());
    let scales: Vec<_> = figure
        .axes()
        .flat_map(|axes| &axes.layers)
        .filter_map(|layer| match layer {
            Layer::Heatmap(map) => Some(map.color),
            _ => None,
        })
        .collect();
    // One has not come yet.
    assert_eq!(scales.len(), 11);
    assert!(scales.iter().all(|scale| *scale == scales[0]));
    assert_eq!(
        figure.axes().nth(5).unwrap().title.as_deref(),
        Some("seed 5")
    );
    assert_eq!(
        rerolls(&LandscapeSettings::default(), &[], &info())
            .panels()
            .count(),
        0
    );
}
