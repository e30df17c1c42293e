use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use eframe::egui::{self, Key as EguiKey, Modifiers, Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::model::Model;
use super::renderer::{Drawing, Quality};
use super::scene::tests::{axes, scene};
use super::*;
use crate::app::plot::testing;
use crate::figure::{Layer, Raster};

const SIZE: [u32; 2] = [360, 260];

/// The device of the tests, one for all, used by one at a time.
fn gpu() -> (MutexGuard<'static, ()>, &'static Gpu) {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let gpu = GPU.get_or_init(|| Gpu::new(&testing::render_state()));
    (alone, gpu)
}

fn viewport(theme: &FigureTheme) -> Viewport {
    let size = SIZE.map(|side| side as f32);
    Viewport {
        size,
        margins: margins(theme, size),
    }
}

/// Draws a scene and reads the picture.
fn picture(scene: &Arc<Scene>, camera: Camera, quality: Quality) -> Raster {
    let (_alone, gpu) = gpu();
    let theme = FigureTheme::dark();
    let viewport = viewport(&theme);
    let view = camera.projection(&scene.extents(), &viewport);
    let renderer = gpu.renderer();
    let canvas = renderer.canvas(SIZE, quality);
    let drawing = Drawing {
        scene,
        view: &view,
        around: &surroundings(scene, &view, &viewport, &theme),
        marks: &[],
        theme: &theme,
        pixels_per_point: 1.0,
        quality,
    };
    renderer.draw(&drawing, &mut Model::new(renderer), &canvas);
    let raster = renderer.read(&canvas).expect("a picture");
    if let Ok(folder) = std::env::var("LOSSCAPE_LOOK") {
        let name = std::thread::current()
            .name()
            .unwrap_or("surface")
            .replace(':', "_");
        let path = std::path::Path::new(&folder).join(format!("{name} {quality:?}.png"));
        let (w, h) = (raster.width as u32, raster.height as u32);
        let image = image::RgbaImage::from_raw(w, h, raster.rgba.to_vec());
        image
            .unwrap()
            .save(path)
            .expect("the folder of LOSSCAPE_LOOK");
    }
    raster
}

fn projected(scene: &Scene, camera: Camera, place: Vec3) -> [f32; 2] {
    let theme = FigureTheme::dark();
    let view = camera.projection(&scene.extents(), &viewport(&theme));
    view.project(place).0
}

/// The pixel at a place of the screen.
fn pixel(raster: &Raster, [x, y]: [f32; 2]) -> [u8; 4] {
    raster.pixel(x.round() as usize, y.round() as usize)
}

/// How many pixels near a place are about this colour.
fn like(raster: &Raster, [x, y]: [f32; 2], reach: i32, color: [u8; 4]) -> usize {
    let (x, y) = (x.round() as i32, y.round() as i32);
    let mut count = 0;
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let (x, y) = (x + dx, y + dy);
            if x < 0 || y < 0 || x >= raster.width as i32 || y >= raster.height as i32 {
                continue;
            }
            let found = raster.pixel(x as usize, y as usize);
            let near = (0..3).all(|k| found[k].abs_diff(color[k]) < 85);
            count += usize::from(near && found[3] > 128);
        }
    }
    count
}

fn covered(raster: &Raster) -> usize {
    raster.rgba.chunks_exact(4).filter(|p| p[3] == 255).count()
}

#[test]
fn a_bowl_is_seen() {
    let bowl = Arc::new(scene(33, |a, b| a * a + b * b));
    for quality in [Quality::Draft, Quality::Fine] {
        let raster = picture(&bowl, Camera::default(), quality);
        assert_eq!((raster.width, raster.height), (360, 260));
        let part = covered(&raster) as f64 / f64::from(SIZE[0] * SIZE[1]);
        assert!((0.15..0.8).contains(&part), "{part}");
        let mut colors: Vec<[u8; 4]> = raster
            .rgba
            .chunks_exact(4)
            .map(|p| [p[0], p[1], p[2], p[3]])
            .collect();
        colors.sort_unstable();
        colors.dedup();
        assert!(colors.len() > 300, "{} colours", colors.len());
    }
}

