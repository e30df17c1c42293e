//! The small pictures of a recipe's sections and of the gallery's cards: the
//! data, a sketch of the network, the shapes of loss, schedule and first
//! parameters.
//!
//! Data are made on a thread of their own and come when they are ready; the
//! sketches follow from the recipe alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use eframe::egui;
use egui::{
    Color32, ColorImage, Context, Rect, Shape, TextureHandle, TextureOptions, Ui, Vec2, pos2, vec2,
};

use super::super::theme::{self, Palette};
use super::super::workspace::Workspace;
use super::sketches::{self, bars, curve, density, label, network, plane, spectrum};
use crate::data::{self, Dataset, InputShape, Targets};
use crate::recipe::{Component, Recipe, Section};
use crate::train::schedules;

/// How many samples a picture shows at most.
const POINTS: usize = 240;
/// How many images a picture shows at most.
const IMAGES: usize = 8;
/// How many finished pictures are kept.
const KEPT: usize = 96;

/// What identifies the picture of a data set.
type Key = String;

/// The picture of a data set, coordinates from 0 to 1, y upwards.
#[derive(Clone, Debug, PartialEq)]
pub enum DataPicture {
    /// Points of classes.
    Points(Vec<([f32; 2], u32)>),
    /// Points of a function.
    Function(Vec<[f32; 2]>),
    /// Grey images: width, height and brightness from 0 to 1, row by row.
    Images {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// The images.
        images: Vec<Vec<f32>>,
    },
    /// It cannot be made; why, in a sentence.
    Failed(String),
}

impl DataPicture {
    /// The picture of the data that a recipe's section describes.
    pub fn of(component: &Component, seed: u64, base_dir: &Path) -> Self {
        match data::prepare(component, seed, base_dir) {
            Ok(prepared) => Self::of_dataset(&prepared.train),
            Err(error) => Self::Failed(error.to_string()),
        }
    }

    /// The picture of a data set.
    pub fn of_dataset(dataset: &Dataset) -> Self {
        if dataset.is_empty() {
            return Self::Failed("There is no sample".to_owned());
        }
        let stride = dataset.len().div_ceil(POINTS).max(1);
        let chosen = || (0..dataset.len()).step_by(stride);
        match (&dataset.targets, dataset.shape) {
            (
                _,
                InputShape::Image {
                    channels,
                    height,
                    width,
                },
            ) => Self::images(dataset, channels, height, width),
            (Targets::Classes { labels, .. }, InputShape::Vector(_)) => {
                let points = scaled(chosen().map(|index| {
                    let input = dataset.input(index);
                    [
                        input.first().copied().unwrap_or(0.0),
                        input.get(1).copied().unwrap_or(0.0),
                    ]
                }));
                let classes = chosen().map(|index| labels.get(index).copied().unwrap_or(0));
                Self::Points(points.into_iter().zip(classes).collect())
            }
            (Targets::Values { values, dims }, InputShape::Vector(_)) => {
                let mut points = scaled(chosen().map(|index| {
                    [
                        dataset.input(index).first().copied().unwrap_or(0.0),
                        values.get(index * dims).copied().unwrap_or(0.0),
                    ]
                }));
                points.sort_by(|first, second| first[0].total_cmp(&second[0]));
                Self::Function(points)
            }
        }
    }

    fn images(dataset: &Dataset, channels: usize, height: usize, width: usize) -> Self {
        let size = width * height;
        let stride = (dataset.len() / IMAGES).max(1);
        let images = (0..dataset.len())
            .step_by(stride)
            .take(IMAGES)
            .map(|index| {
                let input = dataset.input(index);
                let grey: Vec<f64> = (0..size)
                    .map(|pixel| {
                        (0..channels)
                            .map(|channel| {
                                input.get(channel * size + pixel).copied().unwrap_or(0.0)
                            })
                            .sum()
                    })
                    .collect();
                let low = grey.iter().copied().fold(f64::INFINITY, f64::min);
                let high = grey.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let span = if high > low { high - low } else { 1.0 };
                grey.iter()
                    .map(|value| ((value - low) / span) as f32)
                    .collect()
            })
            .collect();
        Self::Images {
            width,
            height,
            images,
        }
    }
}

