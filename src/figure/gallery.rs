//! Sample figures for the tests, and a test that writes them all for looking
//! at: `cargo test --release --lib -- --ignored figure::gallery`.

use rand::Rng;

use super::contour::{contour_levels, contour_lines};
use super::*;
use crate::math::rng;

fn steps(n: usize) -> Vec<f64> {
    (0..n).map(|i| i as f64).collect()
}

fn noise(name: &str, n: usize) -> Vec<f64> {
    let mut stream = rng::stream(0, name);
    (0..n).map(|_| stream.random_range(-1.0..1.0)).collect()
}

/// Several runs on a logarithmic axis, a band, a spike, a break, a rule.
pub fn loss_curves() -> Figure {
    let n = 12_000;
    let x = steps(n);
    let mut axes = Axes::new(
        Axis::new("step").ticks(Ticks::Integers),
        Axis::log("loss").unit("nats"),
    )
    .titled("Training on two spirals");
    let optimizers = ["SGD", "Momentum", "Adam"];
    for (k, name) in optimizers.iter().enumerate() {
        let rate = 4e-4 * (k as f64 + 1.0);
        let noise = noise(name, n);
        let mean: Vec<f64> = x
            .iter()
            .map(|s| 0.7 * (-rate * s).exp() + 3e-3 / (k as f64 + 1.0))
            .collect();
        let mut y: Vec<f64> = mean
            .iter()
            .zip(&noise)
            .map(|(m, e)| m * (1.0 + 0.25 * e))
            .collect();
        if k == 2 {
            y[7_300] = 1.9;
            y[9_000..9_200].fill(f64::NAN);
        }
        if k == 0 {
            axes = axes.with(Band {
                x: x.clone().into(),
                lower: mean.iter().map(|m| m * 0.6).collect(),
                upper: mean.iter().map(|m| m * 1.6).collect(),
                ink: Ink::Series(0),
                name: Some("SGD".into()),
            });
        }
        axes = axes
            .with(Line::new(x.clone(), y).style(SeriesStyle::nth(k).raw()))
            .with(Line::new(x.clone(), mean).series(k).named(*name));
    }
    let axes = axes
        .with(Rule::vertical(6_000.0).labelled("η ÷ 10"))
        .noted("smoothed over raw; band: smallest and largest of 5 seeds · batch 32");
    Figure::single(axes)
        .titled("Loss against steps")
        .described("Three falling loss curves on a logarithmic axis.")
        .with_metadata("recipe", "[data]\nname = \"spirals\" # <&>\n")
        .with_metadata("seed", "0")
}

/// A loss with two basins, a wall and a valley.
fn terrain(a: f64, b: f64) -> f64 {
    let basin = |p: f64, q: f64, s: f64| ((a - p).powi(2) + (b - q).powi(2)) / s;
    let d = basin(0.0, 0.0, 0.4).min(basin(0.7, -0.35, 0.25) + 0.15);
    0.01 + d * (1.0 + 0.5 * (3.0 * a).sin() * (2.0 * b).cos())
}