#[test]
fn another_side_is_another_picture_and_the_same_side_the_same() {
    let hills = Arc::new(scene(33, |a, b| (3.0 * a).sin() + b));
    let from = |azimuth: f32| {
        let camera = Camera {
            azimuth,
            ..Camera::default()
        };
        picture(&hills, camera, Quality::Fine)
    };
    let (first, again, turned) = (from(0.5), from(0.5), from(1.9));
    assert_eq!(first.rgba, again.rgba);
    let differ = first
        .rgba
        .chunks_exact(4)
        .zip(turned.rgba.chunks_exact(4))
        .filter(|(a, b)| a != b)
        .count();
    assert!(differ > 9000, "{differ}");
}

#[test]
fn level_ground_has_the_colour_of_the_map() {
    // Level but for its edge, which makes the scale.
    let ground = Arc::new(scene(41, |a, b| {
        if a.hypot(b) < 1.2 { 1.0 } else { 2.0 * a.abs() }
    }));
    let mut scene = (*ground).clone();
    scene.lines.clear();
    scene.points.clear();
    let scene = Arc::new(scene);
    let expected = scene.color.map.at(scene.color.normalization.fraction(1.0));
    let raster = picture(&scene, Camera::top(), Quality::Fine);
    let place = scene.on_surface(0.3, -0.3).unwrap();
    let [r, g, b, opacity] = pixel(&raster, projected(&scene, Camera::top(), place));
    assert_eq!(opacity, 255);
    for (found, expected) in [r, g, b].into_iter().zip(expected) {
        assert!(found.abs_diff(expected) <= 12, "{r} {g} {b}: {expected:?}");
    }
}

#[test]
fn a_hole_shows_what_is_behind() {
    let hole = |a: f64, b: f64| a.abs() < 0.3 && b.abs() < 0.3;
    let with = Arc::new(scene(41, |a, b| if hole(a, b) { f64::NAN } else { a + b }));
    let without = Arc::new(scene(41, |a, b| a + b));
    let camera = Camera::top();
    let middle = projected(&with, camera, vec3_of(&without, 0.02, 0.03));
    let beside = projected(&with, camera, vec3_of(&without, 0.55, -0.55));
    let (with, without) = (
        picture(&with, camera, Quality::Fine),
        picture(&without, camera, Quality::Fine),
    );
    assert!(pixel(&with, middle)[3] < 128, "{:?}", pixel(&with, middle));
    assert_eq!(pixel(&without, middle)[3], 255);
    assert_eq!(pixel(&with, beside)[3], 255);
    // Coarse triangles do not fill it either.
    let large = |a: f64, b: f64| if hole(a, b) { f64::NAN } else { a + b };
    let draft = picture(&Arc::new(scene(257, large)), camera, Quality::Draft);
    assert!(pixel(&draft, middle)[3] < 128);
}

fn vec3_of(scene: &Scene, alpha: f64, beta: f64) -> Vec3 {
    scene.on_surface(alpha, beta).unwrap()
}

#[test]
fn a_ridge_hides_the_ball_behind_it() {
    let mut ridge = scene(65, |_, b| (-40.0 * (b + 0.5) * (b + 0.5)).exp());
    ridge.lines.clear();
    ridge.points[0].at = vec3_of(&ridge, 0.0, 0.0);
    let ball = ridge.points[0].at;
    let ridge = Arc::new(ridge);
    let from = |azimuth: f32| Camera {
        azimuth,
        elevation: 0.25,
        ..Camera::default()
    };
    let accent = FigureTheme::dark().accent;
    let seen = |camera: Camera| {
        let raster = picture(&ridge, camera, Quality::Fine);
        like(&raster, projected(&ridge, camera, ball), 5, accent)
    };
    // From the front the ridge at β = −½ lies between; from the back nothing.
    let (hidden, visible) = (seen(from(0.0)), seen(from(std::f32::consts::PI - 1e-3)));
    assert_eq!(hidden, 0);
    assert!(visible > 20, "{visible}");
}

