//! A network with weights of few bits, looked at from all sides. A plain
//! function of a run's setup and a parameter vector.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::analyses::{SliceSettings, slice_directions};
use super::job::{Analysis, JobContext, JobError};
use super::result::{AnalysisResult, ResultKind};
use crate::landscape::{
    BitsPoint, Directions, GridAxis, PlaneLoss, QuantizedPlane, ScalePlane, ScaleSearch, Slice1d,
    Slice2d, StraightLine, evaluate_slice1d, evaluate_slice2d, local_minima, loss_against_bits,
    search_by_evolution, search_by_gradient,
};
use crate::math::progress::Part;
use crate::math::rng::stream;
use crate::math::vector::to_f64;
use crate::math::{Progress, floats};
use crate::nn::ParameterKind;
use crate::nn::quantize::{Quantizer, QuantizerScope, ScaleRule};
use crate::objective::Objective;
use crate::train::{Setup, Snapshot};

/// The numbers of bits of a curve over them.
pub const BITS: [u32; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24];

/// How the landscape of the quantized network is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedSettings {
    /// Bits of a weight.
    pub bits: u32,
    /// What shares a scale.
    pub scope: QuantizerScope,
    /// How scales follow from the weights.
    pub rule: ScaleRule,
    /// Points of the sweeps over the scales; none for 0.
    pub sweep: usize,
    /// Points on a side of the map over two layers' scales.
    pub map: usize,
    /// The factors of sweeps and map go from 1 − reach to 1 + reach.
    pub reach: f64,
    /// Evaluations of each search for better scales; none for 0.
    pub search: usize,
    /// Points of the line along the first direction.
    pub line: usize,
    /// Whether there is a plane, too.
    pub plane: bool,
    /// Directions, extent and grid of line and plane; the training set's loss
    /// whatever it says.
    pub slice: SliceSettings,
}

impl QuantizedSettings {
    /// The defaults, with the slice that a run's recipe asks for.
    pub fn from_recipe(setup: &Setup) -> Self {
        Self {
            bits: 4,
            scope: QuantizerScope::default(),
            rule: ScaleRule::default(),
            sweep: 0,
            map: 33,
            reach: 0.75,
            search: 0,
            line: 401,
            plane: false,
            slice: SliceSettings::from_recipe(&setup.recipe.slice),
        }
    }

    /// Evaluations of the loss for each part of a report, in their order.
    fn work(&self, tensors: usize) -> Vec<usize> {
        let line = self.line.max(2);
        let mut work = vec![1, BITS.len(), line, line];
        if self.sweep > 0 {
            work.push(self.sweep * (tensors + 1));
            work.push(self.map * self.map);
        }
        if self.plane {
            let plane = self.slice.grid * self.slice.grid;
            work.extend([plane, plane]);
        }
        if self.search > 0 {
            work.extend([self.search, self.search]);
        }
        work
    }
}

/// The loss over a factor on some of the scales.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleSweep {
    /// The weight tensors whose scales are multiplied.
    pub tensors: Vec<String>,
    /// The factors, ascending; 1 is among them.
    pub factor: Vec<f64>,
    /// The loss with each.
    #[serde(with = "floats::cells")]
    pub loss: Vec<f64>,
    /// The factor with the smallest loss; none where no loss is finite.
    pub best_factor: Option<f64>,
    /// The loss with it.
    pub best_loss: Option<f64>,
    /// How many local minima the sampled loss has between its ends.
    pub local_minima: usize,
}

impl ScaleSweep {
    fn new(tensors: Vec<String>, line: &Slice1d) -> Self {
        let best = (0..line.loss.len())
            .filter(|k| line.loss[*k].is_finite())
            .min_by(|a, b| line.loss[*a].total_cmp(&line.loss[*b]));
        Self {
            tensors,
            factor: line.alpha.clone(),
            loss: line.loss.clone(),
            best_factor: best.map(|k| line.alpha[k]),
            best_loss: best.map(|k| line.loss[k]),
            local_minima: local_minima(&line.loss).len(),
        }
    }
}