/// Points scaled together into the unit square; what is not finite is put in
/// the middle.
fn scaled(points: impl Iterator<Item = [f64; 2]>) -> Vec<[f32; 2]> {
    let points: Vec<[f64; 2]> = points.collect();
    let mut low = [f64::INFINITY; 2];
    let mut high = [f64::NEG_INFINITY; 2];
    for point in &points {
        for axis in 0..2 {
            if point[axis].is_finite() {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
    }
    points
        .iter()
        .map(|point| {
            [0, 1].map(|axis| {
                let span = high[axis] - low[axis];
                if point[axis].is_finite() && span > 0.0 {
                    ((point[axis] - low[axis]) / span) as f32
                } else {
                    0.5
                }
            })
        })
        .collect()
}

struct Request {
    key: Key,
    component: Component,
    seed: u64,
    base_dir: PathBuf,
}

struct Ready {
    picture: Arc<DataPicture>,
    texture: Option<TextureHandle>,
    used: u64,
}

/// All pictures, and the thread that makes those of data.
pub struct Pictures {
    requests: Option<Sender<Request>>,
    answers: Receiver<(Key, DataPicture)>,
    thread: Option<JoinHandle<()>>,
    ready: HashMap<Key, Ready>,
    /// Asked for and not yet answered.
    waiting: Vec<Key>,
    /// What the editor showed last, until the next picture is there.
    last_shown: Option<Key>,
    clock: u64,
}

impl Pictures {
    /// Starts the thread; it wakes the window when a picture is ready.
    pub fn new(ctx: &Context) -> Self {
        let (requests, incoming) = bounded::<Request>(64);
        let (outgoing, answers) = bounded(64);
        let ctx = ctx.clone();
        let thread = std::thread::Builder::new()
            .name("pictures".to_owned())
            .spawn(move || {
                for request in incoming {
                    let Request {
                        key,
                        component,
                        seed,
                        base_dir,
                    } = request;
                    let made =
                        std::panic::catch_unwind(|| DataPicture::of(&component, seed, &base_dir));
                    let picture = made.unwrap_or_else(|_| {
                        DataPicture::Failed("The data cannot be shown".to_owned())
                    });
                    if outgoing.send((key, picture)).is_err() {
                        return;
                    }
                    ctx.request_repaint();
                }
            });
        // Without a thread there are no pictures of data, and nothing else suffers.
        if let Err(error) = &thread {
            log::warn!("no thread for small pictures: {error}");
        }
        Self {
            requests: thread.is_ok().then_some(requests),
            answers,
            thread: thread.ok(),
            ready: HashMap::new(),
            waiting: Vec::new(),
            last_shown: None,
            clock: 0,
        }
    }

    /// Takes in the pictures that are ready. Called once a frame.
    pub fn collect(&mut self) {
        self.clock += 1;
        while let Ok((key, picture)) = self.answers.try_recv() {
            self.waiting.retain(|waiting| *waiting != key);
            self.ready.insert(
                key,
                Ready {
                    picture: Arc::new(picture),
                    texture: None,
                    used: self.clock,
                },
            );
        }
        if self.ready.len() > KEPT {
            let mut uses: Vec<u64> = self.ready.values().map(|ready| ready.used).collect();
            uses.sort_unstable();
            let limit = uses[uses.len() - KEPT];
            self.ready.retain(|_, ready| ready.used >= limit);
        }
    }

    fn ask(&mut self, key: &str, component: &Component, seed: u64, base_dir: &Path) {
        if self.waiting.iter().any(|waiting| waiting == key) {
            return;
        }
        let Some(requests) = &self.requests else {
            return;
        };
        let request = Request {
            key: key.to_owned(),
            component: component.clone(),
            seed,
            base_dir: base_dir.to_owned(),
        };
        match requests.try_send(request) {
            Ok(()) => self.waiting.push(key.to_owned()),
            // Asked again in the next frame.
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => self.requests = None,
        }
    }

    /// Draws the data of a recipe, as soon as they are there.
    pub fn data(&mut self, ui: &Ui, rect: Rect, recipe: &Recipe, base_dir: &Path, editing: bool) {
        let key = key_of(recipe, base_dir);
        if !self.ready.contains_key(&key) {
            // While someone drags a slider only one picture is on its way.
            if !editing || self.waiting.len() < 2 {
                self.ask(&key, &recipe.data, recipe.seed, base_dir);
            }
        } else if editing {
            self.last_shown = Some(key.clone());
        }
        let shown = if self.ready.contains_key(&key) {
            Some(key)
        } else if editing {
            self.last_shown.clone()
        } else {
            None
        };
        let clock = self.clock;
        if let Some(ready) = shown.and_then(|key| self.ready.get_mut(&key)) {
            ready.used = clock;
            draw_data(ui, rect, ready);
        }
    }

    /// Draws the picture of a section.
    pub fn section(&mut self, ui: &Ui, rect: Rect, section: &Section, ws: &Workspace) {
        let recipe = &ws.recipe;
        let palette = Palette::of(ui.visuals());
        let painter = ui
            .painter()
            .with_clip_rect(rect.expand(1.0).intersect(ui.clip_rect()));
        let ink = palette.weak;
        match section.key {
            "data" => {
                let base_dir = ws.base_dir.clone();
                self.data(ui, rect, recipe, &base_dir, true);
            }
            "model" => network(&painter, rect, &recipe.model, ink, palette.outline),
            "initialization" => {
                let kind = recipe.initialization.kind.as_str();
                curve(&painter, rect, ink, |x| density(kind, x));
            }
            "loss" => {
                if let Some(losses) = sketches::loss(&recipe.loss) {
                    curve(&painter, rect, ink, losses);
                }
            }
            "schedule" => {
                let total = recipe.training.integer("steps").max(1) as u64;
                if let Ok(schedule) = schedules::build(&recipe.schedule) {
                    curve(&painter, rect, ink, |x| {
                        let step = (f64::from(x) * total as f64) as u64;
                        schedule.factor(step.min(total.saturating_sub(1)), total) as f32
                    });
                }
            }
            "optimizer" => {
                if let Some(value) = recipe.optimizer.get("learning_rate") {
                    let number = match value {
                        crate::recipe::Value::Float(number) => *number,
                        crate::recipe::Value::Integer(number) => *number as f64,
                        _ => return,
                    };
                    let text = format!("η {}", super::field::format_float(number));
                    label(ui, &painter, rect, &text);
                }
            }
            "training" => {
                let batch = recipe.training.integer("batch_size");
                let text = if batch == 0 {
                    "full".to_owned()
                } else {
                    format!("b {batch}")
                };
                label(ui, &painter, rect, &text);
            }
            "analyses.slice" => plane(&painter, rect, ink),
            "analyses.spectrum" => curve(&painter, rect, ink, spectrum),
            "analyses.gradients" => bars(&painter, rect, ink),
            _ => {}
        }
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        self.requests = None;
        // An answer may be waiting for room.
        let (_, empty) = bounded(0);
        self.answers = empty;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of small pictures panicked");
        }
    }
}

fn key_of(recipe: &Recipe, base_dir: &Path) -> Key {
    let mut key = format!("{} {}", recipe.data.kind, recipe.seed);
    for (name, value) in &recipe.data.values {
        key.push_str(&format!(" {name}={value}"));
    }
    key.push_str(&base_dir.to_string_lossy());
    key
}

fn draw_data(ui: &Ui, rect: Rect, ready: &mut Ready) {
    let radius = (rect.height() / 34.0).clamp(0.8, 2.2);
    let painter = ui.painter();
    let inner = rect.shrink(radius + 1.0);
    let place = |point: &[f32; 2]| {
        pos2(
            inner.left() + point[0] * inner.width(),
            inner.bottom() - point[1] * inner.height(),
        )
    };
    let square = |rect: Rect| {
        let side = rect.width().min(rect.height());
        Rect::from_center_size(rect.center(), Vec2::splat(side))
    };
    match &*ready.picture {
        DataPicture::Points(points) => {
            let inner = square(inner);
            painter.extend(points.iter().map(|(point, class)| {
                let center = pos2(
                    inner.left() + point[0] * inner.width(),
                    inner.bottom() - point[1] * inner.height(),
                );
                let color = theme::series(ui.visuals(), *class as usize);
                Shape::circle_filled(center, radius, color)
            }));
        }
        DataPicture::Function(points) => {
            let color = theme::series(ui.visuals(), 0);
            painter.extend(
                points
                    .iter()
                    .map(|point| Shape::circle_filled(place(point), radius, color)),
            );
        }
        DataPicture::Images {
            width,
            height,
            images,
        } => {
            let count = images.len().max(1);
            let columns = if rect.height() > 40.0 {
                count.div_ceil(2)
            } else {
                ((rect.width() / rect.height()).floor() as usize).clamp(1, count)
            };
            let rows = if rect.height() > 40.0 { 2 } else { 1 };
            let texture = ready.texture.get_or_insert_with(|| {
                ui.ctx().load_texture(
                    "data picture",
                    atlas(*width, *height, images),
                    TextureOptions::NEAREST,
                )
            });
            let cell = (rect.width() / columns as f32).min(rect.height() / rows as f32);
            let start = rect.center() - 0.5 * cell * vec2(columns as f32, rows as f32);
            for index in 0..count.min(columns * rows) {
                let (column, row) = (index % columns, index / columns);
                let at = start + cell * vec2(column as f32, row as f32);
                let uv = Rect::from_min_max(
                    pos2(index as f32 / count as f32, 0.0),
                    pos2((index + 1) as f32 / count as f32, 1.0),
                );
                painter.image(
                    texture.id(),
                    Rect::from_min_size(at, Vec2::splat(cell)).shrink(1.0),
                    uv,
                    Color32::WHITE,
                );
            }
        }
        DataPicture::Failed(_) => {
            let color = Palette::of(ui.visuals()).warning;
            let side = rect.height().min(16.0);
            super::super::icons::Icon::Warning.paint(
                painter,
                Rect::from_center_size(rect.center(), Vec2::splat(side)),
                color,
            );
        }
    }
}

/// All images side by side, grey.
fn atlas(width: usize, height: usize, images: &[Vec<f32>]) -> ColorImage {
    let count = images.len();
    let mut grey = vec![0u8; count * width * height];
    for (index, image) in images.iter().enumerate() {
        for (pixel, value) in image.iter().enumerate().take(width * height) {
            let (column, row) = (pixel % width, pixel / width);
            grey[row * count * width + index * width + column] = (value * 255.0) as u8;
        }
    }
    ColorImage::from_gray([count * width, height], &grey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(shape: InputShape, inputs: Vec<f64>, labels: Vec<u32>) -> Dataset {
        Dataset {
            inputs,
            shape,
            targets: Targets::Classes {
                labels,
                names: vec!["a".to_owned(), "b".to_owned()],
            },
            feature_names: Vec::new(),
        }
    }

    #[test]
    fn points_fill_the_unit_square() {
        let dataset = classes(
            InputShape::Vector(2),
            vec![-4.0, 10.0, 0.0, 20.0, 4.0, 30.0],
            vec![0, 1, 0],
        );
        assert_eq!(
            DataPicture::of_dataset(&dataset),
            DataPicture::Points(vec![([0.0, 0.0], 0), ([0.5, 0.5], 1), ([1.0, 1.0], 0)])
        );
    }

    #[test]
    fn what_is_not_finite_stays_in_the_picture() {
        let points = scaled([[f64::NAN, 0.0], [1.0, f64::INFINITY], [2.0, 1.0]].into_iter());
        assert!(
            points
                .iter()
                .flatten()
                .all(|value| (0.0..=1.0).contains(value))
        );
    }

    #[test]
    fn images_are_scaled_to_their_own_range() {
        let shape = InputShape::Image {
            channels: 1,
            height: 1,
            width: 2,
        };
        let dataset = classes(shape, vec![-1.0, 3.0, 5.0, 5.0], vec![0, 1]);
        let DataPicture::Images { images, .. } = DataPicture::of_dataset(&dataset) else {
            panic!("images are shown as images");
        };
        assert_eq!(images, [vec![0.0, 1.0], vec![0.0, 0.0]]);
    }

    #[test]
    fn a_large_data_set_is_thinned() {
        let inputs: Vec<f64> = (0..20_000).map(f64::from).collect();
        let dataset = classes(InputShape::Vector(2), inputs, vec![0; 10_000]);
        let DataPicture::Points(points) = DataPicture::of_dataset(&dataset) else {
            panic!("points are shown as points");
        };
        assert!(points.len() <= POINTS);
    }
}