#[test]
fn the_path_lies_on_the_surface() {
    let mut bowl = scene(33, |a, b| a * a + b * b);
    bowl.points.clear();
    let camera = Camera {
        elevation: 1.0,
        ..Camera::default()
    };
    let middle = bowl.lines[0].pieces[4][0];
    let at = projected(&bowl, camera, middle);
    let foreground = FigureTheme::dark().foreground;
    let with = picture(&Arc::new(bowl.clone()), camera, Quality::Fine);
    assert!(like(&with, at, 2, foreground) >= 2);
    bowl.lines.clear();
    let without = picture(&Arc::new(bowl), camera, Quality::Fine);
    assert_eq!(like(&without, at, 2, foreground), 0);
}

#[test]
fn contour_lines_are_drawn_at_their_levels() {
    let mut ramp = scene(33, |a, _| a);
    ramp.lines.clear();
    ramp.points.clear();
    ramp.levels = vec![0.75];
    let camera = Camera::top();
    let on = projected(&ramp, camera, vec3_of(&ramp, 0.5, 0.2));
    let off = projected(&ramp, camera, vec3_of(&ramp, 0.3, 0.2));
    let with = picture(&Arc::new(ramp.clone()), camera, Quality::Fine);
    ramp.levels.clear();
    let without = picture(&Arc::new(ramp), camera, Quality::Fine);
    let differs = |at: [f32; 2]| {
        let (a, b) = (pixel(&with, at), pixel(&without, at));
        (0..3).map(|k| u32::from(a[k].abs_diff(b[k]))).sum::<u32>()
    };
    assert!(differs(on) > 30, "{}", differs(on));
    assert_eq!(differs(off), 0);
}

/// A window with nothing but a surface.
struct Bench {
    view: SurfaceView,
    figure: Arc<Figure>,
    ball: Option<[f64; 2]>,
    found: Option<SurfaceResponse>,
    slides: Vec<Slide>,
    /// The room that it had.
    room: Vec2,
}

fn harness(size: (f32, f32), dark: bool) -> Harness<'static, Bench> {
    let figure = Figure::single(axes(33, |a, b| a * a + 0.6 * b * b + 0.2 * (4.0 * a).sin()))
        .described("A bowl.");
    let bench = Bench {
        view: SurfaceView::default(),
        figure: Arc::new(figure),
        ball: None,
        found: None,
        slides: Vec::new(),
        room: Vec2::ZERO,
    };
    testing::harness(size, dark)
        .with_step_dt(1.0 / 20.0)
        .build_ui_state(
            |ui, bench: &mut Bench| {
                let area = ui.available_rect_before_wrap();
                let paper = Palette::of(ui.visuals()).paper;
                ui.painter().rect_filled(area.expand(50.0), 0.0, paper);
                bench.view.set_figure(&bench.figure, 8);
                let path = [[-0.8, 0.6], [-0.4, 0.1], [0.0, 0.0]];
                let id = Id::unique("surface");
                bench.room = ui.available_size();
                bench.found = bench.view.show(ui, id, &path, &[[-0.4, 0.1]], bench.ball);
                bench
                    .slides
                    .extend(bench.found.and_then(|found| found.dragged));
            },
            bench,
        )
}

fn surface<'a>(harness: &'a Harness<'static, Bench>) -> egui_kittest::Node<'a> {
    harness
        .query_all_by_label_contains("Loss surface. A bowl.")
        .find(|node| node.accesskit_node().role() == Role::Image)
        .expect("a named picture")
}