/// The axes of a landscape: heat map, contours, path, colour bar.
pub fn landscape_axes(n: usize) -> Axes {
    let x: Vec<f64> = (0..n)
        .map(|i| -1.2 + 2.4 * i as f64 / (n - 1) as f64)
        .collect();
    let y: Vec<f64> = (0..n)
        .map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64)
        .collect();
    let values: Vec<f64> = y
        .iter()
        .flat_map(|&b| x.iter().map(move |&a| terrain(a, b)))
        .collect();
    let normalization = Normalization::spanning(Scale::Log10, &values);
    let color = ColorScale::new(Colormap::Viridis, normalization);
    let levels = contour_levels(Scale::Log10, normalization.limits, 8);
    let contours = Contours {
        levels: contour_lines(&x, &y, &values, &levels),
        width: 1.0,
        over: Some(color),
        labelled: true,
    };
    let path: Vec<[f64; 2]> = (0..80)
        .map(|i| {
            let t = i as f64 / 79.0;
            let r = 1.0 * (1.0 - t).powf(1.6);
            [
                -r * (0.8 + 0.3 * (9.0 * t).sin()),
                r * (0.75 + 0.2 * (14.0 * t).cos()),
            ]
        })
        .collect();
    Axes::new(Axis::new("α"), Axis::new("β"))
        .with(Heatmap::sampled(&x, &y, values, color))
        .with(contours)
        .with(
            Line::new(
                path.iter().map(|p| p[0]).collect::<Vec<_>>(),
                path.iter().map(|p| p[1]).collect::<Vec<_>>(),
            )
            .style(LineStyle::solid(Ink::Series(1)).cased())
            .named("training path"),
        )
        .with(Scatter {
            colors: ScatterColors::Uniform(Ink::Series(1)),
            size: 1.4,
            edged: true,
            name: Some("θ now".into()),
            ..Scatter::new(vec![path[79][0]], vec![path[79][1]])
        })
        .with_color_bar(ColorBar::new(color, "loss"))
        .equal_aspect()
}

/// A slice with everything on it.
pub fn landscape() -> Figure {
    let axes = landscape_axes(65)
        .titled("Filter-normalized slice at step 1284")
        .noted("plane error 0.02 · 65×65 · validation loss");
    Figure::single(axes).described("A loss landscape with two basins.")
}

/// Eigenvalues against steps with 2/η, and the spectrum at one step.
pub fn spectrum() -> Figure {
    let n = 60;
    let x: Vec<f64> = (0..n).map(|i| i as f64 * 20.0).collect();
    let mut top = Axes::new(
        Axis::new("step").ticks(Ticks::Integers),
        Axis::new("eigenvalue"),
    )
    .titled("Top eigenvalues of the Hessian");
    for k in 0..3 {
        let e = noise(&format!("λ{k}"), n);
        let y: Vec<f64> = x
            .iter()
            .zip(&e)
            .map(|(s, e)| {
                (20.0 - 4.0 * k as f64) * (1.0 - (-s / (200.0 + 150.0 * k as f64)).exp()) + 0.4 * e
            })
            .collect();
        let name = format!("λ{}", ticks::subscript(k + 1));
        let marker = SeriesStyle::nth(k).marker;
        top = top.with(Line::new(x.clone(), y).series(k).named(name).marked(marker));
    }
    let top = top.with(Rule::horizontal(20.0).labelled("2/η"));

    let density_x: Vec<f64> = (0..400).map(|i| -2.0 + i as f64 * 0.06).collect();
    let density: Vec<f64> = density_x
        .iter()
        .map(|l| {
            (-l * l / 0.3).exp()
                + [7.0, 12.0, 19.6]
                    .iter()
                    .map(|c| 2e-3 * (-(l - c) * (l - c) / 0.05).exp())
                    .sum::<f64>()
        })
        .collect();
    let density_axes = Axes::new(
        Axis::new("eigenvalue λ"),
        Axis::log("density").limits(1e-5, 2.0),
    )
    .titled("Spectral density at step 1180")
    .with(Line::new(density_x, density).named("density"))
    .with(Stems {
        x: vec![7.02, 12.1, 19.6].into(),
        y: vec![2e-3; 3].into(),
        baseline: 0.0,
        style: LineStyle::from(SeriesStyle::nth(1)).dashed(Dash::Solid),
        marker: Marker::Circle,
        name: Some("Lanczos eigenvalues".into()),
    })
    .with(Rule::vertical(20.0).labelled("2/η"))
    .noted("trace 61.3 ± 0.8 · 10 probes, 80 steps · largest residual 3×10⁻⁹");
    Figure::row([top, density_axes])
        .titled("Edge of stability")
        .described("Eigenvalues rise to 2/η.")
}

