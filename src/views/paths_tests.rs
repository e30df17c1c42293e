use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::connectivity::CurveTraining;
use crate::engine::paths::{Losses, PathEnd, PathSettings, connect};
use crate::figure::Layer;
use crate::landscape::Interpolation;
use crate::train::Setup;
use crate::train::testing::recipe;

fn connected(method: PathMethod) -> Connection {
    connected_over(method, None)
}

fn connected_over(method: PathMethod, range: Option<[f64; 2]>) -> Connection {
    let setup = Arc::new(Setup::new(recipe().into(), Path::new(".")).unwrap());
    let losses = Losses::double(&setup).unwrap();
    let settings = PathSettings {
        points: 7,
        training: CurveTraining {
            iterations: 6,
            ..CurveTraining::default()
        },
        fork_steps: Some(vec![0, 20]),
        range,
        ..PathSettings::new(method, 5)
    };
    let ends = [&PathEnd::Twin { seed: 1 }, &PathEnd::Twin { seed: 2 }];
    connect(&setup, &losses, ends, &settings, &(), &mut |_| ()).unwrap()
}

fn names(axes: &Axes) -> Vec<&str> {
    axes.layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Line(line) => line.name.as_deref(),
            _ => None,
        })
        .collect()
}

#[test]
fn nothing_yet_has_axes() {
    let figure = figure(&PathLook::default(), None);
    let axes = figure.axes().next().unwrap();
    assert_eq!(
        (axes.x.label.as_str(), axes.y.label.as_str()),
        ("λ", "loss")
    );
    assert!(axes.layers.is_empty());
}

#[test]
fn a_straight_line_shows_its_barrier() {
    let mut found = connected(PathMethod::Linear);
    let line = Interpolation::of_points(vec![0.0, 0.5, 1.0], vec![0.25, 1.0, 0.25]);
    found.straight.as_mut().unwrap().train.line = line;
    let figure = figure(&PathLook::default(), Some(&found));
    assert_eq!(figure.rows.len(), 1);
    let axes = figure.axes().next().unwrap();
    let mut expected = vec!["straight, train"];
    if found.straight.as_ref().unwrap().validation.is_some() {
        expected.push("straight, validation");
    }
    assert_eq!(names(axes), expected);
    assert_eq!(axes.title.as_deref(), Some("seed 1 → seed 2"));
    let text = axes.layers.iter().find_map(|layer| match layer {
        Layer::Text(text) => Some(text.text.clone()),
        _ => None,
    });
    assert_eq!(text.as_deref(), Some(" 0.75 "));
    assert!(axes.note.as_ref().unwrap().contains("barrier"));
    assert!(figure.description.contains("on the straight line"));
}

#[test]
fn alignments_show_their_permutations_and_sweeps() {
    let found = connected(PathMethod::Weights);
    let alignment = found.alignment.as_ref().unwrap();
    let figure = figure(&PathLook::default(), Some(&found));
    assert_eq!(figure.rows.len(), 2);
    let Content::Mosaic(mosaic) = &figure.rows[1].panels[0].content else {
        panic!("matrices");
    };
    assert_eq!(mosaic.tiles.len(), 1);
    let image = &mosaic.tiles[0].image;
    assert_eq!((image.width, image.height), (8, 8));
    for (place, unit) in alignment.map.permutations[0].iter().enumerate() {
        for column in 0..8 {
            let opaque = image.rgba[4 * (8 * place + column) + 3] > 0;
            assert_eq!(opaque, column == *unit);
        }
    }
    let main = figure.axes().next().unwrap();
    assert!(names(main).contains(&"aligned, train"));
    let playing = PathLook {
        sweep: Some(0),
        ..PathLook::default()
    };
    let playing = super::figure(&playing, Some(&found));
    let shown = names(playing.axes().next().unwrap());
    assert!(shown.contains(&"aligned, train") && !shown.contains(&"aligned, validation"));
    let side = PathLook {
        stacked: false,
        ..PathLook::default()
    };
    let rows = super::figure(&side, Some(&found)).rows;
    let panels: Vec<usize> = rows.iter().map(|row| row.panels.len()).collect();
    assert_eq!(panels, [1, 2]);
}

#[test]
fn curves_layers_and_forks_have_their_second_part() {
    let parts = |method| {
        let found = connected(method);
        let figure = figure(&PathLook::default(), Some(&found));
        let labels: Vec<String> = figure.axes().map(|axes| axes.x.label.clone()).collect();
        labels
    };
    assert_eq!(
        parts(PathMethod::Bezier),
        ["t", "step of the curve's training"]
    );
    assert_eq!(parts(PathMethod::Layers), ["λ", "layer"]);
    assert_eq!(
        parts(PathMethod::Fork),
        ["step at which the copies part", "λ"]
    );
    let plain = PathLook {
        details: false,
        validation: false,
        log: true,
        ..PathLook::default()
    };
    let found = connected(PathMethod::Bezier);
    let figure = figure(&plain, Some(&found));
    let axes: Vec<&Axes> = figure.axes().collect();
    assert_eq!(axes.len(), 1);
    assert_eq!(axes[0].y.scale, Scale::Log10);
    assert_eq!(names(axes[0]), ["straight, train", "Bézier, train"]);
}

#[test]
fn the_straight_line_goes_on_beyond_its_ends() {
    let range = Some([-0.5, 1.5]);
    let found = connected_over(PathMethod::Linear, range);
    let inner = connected(PathMethod::Linear);
    // The barrier is that between the ends.
    assert_eq!(found.straight, inner.straight);
    let figure = figure(&PathLook::default(), Some(&found));
    let axes = figure.axes().next().unwrap();
    assert_eq!(axes.x.limits, Some((-0.5, 1.5)));
    let line = axes.layers.iter().find_map(|layer| match layer {
        Layer::Line(line) if line.name.as_deref() == Some("straight, train") => Some(line),
        _ => None,
    });
    let line = line.unwrap();
    assert_eq!(line.x.len(), 3 + 7 + 3);
    assert!(line.x.is_sorted());
    assert_eq!((line.x[3], line.x[9]), (0.0, 1.0));
    let straight = &inner.straight.unwrap().train.line;
    assert_eq!(line.y[3..10], straight.loss[..]);
    assert_eq!(line.y[0], found.outside.unwrap().train.loss[0]);
}