#[test]
fn pictures_are_drawn_only_when_something_changes() {
    let (_alone, _) = gpu();
    let mut harness = harness((480.0, 340.0), true);
    harness.run_steps(20);
    let before = harness.state().view.drawn();
    assert!((1..=3).contains(&before), "{before}");
    harness.run_steps(10);
    assert_eq!(harness.state().view.drawn(), before);
    let at = egui::pos2(240.0, 170.0);
    harness.drag_at(at);
    harness.step();
    harness.hover_at(at + vec2(40.0, 12.0));
    harness.step();
    harness.drop_at(at + vec2(40.0, 12.0));
    harness.run_steps(10);
    let view = &harness.state().view;
    assert!(view.drawn() > before);
    assert!(view.camera.azimuth < Camera::default().azimuth - 0.1);
    assert!(view.camera.elevation > Camera::default().elevation);
}

#[test]
fn keys_wheel_and_buttons_move_the_view() {
    let (_alone, _) = gpu();
    let mut harness = harness((520.0, 360.0), false);
    harness.run_steps(3);
    surface(&harness).click();
    harness.run_steps(3);
    let camera = |harness: &Harness<'static, Bench>| harness.state().view.camera;
    let start = camera(&harness);
    harness.key_press(EguiKey::ArrowRight);
    harness.run_steps(2);
    assert!(camera(&harness).azimuth < start.azimuth);
    harness.key_press(EguiKey::ArrowUp);
    harness.run_steps(2);
    assert!(camera(&harness).elevation < start.elevation);
    harness.key_press_modifiers(Modifiers::SHIFT, EguiKey::ArrowLeft);
    harness.run_steps(2);
    assert!(camera(&harness).target != start.target);
    harness.key_press(EguiKey::Plus);
    harness.run_steps(2);
    assert!(camera(&harness).zoom > 1.1);
    harness.key_press(EguiKey::Num0);
    harness.run_steps(2);
    assert_eq!(camera(&harness), start);

    harness.hover_at(egui::pos2(260.0, 200.0));
    harness.step();
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, 60.0),
        modifiers: Modifiers::NONE,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
    });
    harness.run_steps(12);
    assert!(camera(&harness).zoom > 1.05, "{}", camera(&harness).zoom);
    harness.get_by_label("Reset view").click();
    harness.run_steps(3);
    assert_eq!(camera(&harness), start);
    for (label, expected) in [
        ("View: Top", Camera::top()),
        ("View: Front", Camera::front()),
        ("View: Perspective", Camera::default()),
    ] {
        harness.get_by_label(label).click();
        harness.run_steps(3);
        assert_eq!(camera(&harness), expected, "{label}");
        testing::look(&mut harness, &format!("surface {label}"), false);
    }
}

#[test]
fn the_pointer_finds_places_of_the_path() {
    let (_alone, _) = gpu();
    let mut harness = harness((480.0, 340.0), true);
    harness.state_mut().view.look_from(Standpoint::Top);
    harness.run_steps(3);
    let scene = harness.state().view.scene.clone().unwrap();
    let place = scene.on_surface(-0.4, 0.1).unwrap();
    let node = surface(&harness).rect();
    let theme = crate::app::theme::figure_theme(&harness.ctx.global_style().visuals);
    let shell = Shell::new(&scene, harness.state().room, &theme, &Camera::top());
    let view = Camera::top().projection(&scene.extents(), &shell.viewport);
    harness.hover_at(node.min + Vec2::from(view.project(place).0));
    harness.run_steps(3);
    let found = harness.state().found.expect("it is shown");
    assert_eq!(found.hovered, Some(1));
}