fn digit(k: usize) -> Raster {
    let pixels: Vec<f32> = (0..64)
        .map(|i| {
            let (x, y) = ((i % 8) as f32 - 3.5, (i / 8) as f32 - 3.5);
            let radius = (x * x + y * y).sqrt();
            let turn = (y.atan2(x) * (k as f32 % 4.0 + 1.0)).cos();
            (16.0 * (-(radius - 2.0 - turn).powi(2)).exp()).clamp(0.0, 16.0)
        })
        .collect();
    Raster::grey(8, 8, &pixels, 0.0, 16.0)
}

/// Digits with captions, one of them wrong, some with a saliency map.
pub fn mosaic() -> Figure {
    let saliency = ColorScale::new(Colormap::RdBu, Normalization::centred(1.0));
    let tiles = (0..20)
        .map(|k| {
            let tile = Tile::new(digit(k)).captioned(format!("{} → {}", k % 10, (k * 7) % 10));
            let tile = if k % 7 == 3 {
                tile.outlined(Ink::Accent)
            } else {
                tile
            };
            if k >= 15 {
                let values: Vec<f64> = (0..64)
                    .map(|i| ((i * (k + 3)) as f64 * 0.37).sin())
                    .collect();
                Tile {
                    image: Raster::from_values(8, 8, &values, &saliency),
                    ..tile
                }
            } else {
                tile
            }
        })
        .collect();
    Figure::row([Mosaic {
        title: Some("Samples, labels and predictions".into()),
        tiles,
        columns: None,
        color_bar: Some(ColorBar::new(saliency, "∂ logit / ∂ pixel")),
        note: Some("framed: wrong · validation accuracy 0.968".into()),
    }])
    .described("Twenty digits.")
}

