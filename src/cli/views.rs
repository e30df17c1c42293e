//! The figures of a finished run, with the settings that suit paper.

use super::figure::View;
use crate::data::Targets;
use crate::engine::SliceShape;
use crate::engine::headless::FinishedRun;
use crate::figure::Figure;
use crate::gradients::tensor_image;
use crate::train::optimizers;
use crate::views::data::{DataSettings, Said};
use crate::views::gradients::{GradientSettings, LayerSeries, TensorQuantity};
use crate::views::landscape::{LandscapeSettings, PathOnPlane, SliceInfo};
use crate::views::loss::{LossSettings, RunSeries};
use crate::views::spectrum::{SpectrumData, SpectrumSample, SpectrumSettings};
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
    let samples: Vec<SpectrumSample> = run
        .spectrum_points
        .iter()
        .map(|point| SpectrumSample {
            step: point.step,
            eigenvalues: point.eigenvalues.clone(),
        })
        .collect();
    // The line follows the learning rate of every step.
    let optimizer = optimizers::build(&run.setup.recipe.optimizer, run.setup.dim()).ok();
    let mut threshold: Vec<(u64, f64)> = Vec::new();
    if let Some(optimizer) = &optimizer {
        for row in run.history.rows().iter() {
            let stability = optimizer.stability(row.learning_rate);
            if let Some(value) = stability.sharpness_threshold()
                && threshold.last().is_none_or(|(_, last)| *last != value)
            {
                threshold.push((row.step, value));
            }
        }
    }
    let formula = optimizer
        .as_ref()
        .map_or_else(String::new, |optimizer| optimizer.stability(1.0).formula());
    let found = run.spectrum.as_ref();
    let data = SpectrumData {
        samples: &samples,
        threshold: &threshold,
        formula: &formula,
        last_step: run.last.step,
        steps_per_epoch: run.setup.steps_per_epoch,
        density: found.and_then(|found| Some((run.last.step, found.density.as_ref()?))),
        trace: found.and_then(|found| found.trace.as_ref()),
        exact: found.map_or(&[], |found| &found.top.eigenvalues),
    };
    views::spectrum::figure(&SpectrumSettings::default(), &data)
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
