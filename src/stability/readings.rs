//! Reading a window of steps.

use crate::curvature::{
    ExtremalOptions, QuadraticModel, TopSpectrum, TraceMethod, batch_sharpness,
    directional_curvature, eigenspace_overlap, eigenspace_share, keep_sign, sharpness_batches,
    top_eigenvalues, trace,
};
use crate::math::operator::{Preconditioned, Shifted};
use crate::math::progress::Part;
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::objective::{HessianOperator, Objective};
use crate::train::optimizers::Stability;
use crate::train::{Replay, Setup, StepOutcome};

use super::StabilityError;
use super::window::{SpectrumReading, StabilityReport, StabilitySettings, StepReading};

/// Numbers that the eigenvectors kept for the overlaps take at most (256 MiB).
const OVERLAP_NUMBERS: usize = 1 << 25;
/// Eigenspaces that are compared at most: their overlaps grow with the square.
const OVERLAP_SPACES: usize = 400;
/// Products for each eigenvalue that is asked for, at least as many in all as by
/// default.
const PRODUCTS: usize = 20;
/// Numbers of the gradients kept between two measurements at most (32 MiB).
const GRADIENT_NUMBERS: usize = 1 << 22;
/// Readings between two results in part.
const PART: usize = 16;

/// Follow a run from where it stands for so many updates, and read at each step
/// what happens along the top eigenvectors of the Hessian of the training loss.
/// The window ends early where the run does.
///
/// `on_part` gets what is known every few steps; a report in part has as many
/// rows as are done.
///
/// # Errors
/// [`StabilityError`], also when cancelled.
pub fn stability_readings(
    replay: &mut Replay,
    settings: &StabilitySettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&StabilityReport),
) -> Result<StabilityReport, StabilityError> {
    let setup = std::sync::Arc::clone(replay.run().setup());
    let mut reader = Reader::new(&setup, settings, replay)?;
    let objective = setup.training_double()?;
    let mut workspace = objective.workspace();
    let mut gradient = vec![0.0; setup.dim()];
    let mut theta = vector::to_f64(replay.run().parameters());
    for index in 0..=settings.steps {
        let share = |index: u64| index as f64 / (settings.steps + 1) as f64;
        progress.check()?;
        let step = replay.run().steps_done();
        let loss = objective.gradient(&theta, &mut workspace, &mut gradient);
        reader.enter_change(loss);
        let hessian = objective.hessian(&theta);
        let measured = index.is_multiple_of(settings.every.max(1)) || index == settings.steps;
        if measured {
            let part = Part::new(progress, share(index), share(index + 1));
            match reader.measure(replay, &theta, &hessian, &gradient, &part) {
                Err(StabilityError::Math(MathError::NotFinite { .. })) => {
                    let why = format!("the Hessian is not finite at step {step}");
                    reader.report.ended = Some(why);
                    break;
                }
                other => other?,
            }
        }
        reader.read(replay, &theta, &hessian, &gradient, loss)?;
        if index == settings.steps {
            break;
        }
        let stability = replay.run().stability();
        let outcome = replay.step()?;
        if let StepOutcome::Diverged(divergence) = &outcome {
            reader.report.ended = Some(divergence.explanation.clone());
            break;
        }
        if replay.run().steps_done() == step {
            reader.report.ended = Some(format!("the run ends at step {step}"));
            break;
        }
        let next = vector::to_f64(replay.run().parameters());
        let update: Vec<f64> = next
            .iter()
            .zip(&theta)
            .map(|(to, from)| to - from)
            .collect();
        reader.enter_update(&QuadraticModel::of(&hessian, &gradient, &update)?);
        reader.enter_clipping(&stability, replay.run().clip_factor());
        if measured && let Some(used) = replay.run().update_gradient() {
            reader.enter_batch(used);
        }
        theta = next;
        progress.report(index as usize + 1, settings.steps as usize + 1);
        if (index as usize + 1).is_multiple_of(PART) {
            on_part(&reader.report);
        }
    }
    Ok(reader.report)
}

/// What is carried from one step to the next.
struct Reader<'a> {
    setup: &'a Setup,
    settings: &'a StabilitySettings,
    report: StabilityReport,
    options: ExtremalOptions,
    /// Eigenvectors of the newest measurement.
    top: Option<TopSpectrum>,
    preconditioned: Vec<Vec<f64>>,
    /// The gradients of the steps since that measurement.
    since: Vec<Vec<f64>>,
    /// Parameters and top eigenvector of the window's start.
    start: Vec<f64>,
    reference: Vec<f64>,
    batches: Vec<Objective<f64>>,
    /// The kept eigenspaces, and of how many measurements one is kept.
    spaces: Vec<Vec<Vec<f64>>>,
    stride: usize,
}

