use std::sync::Arc;

use eframe::egui::{self, Id};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::*;
use crate::figure::{
    Axes, Axis, Bars, ColorBar, ColorScale, Colormap, Contours, Heatmap, Interpolation, Layer,
    Line, LineStyle, Marker, Mosaic, Normalization, Raster, Rule, Samples, Scatter, ScatterColors,
    Stems, Ticks, Tile, contour,
};

fn steps(n: usize) -> Vec<f64> {
    (0..n).map(|i| i as f64).collect()
}

fn curves() -> Figure {
    let x = steps(1500);
    let train: Vec<f64> = x
        .iter()
        .map(|s| 1.1 * (-s / 220.0).exp() + 0.012 + 0.004 * (s * 12.9).sin())
        .collect();
    let every: Vec<f64> = x.iter().copied().step_by(10).collect();
    let validation: Vec<f64> = every
        .iter()
        .map(|s| 1.1 * (-s / 260.0).exp() + 0.05)
        .collect();
    Figure::single(
        Axes::new(Axis::new("step").ticks(Ticks::Integers), Axis::log("loss"))
            .with(Line::new(x, train).named("train"))
            .with(Line::new(every, validation).series(1).named("validation"))
            .with(Rule::horizontal(0.1).labelled("target")),
    )
    .described("The training loss falls from 1.1 to 0.012.")
}

fn landscape(interpolation: Interpolation) -> Figure {
    let n = 33;
    let axis: Vec<f64> = (0..n)
        .map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64)
        .collect();
    let mut values = Vec::new();
    for b in &axis {
        for a in &axis {
            let v = 0.02 + (a * a + 3.0 * b * b + 0.4 * (3.0 * a).sin() * (4.0 * b).cos()).abs();
            values.push(v);
        }
    }
    values[n * 20 + 28] = f64::NAN;
    let normalization = Normalization::spanning(Scale::Log10, &values);
    let scale = ColorScale::new(Colormap::Viridis, normalization);
    let levels = contour::contour_levels(Scale::Log10, normalization.limits, 10);
    let path_x: Vec<f64> = (0..200)
        .map(|i| 0.8 * (-f64::from(i) / 60.0).exp())
        .collect();
    let path_y: Vec<f64> = (0..200)
        .map(|i| 0.5 * (f64::from(i) * 0.6).cos() * (-f64::from(i) / 40.0).exp())
        .collect();
    let map = Heatmap {
        interpolation,
        ..Heatmap::sampled(&axis, &axis, values.clone(), scale)
    };
    Figure::single(
        Axes::new(Axis::new("α"), Axis::new("β"))
            .equal_aspect()
            .with(map)
            .with(Contours {
                levels: contour::contour_lines(&axis, &axis, &values, &levels),
                width: 0.6,
                over: Some(scale),
                labelled: true,
            })
            .with(
                Line::new(path_x, path_y)
                    .style(LineStyle::solid(crate::figure::Ink::Foreground).cased()),
            )
            .with_color_bar(ColorBar::new(scale, "training loss").over(&[1e9]))
            .noted("plane error 0.02 · 33×33 · seed 0"),
    )
    .described("A valley.")
}