/// Four panels, with named ticks, missing cells, classes, symlog and bars.
pub fn dashboard() -> Figure {
    let layers = [
        "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
    ];
    let (columns, rows) = (40, layers.len());
    let values: Vec<f64> = (0..columns * rows)
        .map(|k| {
            let (i, j) = (k % columns, k / columns);
            if j == 2 && (12..15).contains(&i) {
                f64::NAN
            } else {
                10f64.powf(-(j as f64) * 0.6 - i as f64 * 0.03 + 0.2 * (i as f64).sin())
            }
        })
        .collect();
    let color = ColorScale::new(Colormap::Magma, Normalization::log(1e-4, 1.0));
    let names = layers
        .iter()
        .enumerate()
        .map(|(j, name)| (j as f64, (*name).to_owned()))
        .collect();
    let bar = ColorBar::new(color, "‖g‖").over(&values);
    let norms = Axes::new(
        Axis::new("snapshot").ticks(Ticks::Integers),
        Axis::new("").ticks(Ticks::Named(names)),
    )
    .titled("Gradient norm by layer")
    .with(Heatmap::of_cells(columns, rows, values, color))
    .with_color_bar(bar);

    let mut stream = rng::stream(1, "gallery");
    let (mut px, mut py, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..240 {
        let t = (i / 2) as f64 / 120.0 * 9.0 + 0.6;
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        px.push(sign * t.cos() * t * 0.1 + stream.random_range(-0.02..0.02));
        py.push(sign * t.sin() * t * 0.1 + stream.random_range(-0.02..0.02));
        classes.push(i % 2);
    }
    let grid: Vec<f64> = (0..41).map(|i| -1.1 + i as f64 * 0.055).collect();
    let decision: Vec<f64> = grid
        .iter()
        .flat_map(|&b| {
            grid.iter()
                .map(move |&a| (10.0 * a.hypot(b) - b.atan2(a)).cos())
        })
        .collect();
    let decision_color = ColorScale::new(Colormap::RdBu, Normalization::centred(1.3));
    let data = Axes::new(Axis::new("x₁"), Axis::new("x₂"))
        .titled("Data and decision")
        .with(Heatmap {
            interpolation: Interpolation::Bilinear,
            ..Heatmap::sampled(&grid, &grid, decision, decision_color)
        })
        .with(Scatter {
            colors: ScatterColors::Classes {
                classes,
                names: vec!["class 0".into(), "class 1".into()],
            },
            size: 0.8,
            edged: true,
            ..Scatter::new(px, py)
        })
        .equal_aspect();

    let eigen: Vec<f64> = (0..40)
        .map(|i| {
            let v = 10f64.powf(1.5 - i as f64 * 0.25);
            if i % 3 == 2 { -0.1 * v } else { v }
        })
        .collect();
    let spectrum = Axes::new(
        Axis::new("index").ticks(Ticks::Integers),
        Axis::new("λ").scaled(Scale::SymLog {
            linear_threshold: 1e-3,
        }),
    )
    .titled("Eigenvalues of both signs")
    .with(Stems {
        x: steps(40).into(),
        y: eigen.into(),
        baseline: 0.0,
        style: LineStyle::from(SeriesStyle::nth(0)).width(0.8),
        marker: Marker::Circle,
        name: None,
    });

    let edges: Vec<f64> = (0..=30).map(|i| -3.0 + i as f64 * 0.2).collect();
    let heights: Vec<f64> = (0..30)
        .map(|i| 900.0 * (-((i as f64 - 14.5) / 5.0).powi(2)).exp())
        .collect();
    let histogram = Axes::new(Axis::new("weight"), Axis::new("count"))
        .titled("First layer")
        .with(Bars {
            edges: edges.into(),
            heights: heights.into(),
            baseline: 0.0,
            ink: Ink::Series(0),
            name: Some("step 1200".into()),
        })
        .with(Rule::vertical(0.35).labelled("mean + σ"))
        .with(Arrow {
            from: [2.0, 600.0],
            to: [1.0, 480.0],
            style: LineStyle::solid(Ink::Foreground),
            name: None,
        })
        .with(Text {
            x: 2.0,
            y: 620.0,
            text: "initialisation".into(),
            anchor: Anchor::Below,
            ink: Ink::Foreground,
        });
    Figure::grid([[norms, data], [spectrum, histogram]])
        .titled("A run at a glance")
        .described("Four panels.")
}

/// Every sample, by name.
pub fn all() -> Vec<(&'static str, Figure)> {
    vec![
        ("loss", loss_curves()),
        ("landscape", landscape()),
        ("spectrum", spectrum()),
        ("mosaic", mosaic()),
        ("dashboard", dashboard()),
    ]
}

/// Every picture can be drawn at every size on both papers. Where `LOSSCAPE_LOOK`
/// names a folder they are written there, for looking at.
#[test]
fn the_gallery_can_be_drawn() {
    let folder = std::env::var_os("LOSSCAPE_LOOK").map(std::path::PathBuf::from);
    for (name, figure) in all() {
        for (paper, theme) in [
            ("light", FigureTheme::light()),
            ("dark", FigureTheme::dark()),
        ] {
            for (size, width, height) in [
                ("small", 400.0, 300.0),
                ("medium", 720.0, 480.0),
                ("large", 1200.0, 800.0),
            ] {
                let options = SvgOptions::new(width, height).theme(theme.clone());
                let svg = svg::write(&figure, &options);
                assert!(
                    svg.ends_with("</svg>\n") || svg.ends_with("</svg>"),
                    "{name}"
                );
                let pixels = if size == "large" {
                    1200
                } else {
                    2 * width as u32
                };
                let bytes = png::write(&figure, &options, pixels).unwrap();
                if let Some(folder) = &folder {
                    std::fs::create_dir_all(folder).unwrap();
                    let stem = folder.join(format!("{name}-{paper}-{size}"));
                    std::fs::write(stem.with_extension("svg"), svg).unwrap();
                    std::fs::write(stem.with_extension("png"), bytes).unwrap();
                }
            }
        }
    }
}