#[test]
fn the_ball_slides_over_the_surface_and_the_view_stays() {
    let (_alone, _) = gpu();
    let mut harness = harness((480.0, 340.0), true);
    harness.run_steps(3);
    let scene = harness.state().view.scene.clone().unwrap();
    let node = surface(&harness).rect();
    let theme = crate::app::theme::figure_theme(&harness.ctx.global_style().visuals);
    let camera = harness.state().view.camera;
    let shell = Shell::new(&scene, harness.state().room, &theme, &camera);
    let view = camera.projection(&scene.extents(), &shell.viewport);
    let at = |alpha, beta| {
        let place = scene.on_surface(alpha, beta).unwrap();
        node.min + Vec2::from(view.project(place).0)
    };
    let slide = |harness: &mut Harness<'static, Bench>| {
        harness.drag_at(at(0.0, 0.0));
        harness.step();
        harness.hover_at(at(0.3, 0.1));
        harness.step();
        harness.hover_at(at(0.5, -0.2));
        harness.step();
        harness.drop_at(at(0.5, -0.2));
        harness.run_steps(3);
    };
    harness.state_mut().ball = Some([0.0, 0.0]);
    slide(&mut harness);
    assert_eq!(harness.state().view.camera, camera);
    let slides = std::mem::take(&mut harness.state_mut().slides);
    let (last, before) = slides.split_last().expect("the ball was dragged");
    assert!(last.released && before.iter().all(|slide| !slide.released));
    let off = (last.to[0] - 0.5).hypot(last.to[1] + 0.2);
    assert!(off < 0.1, "{:?}", last.to);
    // Without a ball there, the same drag turns the view.
    harness.state_mut().ball = Some([-0.9, -0.9]);
    slide(&mut harness);
    assert!(harness.state().slides.is_empty());
    assert!(harness.state().view.camera != camera);
}

#[test]
fn it_is_legible_large_and_small_in_both_themes() {
    let (_alone, _) = gpu();
    for (name, size) in [("large", (860.0, 620.0)), ("small", (300.0, 200.0))] {
        for dark in [true, false] {
            let mut harness = harness(size, dark);
            harness.run_steps(12);
            assert!(surface(&harness).rect().width() > 200.0);
            testing::look(&mut harness, &format!("surface {name}"), dark);
        }
    }
}

#[test]
fn without_a_device_nothing_is_shown() {
    let mut view = SurfaceView::default();
    let figure = Arc::new(Figure::single(axes(5, |a, _| a)));
    let mut shown = true;
    let context = Context::default();
    let _ = crate::app::testing::frame(&context, egui::RawInput::default(), |ui| {
        view.set_figure(&figure, 3);
        shown = view
            .show(ui, Id::unique("surface"), &[], &[], None)
            .is_some();
    });
    assert!(!shown);
    assert!(view.shot().is_none());
}

#[test]
fn a_shot_is_a_figure_with_texts_as_texts() {
    let (_alone, gpu) = gpu();
    let shot = Shot {
        gpu: gpu.clone(),
        scene: Arc::new(scene(17, |a, b| a * a + b * b)),
        camera: Camera::default(),
    };
    let plane = Figure::default()
        .titled("Landscape")
        .with_metadata("recipe", "seed = 1");
    let theme = FigureTheme::light();
    let figure = shot.figure(plane, [480.0, 320.0], &theme, 2.0).unwrap();
    assert_eq!(figure.title.as_deref(), Some("Landscape"));
    assert!(figure.metadata.contains_key("recipe"));
    let axes = figure.axes().next().unwrap();
    let Layer::Image(image) = &axes.layers[0] else {
        panic!("the picture comes first");
    };
    assert!(image.raster.width > 800 && image.raster.height > 400);
    let texts: Vec<&str> = axes
        .layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    assert!(texts.contains(&"training loss"), "{texts:?}");
    assert!(texts.contains(&"α (filter norms)"), "{texts:?}");
    let options = crate::figure::SvgOptions::new(480.0, 320.0).theme(theme);
    let svg = crate::figure::svg::write(&figure, &options);
    assert!(svg.contains("training loss"));
    if let Ok(folder) = std::env::var("LOSSCAPE_LOOK") {
        let bytes = crate::figure::png::write(&figure, &options, 960).unwrap();
        std::fs::write(std::path::Path::new(&folder).join("shot.png"), bytes).unwrap();
    }
}
