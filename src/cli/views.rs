//! The figures of a finished run, with the settings that suit paper.

use super::figure::View;
use crate::data::Targets;
use crate::engine::headless::FinishedRun;
use crate::engine::{SliceShape, SpectrumPoint};
use crate::figure::Figure;
use crate::gradients::tensor_image;
use crate::math::chunked::Chunked;
use crate::train::optimizers;
use crate::views::data::{DataSettings, Said};
use crate::views::gradients::{GradientSettings, LayerSeries, TensorQuantity};
use crate::views::landscape::{LandscapeSettings, PathOnPlane, SliceInfo};
use crate::views::loss::{LossSettings, RunSeries};
use crate::views::sharpness_live::{self, LiveCurves, LiveData};
use crate::views::spectrum::{SpectrumData, SpectrumSettings};
use crate::views::{self, Split};

/// The figure of one view.
pub(super) fn figure(run: &FinishedRun, view: View) -> Figure {
    let figure = match view {
        View::Loss => loss(run),
        View::Landscape => landscape(run),
        View::Spectrum => spectrum(run),
        View::Gradients => gradients(run),
        View::Data => data(run),
    };
    figure.titled(&run.setup.recipe.name)
}

fn loss(run: &FinishedRun) -> Figure {
    let series = RunSeries {
        key: 0,
        name: &run.setup.recipe.name,
        index: 0,
        rows: run.history.rows(),
        steps_per_epoch: run.setup.steps_per_epoch,
        divergence: run.divergence.as_ref(),
    };
    let accuracy = run.setup.is_classification();
    let settings = LossSettings {
        accuracy,
        ..LossSettings::default()
    };
    views::loss::figure(&settings, &[series])
}

fn landscape(run: &FinishedRun) -> Figure {
    let slice = &run.setup.recipe.slice;
    let settings = LandscapeSettings {
        log: slice.boolean("log_scale"),
        ..LandscapeSettings::default()
    };
    // The plane of a two-parameter model is measured in the parameters
    // themselves.
    let unit = if run.setup.dim() == 2 {
        ""
    } else {
        views::landscape::displacement_unit(slice.text("normalization"))
    };
    let directions = format!("seed {}", slice.integer("seed"));
    let split = match slice.text("split") {
        "validation" => Split::Validation,
        _ => Split::Training,
    };
    let info = SliceInfo::new(run.last.step, &directions, unit, split);
    let Some(landscape) = &run.landscape else {
        return views::landscape::plane(&settings, None, PathOnPlane::default(), &info);
    };
    let path = PathOnPlane {
        points: &landscape.path,
        share: landscape.share.as_ref(),
        errors: landscape.errors.as_deref(),
        ghosts: &[],
        anchors: &landscape.anchors,
    };
    match &landscape.shape {
        SliceShape::Plane(slice) => views::landscape::plane(&settings, Some(slice), path, &info),
        SliceShape::Line(slice) => views::landscape::line(&settings, Some(slice), None, &info),
    }
}

fn spectrum(run: &FinishedRun) -> Figure {
    let points: Chunked<SpectrumPoint> = run.spectrum_points.iter().cloned().collect();
    let optimizer = optimizers::build(&run.setup.recipe.optimizer, run.setup.dim()).ok();
    // That of the last update.
    let rate = run.history.last().map_or(f64::NAN, |row| row.learning_rate);
    let stability = optimizer.map(|optimizer| optimizer.stability(rate));
    let live = LiveData {
        key: 0,
        points: &points,
        stability: stability.as_ref(),
        steps: (run.setup.initial.step, run.last.step),
        steps_per_epoch: run.setup.steps_per_epoch,
        load: None,
    };
    let settings = SpectrumSettings::default();
    let mut curves = LiveCurves::default();
    curves.follow(&settings.live(), &live);
    let axes = curves.axes(None, usize::MAX / 8);
    let found = run.spectrum.as_ref();
    let data = SpectrumData {
        eigenvalues: Some(&axes),
        sentence: &sharpness_live::describe(&live),
        density: found.and_then(|found| Some((run.last.step, found.density.as_ref()?))),
        trace: found.and_then(|found| found.trace.as_ref()),
        exact: found.map_or(&[], |found| &found.top.eigenvalues),
    };
    views::spectrum::figure(&settings, &data)
}

/// Layers over steps, the gradient of the first weights, and saliency maps.
fn gradients(run: &FinishedRun) -> Figure {
    let layers: Vec<String> = run
        .setup
        .layers
        .iter()
        .map(|layer| layer.name.clone())
        .collect();
    let series = LayerSeries {
        key: 0,
        rows: run.history.rows(),
        layers: &layers,
        steps_per_epoch: run.setup.steps_per_epoch,
    };
    let mut figure = views::gradients::layers(&GradientSettings::default(), &series);
    let layout = run.setup.network.layout();
    let image = layout
        .iter()
        .next()
        .map(|tensor| tensor_image(tensor, &run.gradients.gradient, &run.setup.data.train.shape));
    let step = run.last.step;
    let tensor = views::gradients::tensor(TensorQuantity::Gradient, image.as_ref(), step);
    let classes = match &run.setup.data.train.targets {
        Targets::Classes { names, .. } => names.clone(),
        Targets::Values { .. } => Vec::new(),
    };
    let saliency = views::saliency::saliency(Some(&run.saliency), &classes, step);
    figure.rows.extend(tensor.rows);
    figure.rows.extend(saliency.rows);
    figure
}

fn data(run: &FinishedRun) -> Figure {
    let said = Said {
        step: run.last.step,
        map: &run.prediction,
    };
    views::data::figure(&DataSettings::default(), &run.setup.data.train, Some(said))
}