/// The loss over the factors of two tensors' scales: `alpha` belongs to the
/// first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleMap {
    /// The tensor along the horizontal axis.
    pub first: String,
    /// The tensor along the vertical axis.
    pub second: String,
    /// The factors and losses.
    #[serde(flatten)]
    pub slice: Slice2d,
}

/// A slice of the quantized network beside the same of the float network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside<S> {
    /// With the weights quantized, by the scales of the centre.
    pub quantized: S,
    /// With the weights as they are.
    pub float: S,
}

/// Two searches for better scales.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searches {
    /// The weight tensors, in the order of the factors.
    pub tensors: Vec<String>,
    /// By gradients that take rounding for the identity.
    pub gradient: ScaleSearch,
    /// By evolution.
    pub evolution: ScaleSearch,
}

/// The landscape of a quantized network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantizedReport {
    /// Bits of a weight.
    pub bits: u32,
    /// What shares a scale.
    pub scope: QuantizerScope,
    /// How scales follow from the weights.
    pub rule: ScaleRule,
    /// L(θ).
    #[serde(with = "floats::cell")]
    pub float_loss: f64,
    /// L(Q(θ)).
    #[serde(with = "floats::cell")]
    pub loss: f64,
    /// ‖Q(W) − W‖/‖W‖.
    pub weight_error: f64,
    /// The loss for other numbers of bits, with scales of their own.
    pub against_bits: Vec<BitsPoint>,
    /// Along the first direction: a staircase beside a curve.
    pub line: Beside<Slice1d>,
    /// The plane, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plane: Option<Beside<Slice2d>>,
    /// All scales by one factor, then each weight tensor's alone; empty unless
    /// it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<ScaleSweep>,
    /// The factors of the two tensors with the most weights, where sweeps were asked for and
    /// there are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<ScaleMap>,
    /// Searches for better scales, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Searches>,
}

/// Measures the landscape of the quantized network at θ on the training set;
/// the directions are those of the slice with the same settings. `on_part` gets
/// what is known after each part but the last.
///
/// # Errors
/// [`JobError`].
pub fn quantized(
    setup: &Setup,
    theta: &[f64],
    settings: &QuantizedSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&QuantizedReport),
) -> Result<(QuantizedReport, Arc<Directions>), JobError> {
    let objective = setup.training_double()?;
    let layout = setup.network.layout();
    let (scope, rule) = (settings.scope, settings.rule);
    let tensors = setup
        .network
        .layout()
        .iter()
        .filter(|tensor| tensor.kind == ParameterKind::Weight)
        .count();
    let mut shares = Shares::new(progress, &settings.work(tensors));
    let quantizer = Quantizer::fit_with(layout, theta, settings.bits, scope, rule, &shares.next())?;
    let mut workspace = objective.workspace();
    let mut rounded = vec![0.0; theta.len()];
    quantizer.apply(theta, &mut rounded);
    let part = shares.next();
    let against_bits = loss_against_bits(objective, layout, theta, &BITS, scope, rule, &part)?;
    let directions = slice_directions(setup, theta, &[], &settings.slice)?;
    let (first, second) = (&directions.first, &directions.second);
    let stairs = QuantizedPlane::new(objective, &quantizer, theta, first, second)?;
    let float = objective.plane(theta, first, second);
    let extent = settings.slice.extent;
    let [line_axis, _] = extent.axes(settings.line.max(2), std::iter::empty())?;
    let mut report = QuantizedReport {
        bits: settings.bits,
        scope,
        rule,
        float_loss: objective.loss(theta, &mut workspace),
        loss: objective.loss(&rounded, &mut workspace),
        weight_error: quantizer.relative_error(theta),
        against_bits,
        line: Beside {
            quantized: line_of(&stairs, &line_axis, &shares.next())?,
            float: line_of(&float, &line_axis, &shares.next())?,
        },
        plane: None,
        sweeps: Vec::new(),
        map: None,
        search: None,
    };
    if settings.sweep > 0 {
        on_part(&report);
        let parts = [shares.next(), shares.next()];
        let (sweeps, map) = sweeps(objective, &quantizer, theta, settings, parts)?;
        (report.sweeps, report.map) = (sweeps, map);
    }
    if settings.plane {
        on_part(&report);
        let [axis, _] = extent.axes(settings.slice.grid, std::iter::empty())?;
        report.plane = Some(Beside {
            quantized: plane_of(&stairs, &axis, &shares.next())?,
            float: plane_of(&float, &axis, &shares.next())?,
        });
    }
    if settings.search > 0 {
        on_part(&report);
        let count = settings.search;
        let mut random = stream(setup.recipe.seed, "evolution");
        let (ascent, evolution) = (shares.next(), shares.next());
        report.search = Some(Searches {
            tensors: (0..quantizer.tensors())
                .map(|k| quantizer.name(k).to_owned())
                .collect(),
            gradient: search_by_gradient(objective, &quantizer, theta, count, &ascent)?,
            evolution: search_by_evolution(
                objective,
                &quantizer,
                theta,
                count,
                &mut random,
                &evolution,
            )?,
        });
    }
    Ok((report, directions))
}