fn everything() -> Figure {
    let x = steps(40);
    let y: Vec<f64> = x.iter().map(|v| (v / 6.0).sin()).collect();
    let classes: Vec<usize> = (0..40).map(|i| i % 3).collect();
    let scatter = Axes::new(Axis::new("x₁"), Axis::new("x₂"))
        .titled("Classes")
        .with(Scatter {
            colors: ScatterColors::Classes {
                classes,
                names: vec!["inner".into(), "outer".into(), "other".into()],
            },
            ..Scatter::new(x.clone(), y.clone())
        });
    let stems = Axes::new(Axis::new("λ"), Axis::log("density"))
        .titled("Spectrum")
        .with(Stems {
            x: vec![1.0, 4.0, 9.0].into(),
            y: vec![0.5, 0.05, 0.005].into(),
            baseline: 0.0,
            style: LineStyle::solid(crate::figure::Ink::Accent),
            marker: Marker::Circle,
            name: Some("exact".into()),
        });
    let bars = Axes::new(Axis::new("value"), Axis::new("count"))
        .titled("Histogram")
        .with(Bars {
            edges: steps(11).into(),
            heights: (0..10).map(|i| f64::from(i * (10 - i))).collect(),
            baseline: 0.0,
            ink: crate::figure::Ink::Series(2),
            name: None,
        });
    let scale = ColorScale::new(Colormap::RdBu, Normalization::centred(1.0));
    let tiles = (0..8)
        .map(|k| {
            let values: Vec<f64> = (0..64)
                .map(|i| (f64::from(i * (k + 1)) * 0.3).sin())
                .collect();
            Tile::new(Raster::from_values(8, 8, &values, &scale)).captioned(format!("filter {k}"))
        })
        .collect();
    let mosaic = Mosaic {
        title: Some("Filters".into()),
        tiles,
        columns: None,
        color_bar: Some(ColorBar::new(scale, "∂L/∂w")),
        note: None,
    };
    Figure::grid([
        vec![Content::from(scatter), Content::from(stems)],
        vec![Content::from(bars), Content::from(mosaic)],
    ])
}

fn harness(figure: Figure, size: (f32, f32), dark: bool) -> Harness<'static, State> {
    let state = State {
        view: FigureView::new(),
        figure: Arc::new(figure),
        options: Options::default(),
        response: FigureResponse::default(),
    };
    testing::harness(size, dark).build_ui_state(
        |ui, state: &mut State| {
            state.response = state.view.show(
                ui,
                Id::unique("figure under test"),
                &state.figure,
                &state.options,
            );
        },
        state,
    )
}

struct State {
    view: FigureView,
    figure: Arc<Figure>,
    options: Options,
    response: FigureResponse,
}

fn hover(harness: &mut Harness<'_, State>, x: f32, y: f32) {
    harness.hover_at(egui::pos2(x, y));
    harness.run_steps(2);
}

#[test]
fn every_layer_is_drawn_light_and_dark() {
    for dark in [false, true] {
        for (name, figure, size) in [
            ("curves", curves(), (520.0, 320.0)),
            ("curves small", curves(), (260.0, 170.0)),
            (
                "landscape",
                landscape(Interpolation::Bilinear),
                (560.0, 420.0),
            ),
            (
                "landscape nearest",
                landscape(Interpolation::Nearest),
                (360.0, 260.0),
            ),
            ("everything", everything(), (760.0, 560.0)),
            ("everything small", everything(), (420.0, 320.0)),
        ] {
            let mut harness = harness(figure, size, dark);
            harness.run_steps(3);
            testing::look(&mut harness, &format!("plot {name}"), dark);
        }
    }
}

#[test]
fn nothing_and_not_a_number_are_drawn() {
    let nan = Samples::from(vec![f64::NAN; 5]);
    for figure in [
        Figure::default(),
        Figure::single(Axes::new(Axis::new("x"), Axis::log("y"))),
        Figure::single(
            Axes::new(Axis::new("x"), Axis::log("y"))
                .with(Line::new(nan.clone(), nan.clone()))
                .with(Line::new(vec![1.0], vec![-1.0])),
        ),
        Figure::single(
            Axes::new(Axis::new("x"), Axis::new("y")).with(Heatmap::of_cells(
                2,
                2,
                vec![f64::NAN, f64::INFINITY, 1.0, f64::NEG_INFINITY],
                ColorScale::new(Colormap::Viridis, Normalization::linear(0.0, 1.0)),
            )),
        ),
        Figure::row([Mosaic::default()]),
    ] {
        let mut harness = harness(figure, (300.0, 200.0), true);
        harness.run_steps(2);
        hover(&mut harness, 150.0, 100.0);
    }
}