impl<'a> Reader<'a> {
    fn new(
        setup: &'a Setup,
        settings: &'a StabilitySettings,
        replay: &Replay,
    ) -> Result<Self, StabilityError> {
        let (run, dim) = (replay.run(), setup.dim());
        let top = settings.top.clamp(1, dim);
        let stability = run.stability();
        let full_batch = setup.batch_size >= setup.data.train.len();
        let measurements = settings.steps.div_ceil(settings.every.max(1)) as usize + 1;
        let batches = if full_batch { 0 } else { settings.batches };
        Ok(Self {
            report: StabilityReport {
                from: run.steps_done(),
                every: settings.every.max(1),
                top,
                chance: top as f64 / dim as f64,
                batch_size: setup.batch_size,
                full_batch,
                formula: stability.formula(),
                is_preconditioned: stability.preconditioned,
                ..StabilityReport::default()
            },
            options: ExtremalOptions {
                largest: top,
                smallest: usize::from(top < dim),
                tolerance: settings.tolerance,
                max_products: ExtremalOptions::default().max_products.max(PRODUCTS * top),
                ..ExtremalOptions::default()
            },
            top: None,
            preconditioned: Vec::new(),
            since: Vec::new(),
            start: vector::to_f64(run.parameters()),
            reference: Vec::new(),
            batches: sharpness_batches(setup, batches)?,
            spaces: Vec::new(),
            stride: overlap_stride(measurements, top * dim),
            setup,
            settings,
        })
    }

    fn measure(
        &mut self,
        replay: &Replay,
        theta: &[f64],
        hessian: &HessianOperator<f64>,
        gradient: &[f64],
        progress: &Part<'_>,
    ) -> Result<(), StabilityError> {
        let run = replay.run();
        let mut random = stream(self.setup.recipe.seed, "stability");
        let before = self.top.take();
        let start = before
            .as_ref()
            .map_or_else(Vec::new, TopSpectrum::all_vectors);
        let mut top = top_eigenvalues(hessian, &self.options, &start, &mut random, progress)?;
        self.report.top = self.report.top.min(top.vectors.len());
        self.report.chance = self.report.top as f64 / self.setup.dim().max(1) as f64;
        if let Some(before) = &before {
            for (vector, earlier) in top.vectors.iter_mut().zip(&before.vectors) {
                keep_sign(vector, earlier);
            }
            if let (Some(from), Some(to)) = (before.vectors.first(), top.vectors.first()) {
                self.interpolate(from, to);
            }
        } else if let Some(vector) = top.vectors.first() {
            self.reference = vector.clone();
        }
        let mut preconditioned = None;
        if let Some(diagonal) = run.preconditioner() {
            // The learning rate plays no part in the shift.
            let shifted = Shifted::new(hessian, run.stability().hessian_shift);
            let operator = Preconditioned::new(shifted, &diagonal)?;
            let options = ExtremalOptions {
                largest: 1,
                smallest: 0,
                ..self.options.clone()
            };
            let start = std::mem::take(&mut self.preconditioned);
            let found = top_eigenvalues(&operator, &options, &start, &mut random, progress)?;
            preconditioned = found.sharpness();
            self.preconditioned = found.vectors;
        }
        let batch_sharpness = if self.batches.is_empty() {
            None
        } else {
            progress.check()?;
            Some(batch_sharpness(&self.batches, theta).0)
        };
        let products = self.settings.trace_products;
        let trace = if products == 0 {
            None
        } else {
            let method = TraceMethod::best(products, theta.len());
            Some(trace(hessian, method, products, &mut random, progress)?)
        };
        self.report.spectra.push(SpectrumReading {
            step: run.steps_done(),
            scaled_sharpness: run.learning_rate()
                * top.sharpness().map_or(f64::NAN, |found| found.value),
            smallest: top.lowest(),
            eigenvalues: top.eigenvalues.clone(),
            preconditioned,
            share: eigenspace_share(gradient, &top.vectors),
            batch_share: None,
            batch_sharpness,
            trace,
            products: top.products,
        });
        if (self.report.spectra.len() - 1).is_multiple_of(self.stride) {
            self.compare(&top.vectors, progress)?;
        }
        self.top = Some(top);
        Ok(())
    }

    /// ⟨g, v₁⟩ of the steps between two measurements again, along the vectors
    /// between both: the newest one alone falls behind as the eigenvector turns.
    fn interpolate(&mut self, from: &[f64], to: &[f64]) {
        let cosine = vector::dot(from, to);
        let count = self.report.steps.len();
        // The first of these gradients is that of the measured step itself.
        let (kept, apart) = (self.since.len(), self.since.len() as f64);
        for (index, gradient) in self.since.iter().enumerate().skip(1) {
            let (b, row) = (index as f64 / apart, count - kept + index);
            let a = 1.0 - b;
            let length = (a * a + b * b + 2.0 * a * b * cosine).sqrt();
            let along = a * vector::dot(gradient, from) + b * vector::dot(gradient, to);
            if let Some(reading) = self.report.steps.get_mut(row) {
                reading.gradient_along = along / length;
            }
        }
        self.since.clear();
    }

