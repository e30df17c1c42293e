//! Whole figures: laid out, written, read back, drawn.

use resvg::usvg::{self, roxmltree};

use super::layout::{FigureLayout, TextBox};
use super::*;

const SIZES: [(f64, f64); 6] = [
    (400.0, 300.0),
    (300.0, 400.0),
    (720.0, 480.0),
    (480.0, 720.0),
    (1200.0, 800.0),
    (1600.0, 500.0),
];

fn overlaps(layout: &FigureLayout) -> Vec<(String, String)> {
    let texts: Vec<&TextBox> = layout.texts().filter(|t| !t.text.is_empty()).collect();
    let mut found = Vec::new();
    for (i, a) in texts.iter().enumerate() {
        for b in &texts[i + 1..] {
            // Turned contour labels have larger bounds than ink.
            let slanted = |t: &TextBox| t.angle % 90.0 != 0.0;
            if !slanted(a) && !slanted(b) && a.bounds().overlaps(&b.bounds()) {
                found.push((a.text.clone(), b.text.clone()));
            }
        }
    }
    found
}

#[test]
fn no_label_overlaps_another_or_is_cut_off() {
    for (name, figure) in gallery::all() {
        for (width, height) in SIZES {
            for scale in [1.0, 1.5] {
                if scale > 1.0 && width.min(height) < 480.0 {
                    continue;
                }
                let theme = FigureTheme::light().scaled(scale);
                let layout = FigureLayout::new(&figure, width, height, &theme);
                let at = format!("{name} at {width}×{height}, text ×{scale}");
                assert_eq!(overlaps(&layout), [], "{at}");
                for text in layout.texts() {
                    let b = text.bounds();
                    assert!(
                        b.x >= 0.0 && b.y >= 0.0 && b.right() <= width && b.bottom() <= height,
                        "{at}: {:?} {b:?}",
                        text.text
                    );
                }
                for panel in &layout.panels {
                    assert!(panel.plot.width > 20.0 && panel.plot.height > 20.0, "{at}");
                    for text in &panel.texts {
                        assert!(
                            !text.bounds().overlaps(&panel.plot.grown(-0.5))
                                || panel.mosaic.is_some(),
                            "{at}: {:?} over the plot",
                            text.text
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn tiny_canvases_do_not_panic() {
    for (_, figure) in gallery::all() {
        for (width, height) in [(1.0, 1.0), (40.0, 30.0), (90.0, 300.0), (0.0, f64::NAN)] {
            let svg = svg::write(&figure, &SvgOptions::new(width, height));
            assert!(roxmltree::Document::parse(&svg).is_ok());
        }
    }
}

#[test]
fn svg_is_valid_and_says_its_text() {
    for (name, figure) in gallery::all() {
        let svg = svg::write(&figure, &SvgOptions::default());
        let document = roxmltree::Document::parse(&svg).unwrap();
        let written: Vec<&str> = document
            .descendants()
            .filter(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "text")))
            .filter_map(|n| n.text())
            .collect();
        let layout = SvgOptions::default().layout(&figure);
        let wanted: Vec<&str> = layout.texts().map(|t| t.text.as_str()).collect();
        for text in wanted.iter().filter(|t| !t.is_empty()) {
            assert!(written.contains(text), "{name}: {text:?} is missing");
        }
        for axes in figure.axes() {
            for label in [axes.x.full_label(), axes.y.full_label()] {
                assert!(
                    label.is_empty() || written.contains(&&*label),
                    "{name}: {label}"
                );
            }
        }
        let described = document.descendants().any(|n| {
            n.tag_name().name() == "desc" && n.text() == Some(figure.description.as_str())
        });
        assert!(described, "{name}");
        assert!(usvg::Tree::from_str(&svg, &png::usvg_options()).is_ok());
        assert!(!svg.contains("NaN") || name == "dashboard" && !svg.contains("\"NaN"));
    }
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    for (name, figure) in gallery::all() {
        let options = SvgOptions::default();
        assert_eq!(
            svg::write(&figure, &options),
            svg::write(&figure.clone(), &options),
            "{name}"
        );
    }
}

#[test]
fn every_character_has_a_glyph() {
    for (name, figure) in gallery::all() {
        for text in SvgOptions::default().layout(&figure).texts() {
            for c in text.text.chars() {
                assert!(fonts::has_glyph(c), "{name}: {c:?} in {:?}", text.text);
            }
        }
    }
}

/// Widths that the layout assumes against those that the shaper finds.
#[test]
fn measured_widths_are_those_of_the_renderer() {
    for (text, weight) in [
        ("Loss against steps 0123456789", 600),
        ("eigenvalue λ₁ ‖g‖ 10⁻³ −0.25", 400),
    ] {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='99'>\
             <text x='10' y='50' font-family='Inter' font-weight='{weight}' font-size='20'>{text}</text></svg>"
        );
        let tree = usvg::Tree::from_str(&svg, &png::usvg_options()).unwrap();
        let drawn = f64::from(tree.root().bounding_box().width());
        let weight = if weight == 600 {
            fonts::Weight::SemiBold
        } else {
            fonts::Weight::Regular
        };
        let measured = fonts::width(text, 20.0, weight);
        assert!(
            (drawn - measured).abs() < 0.03 * measured,
            "{drawn} {measured}"
        );
    }
}

#[test]
fn metadata_survives_svg_and_png() {
    let recipe = "# a < b & c > d \"quoted\"\r\n\n[optimizer]\n\tη = 0.2 # ∇ ‖g‖\n";
    let figure = gallery::landscape()
        .titled("λ")
        .with_metadata("recipe", recipe)
        .with_metadata("seed", "42")
        .with_metadata("version", "0.1.0");
    let options = SvgOptions::new(300.0, 200.0);
    let svg = svg::write(&figure, &options).into_bytes();
    let png = png::write(&figure, &options, 300).unwrap();
    for bytes in [svg, png] {
        assert_eq!(read_embedded_metadata(&bytes).unwrap(), figure.metadata);
        assert_eq!(
            read_embedded_recipe(&bytes).unwrap().as_deref(),
            Some(recipe)
        );
    }
    let bare = png::write(&gallery::mosaic(), &options, 100).unwrap();
    assert_eq!(read_embedded_recipe(&bare).unwrap(), None);
    for damaged in [
        &b"plain text"[..],
        b"\x89PNG\r\n\x1a\nrubbish",
        b"<svg",
        b"<html/>",
        b"\xff\xfe",
    ] {
        assert!(read_embedded_recipe(damaged).is_err());
    }
}

/// A 3 × 2 heat map with a different value in every cell.
fn cells(interpolation: Interpolation) -> (Figure, Vec<f64>, ColorScale) {
    let values = vec![0.0, 1.0, 2.0, 3.0, f64::NAN, 5.0];
    let color = ColorScale::new(Colormap::Viridis, Normalization::linear(0.0, 5.0));
    let mut map = Heatmap::of_cells(3, 2, values.clone(), color);
    map.interpolation = interpolation;
    let axes = Axes::new(Axis::new("i"), Axis::new("j")).with(map);
    (Figure::single(axes), values, color)
}

#[test]
fn heat_map_cells_are_drawn_where_they_belong() {
    let options = SvgOptions::new(300.0, 220.0);
    for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
        let (figure, values, color) = cells(interpolation);
        let picture = png::rasterize(&figure, &options, 600).unwrap();
        let view = options.layout(&figure).panels[0].view;
        for (k, &value) in values.iter().enumerate() {
            let (i, j) = (k % 3, k / 3);
            let [x, y] = view.pixel(i as f64, j as f64);
            let found = picture.pixel((2.0 * x).round() as usize, (2.0 * y).round() as usize);
            if value.is_nan() {
                let theme = FigureTheme::light();
                let grey = found[0] == found[1] && found[1] == found[2];
                assert!(
                    grey && found != theme.background,
                    "missing cells are hatched"
                );
            } else {
                let wanted = color.rgba(value);
                let close = found.iter().zip(wanted).all(|(&a, b)| a.abs_diff(b) <= 3);
                assert!(close, "cell ({i}, {j}): {found:?}, wanted {wanted:?}");
            }
        }
    }
}

#[test]
fn uneven_and_logarithmic_cells_keep_their_edges() {
    let color = ColorScale::new(Colormap::Greys, Normalization::linear(0.0, 2.0));
    let axes = Axes::new(Axis::log("step"), Axis::new("row")).with(Heatmap {
        x_edges: vec![1.0, 10.0, 1000.0].into(),
        y_edges: vec![0.0, 1.0].into(),
        values: vec![0.0, 1.0].into(),
        color,
        interpolation: Interpolation::Nearest,
    });
    let figure = Figure::single(axes);
    let options = SvgOptions::new(300.0, 200.0);
    let picture = png::rasterize(&figure, &options, 600).unwrap();
    let view = options.layout(&figure).panels[0].view;
    for (x, grey) in [(8.0, 0), (12.0, 128), (900.0, 128)] {
        let [px, py] = view.pixel(x, 0.5);
        let found = picture.pixel((2.0 * px) as usize, (2.0 * py) as usize);
        assert_eq!(found, [grey, grey, grey, 255], "at {x}");
    }
}

#[test]
fn lines_break_where_there_is_no_value() {
    let axes = Axes::new(Axis::new("x"), Axis::new("y")).with(Line::new(
        vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        vec![1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 2.0, 1.0],
    ));
    let svg = svg::write(&Figure::single(axes), &SvgOptions::default());
    let document = roxmltree::Document::parse(&svg).unwrap();
    let stroke = "#0072b2";
    let line = document
        .descendants()
        .find(|n| n.attribute("stroke") == Some(stroke))
        .unwrap();
    let commands = line.attribute("d").unwrap();
    assert_eq!(commands.matches('M').count(), 3, "{commands}");
    // The lone point between two breaks is a dot.
    assert!(
        document
            .descendants()
            .any(|n| n.attribute("fill") == Some(stroke))
    );
}

#[test]
fn legends_join_layers_of_one_name() {
    let figure = gallery::loss_curves();
    let axes = figure.axes().next().unwrap();
    let entries = layout::legend_entries(axes);
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["SGD", "Momentum", "Adam"]);
    assert_eq!(entries[0].keys.len(), 2);
}

#[test]
fn plots_of_a_row_share_their_edges() {
    let layout = SvgOptions::default().layout(&gallery::spectrum());
    let [a, b] = [&layout.panels[0].plot, &layout.panels[1].plot];
    assert_eq!((a.y, a.bottom()), (b.y, b.bottom()));
}

#[test]
fn equal_aspect_has_equal_units() {
    for (width, height) in SIZES {
        let layout = SvgOptions::new(width, height).layout(&gallery::landscape());
        let view = layout.panels[0].view;
        let unit_x = view.x.pixel(1.0) - view.x.pixel(0.0);
        let unit_y = view.y.pixel(0.0) - view.y.pixel(1.0);
        assert!((unit_x / unit_y - 1.0).abs() < 0.02, "{unit_x} {unit_y}");
    }
}

#[test]
fn oversized_images_are_refused() {
    let (figure, _, _) = cells(Interpolation::Nearest);
    let options = SvgOptions::new(300.0, 220.0);
    for width in [0, png::LARGEST + 1] {
        assert!(matches!(
            png::write(&figure, &options, width),
            Err(png::RasterError::Size { .. })
        ));
    }
}

#[test]
fn figures_serialize() {
    for (_, figure) in gallery::all() {
        let json = serde_json::to_value(&figure).unwrap();
        assert!(json["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
    }
}

#[test]
fn a_small_figure_in_full() {
    let color = ColorScale::new(Colormap::Cividis, Normalization::linear(0.0, 1.0));
    let left = Axes::new(Axis::new("step").ticks(Ticks::Integers), Axis::log("loss"))
        .titled("Curve")
        .with(Line::new(vec![0.0, 5.0, 10.0], vec![1.0, 0.1, 0.02]).named("train"))
        .with(Rule::vertical(5.0).labelled("2/η"))
        .noted("seed 0");
    let right = Axes::new(Axis::new("α"), Axis::new("β"))
        .with(Heatmap::of_cells(
            2,
            2,
            vec![0.0, 0.3, f64::NAN, 1.0],
            color,
        ))
        .with_color_bar(ColorBar::new(color, "loss"))
        .equal_aspect();
    let figure = Figure::row([left, right])
        .titled("Small & <exact>")
        .described("A curve and four cells.")
        .with_metadata("recipe", "seed = 0\n");
    insta::assert_snapshot!(svg::write(&figure, &SvgOptions::new(400.0, 220.0)));
}