#[test]
fn the_pointer_reads_exact_values() {
    let mut harness = harness(curves(), (600.0, 400.0), true);
    harness.run_steps(2);
    hover(&mut harness, 300.0, 200.0);
    let place = harness.state().response.hovered.unwrap();
    assert_eq!(place.x.fract(), 0.0, "a step: {}", place.x);
    assert!(harness.query_by_label_contains("step ").is_some());
    let index = place.x as usize;
    let shown = curves();
    let values: Vec<f64> = shown
        .axes()
        .flat_map(|axes| &axes.layers)
        .find_map(|layer| match layer {
            Layer::Line(line) => Some(line.y.to_vec()),
            _ => None,
        })
        .unwrap();
    let value = crate::figure::ticks::format_number(values[index], 4);
    assert!(harness.query_by_label(&value).is_some(), "{value}");
    testing::look(&mut harness, "plot hovered", true);
}

#[test]
fn a_series_is_hidden_through_the_legend() {
    let mut harness = harness(curves(), (600.0, 400.0), true);
    harness.run_steps(2);
    harness.get_by_label("Show validation").click();
    harness.run_steps(2);
    let seen = harness.state().view.as_seen(curves());
    let names: Vec<_> = seen
        .axes()
        .flat_map(|axes| &axes.layers)
        .filter_map(|layer| match layer {
            Layer::Line(line) => line.name.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["train"]);
    harness.get_by_label("Show validation").click();
    harness.run_steps(2);
    assert_eq!(
        harness
            .state()
            .view
            .as_seen(curves())
            .axes()
            .next()
            .unwrap()
            .layers
            .len(),
        3
    );
}

#[test]
fn wheel_drag_and_double_click_zoom_pan_and_fit() {
    let mut harness = harness(curves(), (600.0, 400.0), true);
    harness.run_steps(2);
    assert_eq!(harness.state().view.zoomed_x(0), None);
    hover(&mut harness, 300.0, 200.0);
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 100.0),
        modifiers: egui::Modifiers::NONE,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
    });
    harness.run_steps(6);
    let (low, high) = harness.state().view.zoomed_x(0).unwrap();
    assert!(low > 0.0 && high < 1499.0, "{low} {high}");
    testing::look(&mut harness, "plot zoomed", true);

    harness.drag_at(egui::pos2(300.0, 200.0));
    harness.run_steps(1);
    harness.hover_at(egui::pos2(360.0, 200.0));
    harness.run_steps(2);
    harness.drop_at(egui::pos2(360.0, 200.0));
    harness.run_steps(2);
    let (panned, _) = harness.state().view.zoomed_x(0).unwrap();
    assert!(panned < low - 1.0, "{panned} {low}");

    harness.state_mut().view.fit();
    harness.run_steps(2);
    assert_eq!(harness.state().view.zoomed_x(0), None);
}

#[test]
fn the_plot_says_what_it_shows() {
    let mut harness = harness(curves(), (600.0, 400.0), true);
    harness.run_steps(2);
    assert!(
        harness
            .query_by_label_contains("falls from 1.1 to 0.012")
            .is_some()
    );
}

#[test]
fn images_can_be_clicked_by_name() {
    let mut harness = harness(everything(), (760.0, 560.0), true);
    harness.state_mut().options.selectable_tiles = true;
    harness.run_steps(2);
    harness.get_by_label("filter 3").click();
    harness.step();
    assert_eq!(harness.state().response.tile_clicked, Some((3, 3)));
}

#[test]
fn the_vertical_axis_does_not_tremble() {
    let axes = Axes::new(Axis::new("x"), Axis::new("y"));
    let limits = |low, high| Limits {
        x: (0.0, 1.0),
        y: (low, high),
    };
    let before = limits(0.0, 10.0);
    assert_eq!(settled(&axes, before, limits(0.5, 9.6)), before);
    assert_eq!(settled(&axes, before, limits(0.0, 12.0)), limits(0.0, 12.0));
    assert_eq!(settled(&axes, before, limits(0.0, 4.0)), limits(0.0, 4.0));
}

#[test]
fn a_frame_in_which_nothing_changed_costs_little() {
    let mut harness = harness(landscape(Interpolation::Bilinear), (600.0, 400.0), true);
    harness.run_steps(3);
    let start = std::time::Instant::now();
    harness.run_steps(20);
    let each = start.elapsed().as_secs_f64() / 20.0;
    // Far more than it takes, so that a busy machine does not fail.
    assert!(each < 0.05, "{each}");
}