    /// Adds a row and a column to the overlaps.
    fn compare(
        &mut self,
        vectors: &[Vec<f64>],
        progress: &dyn Progress,
    ) -> Result<(), StabilityError> {
        let step = self.report.spectra.last().map_or(0, |reading| reading.step);
        self.spaces.push(vectors.to_vec());
        let mut row = Vec::with_capacity(self.spaces.len());
        for space in &self.spaces {
            progress.check()?;
            row.push(eigenspace_overlap(vectors, space));
        }
        for (earlier, overlap) in self.report.overlaps.iter_mut().zip(&row) {
            earlier.push(*overlap);
        }
        self.report.overlaps.push(row);
        self.report.overlap_steps.push(step);
        Ok(())
    }

    fn read(
        &mut self,
        replay: &Replay,
        theta: &[f64],
        hessian: &HessianOperator<f64>,
        gradient: &[f64],
        loss: f64,
    ) -> Result<(), StabilityError> {
        let run = replay.run();
        let every = self.report.every as usize;
        if every > 1 && gradient.len() * every <= GRADIENT_NUMBERS {
            self.since.push(gradient.to_vec());
        }
        let newest = self.top.as_ref().and_then(|top| top.vectors.first());
        let moved = theta.iter().zip(&self.start).map(|(to, from)| to - from);
        self.report.steps.push(StepReading {
            step: run.steps_done(),
            loss,
            learning_rate: run.learning_rate(),
            threshold: run.stability().threshold().unwrap_or(f64::NAN),
            clip_factor: None,
            clipped_threshold: None,
            gradient_norm: vector::norm(gradient),
            gradient_along: newest.map_or(f64::NAN, |v| vector::dot(gradient, v)),
            iterate_along: moved.zip(&self.reference).map(|(d, v)| d * v).sum(),
            gradient_curvature: directional_curvature(hessian, gradient)?,
            update_curvature: None,
            predicted_change: None,
            actual_change: None,
        });
        Ok(())
    }

    fn enter_update(&mut self, model: &QuadraticModel) {
        if let Some(reading) = self.report.steps.last_mut() {
            // Not-a-number for an update that does not move.
            let curvature = model.curvature / model.length.powi(2);
            reading.update_curvature = curvature.is_finite().then_some(curvature);
            reading.predicted_change = Some(model.change());
        }
    }

    /// How the step's update was clipped, for a rule with this line.
    fn enter_clipping(&mut self, stability: &Stability, factor: f64) {
        if let Some(reading) = self.report.steps.last_mut() {
            reading.clip_factor = Some(factor);
            reading.clipped_threshold = Some(factor)
                .filter(|factor| *factor < 1.0)
                .and_then(|factor| stability.clipped_threshold(factor));
        }
    }

    fn enter_change(&mut self, loss: f64) {
        if let Some(reading) = self.report.steps.last_mut() {
            reading.actual_change = Some(loss - reading.loss);
        }
    }

    fn enter_batch(&mut self, gradient: &[f32]) {
        if self.report.full_batch {
            return;
        }
        if let (Some(reading), Some(top)) = (self.report.spectra.last_mut(), &self.top) {
            let share = eigenspace_share(gradient, &top.vectors);
            reading.batch_share = share.is_finite().then_some(share);
        }
    }
}

/// Of how many measurements the eigenspace of one is kept for the overlaps, where
/// a space has so many numbers.
fn overlap_stride(measurements: usize, numbers: usize) -> usize {
    let room = (OVERLAP_NUMBERS / numbers.max(1)).clamp(2, OVERLAP_SPACES);
    measurements.div_ceil(room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn overlaps_are_bounded_whatever_is_asked_for(
            measurements in 1usize..2_000_000,
            numbers in 1usize..1 << 30,
        ) {
            let stride = overlap_stride(measurements, numbers);
            let kept = measurements.div_ceil(stride);
            prop_assert!(kept <= OVERLAP_SPACES);
            prop_assert!(kept <= 2 || kept * numbers <= OVERLAP_NUMBERS);
            prop_assert!(stride == 1 || kept > 1);
        }
    }

    #[test]
    fn a_window_of_usual_length_keeps_every_measurement() {
        assert_eq!(overlap_stride(201, 5 * 4000), 1);
        assert_eq!(overlap_stride(401, 5), 2);
    }
}
