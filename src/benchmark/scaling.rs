//! One thread against two, on whole analyses.

use std::hint::black_box;

use serde::Serialize;

use super::BenchmarkError;
use super::cases::{Case, NetworkKind};
use super::timing::{Clock, Timing, alternate, pool};
use super::works::objective;
use crate::curvature::{DensityOptions, spectral_density};
use crate::landscape::{GridAxis, evaluate_slice2d};
use crate::math::{rng, vector};

/// A whole analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingWork {
    /// A slice of 51×51 points, the first layer's products included.
    Slice,
    /// A spectral density with 8 probes of 40 Lanczos steps.
    Density,
}

/// The network of these works.
const NETWORK: NetworkKind = NetworkKind::Tanh;

impl ScalingWork {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Slice, Self::Density];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slice => "slice of 51x51 points on two threads",
            Self::Density => "spectral density of 8 probes on two threads",
        }
    }
}

/// An analysis with one thread and with two.
#[derive(Clone, Debug, Serialize)]
pub struct Scaling {
    /// The work: [`ScalingWork::name`].
    pub work: &'static str,
    /// The network: [`NetworkKind::name`].
    pub network: &'static str,
    /// With one thread.
    pub one: Timing,
    /// With two threads.
    pub two: Timing,
    /// How many times faster two threads are, at the shortest times.
    pub ratio: f64,
}

/// Times a work in turns with one thread and with two, `seconds` each.
pub fn measure(
    work: ScalingWork,
    seconds: f64,
    fail: &dyn Fn(String) -> BenchmarkError,
) -> Result<Scaling, BenchmarkError> {
    let case = Case::new(NETWORK).map_err(fail)?;
    let analysis: Box<dyn Fn() + Sync> = match work {
        ScalingWork::Slice => {
            let objective = objective::<f32>(&case).map_err(fail)?;
            let axis = GridAxis::symmetric(1.0, 51).map_err(|error| fail(error.to_string()))?;
            Box::new(move || {
                let [first, second] = &case.directions;
                let plane = objective.plane(&case.theta, first, second);
                let slice = evaluate_slice2d(&plane, &axis, &axis, &(), &mut |_| ());
                // Never cancelled, so never refused.
                let _ = black_box(slice);
            })
        }
        ScalingWork::Density => {
            let objective = objective::<f64>(&case).map_err(fail)?;
            let operator = objective.hessian(&vector::to_f64(&case.theta));
            let options = DensityOptions {
                probes: 8,
                steps: 40,
                ..DensityOptions::default()
            };
            let mut random = rng::stream(0, "benchmark");
            spectral_density(&operator, &options, None, &mut random, &())
                .map_err(|error| fail(error.to_string()))?;
            Box::new(move || {
                let mut random = rng::stream(0, "benchmark");
                // It was not refused above, and is not here.
                let _ = black_box(spectral_density(
                    &operator,
                    &options,
                    None,
                    &mut random,
                    &(),
                ));
            })
        }
    };
    let (one, two) = (pool(1)?, pool(2)?);
    let mut with_one = || one.install(&analysis);
    let mut with_two = || two.install(&analysis);
    let timings = alternate(Clock::Elapsed, seconds, &mut [&mut with_one, &mut with_two]);
    let (one, two) = (timings[0], timings[1]);
    Ok(Scaling {
        work: work.name(),
        network: NETWORK.name(),
        one,
        two,
        ratio: one.microseconds / two.microseconds,
    })
}