/// The parts of a report one after the other, each with its share of the work.
struct Shares<'a> {
    whole: &'a dyn Progress,
    /// Where parts begin, as shares of the whole.
    bounds: std::vec::IntoIter<[f64; 2]>,
}

impl<'a> Shares<'a> {
    /// Parts that are so much work each.
    fn new(whole: &'a dyn Progress, work: &[usize]) -> Self {
        let total = work.iter().sum::<usize>().max(1) as f64;
        let mut done = 0;
        let bounds: Vec<[f64; 2]> = work
            .iter()
            .map(|part| {
                let from = done;
                done += part;
                [from as f64 / total, done as f64 / total]
            })
            .collect();
        Self {
            whole,
            bounds: bounds.into_iter(),
        }
    }

    fn next(&mut self) -> Part<'a> {
        let [from, to] = self.bounds.next().unwrap_or([1.0, 1.0]);
        Part::new(self.whole, from, to)
    }
}

fn sweeps(
    objective: &Objective<f64>,
    quantizer: &Quantizer,
    theta: &[f64],
    settings: &QuantizedSettings,
    [of_sweeps, of_map]: [Part<'_>; 2],
) -> Result<(Vec<ScaleSweep>, Option<ScaleMap>), JobError> {
    let factors = |points: usize| {
        // An odd number, so that the factor 1 is among them.
        let points = (points | 1).max(3);
        GridAxis::new(1.0 - settings.reach, 1.0 + settings.reach, points)
    };
    let axis = factors(settings.sweep)?;
    let count = quantizer.tensors();
    let mut chosen: Vec<Vec<usize>> = vec![(0..count).collect()];
    if count > 1 {
        chosen.extend((0..count).map(|index| vec![index]));
    }
    let mut found = Vec::new();
    let all = chosen.len();
    for (done, tensors) in chosen.into_iter().enumerate() {
        let part = Part::new(
            &of_sweeps,
            done as f64 / all as f64,
            (done + 1) as f64 / all as f64,
        );
        let plane = ScalePlane::new(objective, quantizer, theta, &tensors, &[])?;
        let line = line_of(&plane, &axis, &part)?;
        let names = tensors.iter().map(|k| quantizer.name(*k).to_owned());
        found.push(ScaleSweep::new(names.collect(), &line));
    }
    if count < 2 {
        return Ok((found, None));
    }
    let [first, second] = two_largest(quantizer);
    let axis = factors(settings.map)?;
    let plane = ScalePlane::new(objective, quantizer, theta, &[first], &[second])?;
    let map = ScaleMap {
        first: quantizer.name(first).to_owned(),
        second: quantizer.name(second).to_owned(),
        slice: plane_of(&plane, &axis, &of_map)?,
    };
    Ok((found, Some(map)))
}

/// The two tensors with the most weights, in the order of the network.
fn two_largest(quantizer: &Quantizer) -> [usize; 2] {
    let mut order: Vec<usize> = (0..quantizer.tensors()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(quantizer.weights(*index)));
    [order[0].min(order[1]), order[0].max(order[1])]
}

fn line_of(
    plane: &impl PlaneLoss,
    axis: &GridAxis,
    progress: &dyn Progress,
) -> Result<Slice1d, JobError> {
    let line = evaluate_slice1d(plane, axis, StraightLine::FIRST, progress, &mut |_| ())?;
    // What a cancellation leaves is coarser than what was asked for.
    progress.check()?;
    Ok((*line).clone())
}

fn plane_of(
    plane: &impl PlaneLoss,
    axis: &GridAxis,
    progress: &dyn Progress,
) -> Result<Slice2d, JobError> {
    let plane = evaluate_slice2d(plane, axis, axis, progress, &mut |_| ())?;
    progress.check()?;
    Ok((*plane).clone())
}

/// A quantized network as a job.
pub fn quantized_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    settings: QuantizedSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |report: &QuantizedReport| AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Quantized(Arc::new(report.clone())),
        };
        let theta = to_f64(&snapshot.theta);
        let mut publish = |report: &QuantizedReport| context.publish(result(report));
        let (report, _) = quantized(&setup, &theta, &settings, context, &mut publish)?;
        Ok(result(&report))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::math::{CancelToken, vector};
    use crate::train::testing::recipe;

    #[test]
    fn a_report_has_every_part_that_was_asked_for() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let theta = vector::to_f64(&setup.initial.theta);
        let mut settings = QuantizedSettings::from_recipe(&setup);
        settings.line = 33;
        settings.slice.grid = 9;
        let (report, _) = quantized(&setup, &theta, &settings, &(), &mut |_| ()).unwrap();
        assert!(report.plane.is_none() && report.sweeps.is_empty() && report.map.is_none());
        (settings.plane, settings.sweep, settings.map) = (true, 16, 8);
        (settings.bits, settings.search) = (3, 50);
        let mut parts = Vec::new();
        let (report, _) = quantized(&setup, &theta, &settings, &(), &mut |part| {
            parts.push((part.map.is_some(), part.plane.is_some()));
        })
        .unwrap();
        assert_eq!(parts, [(false, false), (true, false), (true, true)]);
        // All tensors, the first, the second.
        let counts: Vec<usize> = report.sweeps.iter().map(|s| s.tensors.len()).collect();
        assert_eq!(counts, [2, 1, 1]);
        assert_eq!(report.sweeps[0].factor.len(), 17);
        assert_eq!(report.sweeps[0].factor[8], 1.0);
        assert_eq!(report.sweeps[2].loss[8], report.loss);
        assert!(report.sweeps[1].best_loss.unwrap() <= report.loss);
        let map = report.map.as_ref().unwrap();
        assert_eq!(
            (map.first.as_str(), map.second.as_str()),
            ("0.weight", "2.weight")
        );
        assert_eq!(map.slice.at(4, 4), Some(report.loss));
        assert_eq!(report.line.quantized.loss[16], report.loss);
        let plane = report.plane.as_ref().unwrap();
        assert!((plane.float.centre_loss().unwrap() - report.float_loss).abs() < 1e-12);
        assert_eq!(plane.quantized.centre_loss(), Some(report.loss));
        let three = report.against_bits.iter().find(|point| point.bits == 3);
        assert_eq!(three.unwrap().loss, report.loss);
        let search = report.search.as_ref().unwrap();
        assert_eq!(search.tensors, ["0.weight", "2.weight"]);
        assert_eq!(search.gradient.best[0], report.loss);
        assert!(search.evolution.loss <= report.loss);
        let text = serde_json::to_string(&report).unwrap();
        let back: QuantizedReport = serde_json::from_str(&text).unwrap();
        assert_eq!(back, report);
        let token = CancelToken::new();
        token.cancel();
        assert!(quantized(&setup, &theta, &settings, &token, &mut |_| ()).is_err());
        settings.bits = 0;
        assert!(quantized(&setup, &theta, &settings, &(), &mut |_| ()).is_err());
    }
}
