use super::*;
use crate::catalogue::schema;
use crate::figure::Layer;
use crate::functions;
use crate::race::{Entry, Ground, PlaneChoice, Race, RaceSettings};

fn race(lockstep: Lockstep) -> Race {
    let entries = [
        "sgd",
        "adam: optimizer=adam, learning_rate=0.05",
        "wild: learning_rate=1",
    ]
    .map(|text| Entry::parse(text, schema()).unwrap())
    .to_vec();
    let function = functions::section().component("rosenbrock").unwrap();
    let mut settings = RaceSettings::on_function(function, entries, schema()).unwrap();
    settings.base.training.set("steps", 200);
    settings.lockstep = lockstep;
    let mut race = Race::new(settings, schema()).unwrap();
    while race.advance(&mut || 0.0).unwrap().is_some() {}
    race
}

fn series(race: &Race) -> Vec<RunnerSeries<'_>> {
    race.runners()
        .iter()
        .enumerate()
        .map(|(index, runner)| RunnerSeries {
            name: &runner.entry.name,
            index,
            curve: runner.curve(),
            steps_done: runner.steps_done(),
            status: runner.status(),
        })
        .collect()
}

#[test]
fn runners_keep_colour_dash_and_name_in_both_views() {
    let race = race(Lockstep::Step);
    let Ground::Function(function, start) = race.ground() else {
        panic!()
    };
    let found = race
        .landscape(PlaneChoice::Joint, 33)
        .compute(&(), &mut |_| ())
        .unwrap();
    let runners = series(&race);
    let losses = losses(&RaceLossSettings::default(), &runners, Some(10.0));
    let map = landscape(
        &LandscapeSettings::default(),
        Some(&found),
        &runners,
        Some(function),
        Lockstep::Step,
        Some(10.0),
    );
    let lines = |figure: &Figure| -> Vec<Line> {
        figure
            .axes()
            .flat_map(|axes| axes.layers.clone())
            .filter_map(|layer| match layer {
                Layer::Line(line) => Some(line),
                _ => None,
            })
            .collect()
    };
    let (curves, paths) = (lines(&losses), lines(&map));
    assert_eq!(curves.len(), 3);
    for (index, (curve, path)) in curves.iter().zip(&paths).enumerate() {
        assert_eq!(curve.name, path.name);
        assert_eq!(curve.style.ink, path.style.ink);
        assert_eq!(curve.style.dash, path.style.dash);
        assert_eq!(curve.style.dash, SeriesStyle::nth(index).dash);
        assert_eq!(path.x[0], start[0]);
    }
    // Paths end where the race stands at step 10.
    assert_eq!(paths[0].x.len(), 11);
    assert_eq!(curves[0].x.len(), 201);
    let axes = map.axes().next().unwrap();
    assert_eq!((axes.x.label.as_str(), axes.y.label.as_str()), ("x", "y"));
    assert!(axes.note.as_deref().unwrap().contains("the whole space"));
    // A loss that is zero at one point of the grid still has a logarithm.
    let bar = axes.color_bar.as_ref().unwrap();
    assert_eq!(bar.scale.normalization.scale, Scale::Log10);
    // The one that left is explained.
    let note = losses.axes().next().unwrap().note.clone().unwrap();
    assert!(note.starts_with("wild: "), "{note}");
}

#[test]
fn a_path_that_leaves_is_cut_off_in_its_own_direction() {
    let point = |step, alpha, beta| PathPoint {
        step,
        alpha,
        beta,
        off_plane: 0.0,
    };
    let path = [
        point(0, 0.0, 0.0),
        point(1, 1e30, 5e29),
        point(2, -1e40, 1e40),
        point(3, 0.5, -1e20),
        point(4, 0.5, 0.0),
    ];
    let (x, y) = near(&path, [(-1.0, 1.0), (-1.0, 1.0)]);
    assert_eq!(x.len(), 5);
    // The surroundings reach to 5 in each direction.
    assert!((x[1] - 5.0).abs() < 1e-9 && (y[1] - 2.5).abs() < 1e-9);
    assert!(x[2].is_nan() && y[2].is_nan());
    assert!((x[3] - 0.5).abs() < 1e-9 && (y[3] + 5.0).abs() < 1e-4);
    assert_eq!((x[4], y[4]), (0.5, 0.0));
}

#[test]
fn nothing_yet_has_axes() {
    let map = landscape(
        &LandscapeSettings::default(),
        None,
        &[],
        None,
        Lockstep::Step,
        None,
    );
    assert_eq!(map.axes().next().unwrap().x.label, "θ₁");
    let figure = losses(&RaceLossSettings::default(), &[], None);
    assert_eq!(figure.description, "Nobody has made a step yet.");
}

#[test]
fn long_curves_are_thinned_without_losing_a_peak() {
    let mut curve = Curve::default();
    for step in 0..50_000u32 {
        curve.loss.push(if step == 33_333 { 9.0 } else { 1.0 });
        curve.eta.push(0.1 * f64::from(step));
        curve.seconds.push(0.0);
    }
    let runner = RunnerSeries {
        name: "a",
        index: 0,
        curve: &curve,
        steps_done: 50_000,
        status: &Status::Running,
    };
    let settings = RaceLossSettings {
        clock: Lockstep::Eta,
        columns: 300,
        ..RaceLossSettings::default()
    };
    let figure = losses(&settings, &[runner], None);
    let Layer::Line(line) = &figure.axes().next().unwrap().layers[0] else {
        panic!()
    };
    assert!(line.x.len() < 1500 && line.y.contains(&9.0));
}

#[test]
fn the_table_has_the_columns_that_were_measured() {
    let race = race(Lockstep::Step);
    let board = race.score_board(None, true, &()).unwrap();
    let table = score_table(&["sgd", "adam", "wild"], &board);
    assert_eq!(table.columns.len(), 11);
    assert!(!table.columns.contains(&"val_loss".to_owned()));
    assert_eq!(table.rows[2][1], Cell::Text("diverged".to_owned()));
    assert!(table.rows.iter().all(|row| row.len() == 11));
}
