//! The works of the suite, one network at a time.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use super::Row;
use super::cases::{Case, NetworkKind};
use super::peak::{Peak, Precision};
use super::timing::{Clock, Timing, repeat};
use crate::catalogue;
use crate::data::PreparedData;
use crate::landscape::{GridAxis, evaluate_slice2d};
use crate::math::vector;
use crate::objective::{Objective, Products, Real};
use crate::recipe::Recipe;
use crate::train::{Run, Setup};

/// A work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The loss at one point of a slice in single precision: a small grid over
    /// [−½, ½]², divided by its points. The first layer's products are there
    /// already, as for all but the first of the thousands of points of a slice.
    SlicePoint,
    /// Loss and gradient in single precision.
    Gradient,
    /// A product with the Hessian, at the same θ as many before it.
    Hessian,
    /// A product with the Gauss–Newton matrix, likewise.
    GaussNewton,
    /// The norm of every sample's gradient, in single precision.
    GradientNorms,
    /// A whole step of a run with Adam: batch, candle graph, gradient, update
    /// and metrics.
    TrainingStep,
}

impl Work {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::SlicePoint,
        Self::Gradient,
        Self::Hessian,
        Self::GaussNewton,
        Self::GradientNorms,
        Self::TrainingStep,
    ];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::SlicePoint => "slice point",
            Self::Gradient => "gradient",
            Self::Hessian => "Hessian product",
            Self::GaussNewton => "Gauss-Newton product",
            Self::GradientNorms => "per-sample gradient norms",
            Self::TrainingStep => "training step",
        }
    }

    /// Its precisions. Curvature is computed in double precision; in single
    /// precision it is measured for comparison with programs that do that.
    pub fn precisions(self) -> &'static [Precision] {
        match self {
            Self::Hessian | Self::GaussNewton => &[Precision::F64, Precision::F32],
            _ => &[Precision::F32],
        }
    }

    /// What [`Row::check`] is for this work.
    pub fn check(self) -> &'static str {
        match self {
            Self::SlicePoint => "the mean loss over the grid",
            Self::Gradient => "the norm of the gradient",
            Self::Hessian => "d₁ᵀ(H d₁)",
            Self::GaussNewton => "d₁ᵀ(G d₁)",
            Self::GradientNorms => "the mean of the norms",
            Self::TrainingStep => "the norm of the first parameters",
        }
    }

    /// Whether the suite has it for this network.
    pub fn is_measured_on(self, network: NetworkKind) -> bool {
        match self {
            Self::TrainingStep => matches!(network, NetworkKind::Tanh | NetworkKind::Wide),
            _ => true,
        }
    }

    /// Operations of one execution.
    fn operations(self, case: &Case) -> f64 {
        let (products, samples) = (Products::of(&case.network), case.kind.samples());
        match self {
            Self::SlicePoint => products.slice_point(samples),
            Self::Gradient => products.gradient(samples),
            Self::Hessian => products.hessian_product(samples),
            Self::GaussNewton => products.gauss_newton_product(samples),
            Self::GradientNorms => products.gradient_norms(samples),
            Self::TrainingStep => products.gradient(case.kind.batch()),
        }
    }
}

/// Points along a side of the grid of [`Work::SlicePoint`].
pub fn grid(network: NetworkKind) -> usize {
    match network {
        NetworkKind::LeNet => 3,
        _ => 9,
    }
}

/// A work done.
pub struct Measured {
    timing: Timing,
    loss: f64,
    check: f64,
}

impl Measured {
    /// The row of the table.
    pub fn row(
        self,
        (work, precision): (Work, Precision),
        case: &Case,
        threads: usize,
        peaks: &[Peak],
    ) -> Row {
        let operations = work.operations(case);
        let gflops = operations / (1e3 * self.timing.microseconds);
        let peak = peaks
            .iter()
            .find(|peak| peak.precision == precision)
            .map_or(f64::NAN, |peak| peak.fma);
        Row {
            work: work.name(),
            network: case.kind.name(),
            samples: match work {
                Work::TrainingStep => case.kind.batch(),
                _ => case.kind.samples(),
            },
            precision,
            threads,
            timing: self.timing,
            operations,
            gflops,
            share_of_peak: gflops / peak,
            loss: self.loss,
            check: self.check,
        }
    }
}

/// The objective of a case.
pub fn objective<T: Real>(case: &Case) -> Result<Objective<T>, String> {
    Objective::new(
        Arc::clone(&case.network),
        Arc::clone(&case.loss),
        &case.data,
    )
    .map_err(|error| error.to_string())
}

/// Does a work for about so many seconds of this clock.
pub fn measure(
    (work, precision): (Work, Precision),
    case: &Case,
    time: (Clock, f64),
) -> Result<Measured, String> {
    match work {
        Work::SlicePoint => slice_point(case, time),
        Work::Gradient => gradient(case, time),
        Work::Hessian | Work::GaussNewton => match precision {
            Precision::F64 => curvature::<f64>(work, case, time),
            Precision::F32 => curvature::<f32>(work, case, time),
        },
        Work::GradientNorms => gradient_norms(case, time),
        Work::TrainingStep => training_step(case, time),
    }
}

fn slice_point(case: &Case, (clock, seconds): (Clock, f64)) -> Result<Measured, String> {
    let objective = objective::<f32>(case)?;
    let [first, second] = &case.directions;
    let plane = objective.plane(&case.theta, first, second);
    let axis = GridAxis::symmetric(0.5, grid(case.kind)).map_err(|error| error.to_string())?;
    let evaluate = || {
        evaluate_slice2d(&plane, &axis, &axis, &(), &mut |_| ()).map_err(|error| error.to_string())
    };
    let slice = evaluate()?;
    let points = slice.loss.len();
    let timing = repeat(clock, seconds, || {
        // It was not refused above, and is not here.
        let _ = black_box(evaluate());
    });
    Ok(Measured {
        timing: timing.per(points),
        loss: objective.loss(&case.theta, &mut objective.workspace()),
        check: vector::sum(&slice.loss) / points as f64,
    })
}

fn gradient(case: &Case, (clock, seconds): (Clock, f64)) -> Result<Measured, String> {
    let objective = objective::<f32>(case)?;
    let mut workspace = objective.workspace();
    let mut gradient = vec![0.0; objective.dim()];
    let mut loss = f64::NAN;
    let timing = repeat(clock, seconds, || {
        loss = objective.gradient(black_box(&case.theta), &mut workspace, &mut gradient);
        black_box(&mut gradient);
    });
    Ok(Measured {
        timing,
        loss,
        check: vector::norm(&gradient),
    })
}

fn curvature<T: Real>(
    work: Work,
    case: &Case,
    (clock, seconds): (Clock, f64),
) -> Result<Measured, String> {
    let objective = objective::<T>(case)?;
    let converted = |vector: &[f32]| -> Vec<T> {
        let numbers = vector.iter();
        numbers.map(|x| T::from_f64(f64::from(*x))).collect()
    };
    let theta = converted(&case.theta);
    let operator = match work {
        Work::GaussNewton => objective.gauss_newton(&theta),
        _ => objective.hessian(&theta),
    };
    let v = converted(&case.directions[0]);
    let mut product = vec![T::ZERO; v.len()];
    let timing = repeat(clock, seconds, || {
        operator.product(black_box(&v), &mut product);
        black_box(&mut product);
    });
    let pairs = v.iter().zip(&product);
    Ok(Measured {
        timing,
        loss: objective.loss(&theta, &mut objective.workspace()),
        check: pairs.map(|(v, hv)| v.to_f64() * hv.to_f64()).sum(),
    })
}

fn gradient_norms(case: &Case, (clock, seconds): (Clock, f64)) -> Result<Measured, String> {
    let objective = objective::<f32>(case)?;
    let mut workspace = objective.workspace();
    let mut norms = Vec::new();
    let timing = repeat(clock, seconds, || {
        norms = objective.per_sample_gradient_norms(black_box(&case.theta), &mut workspace);
        black_box(&mut norms);
    });
    Ok(Measured {
        timing,
        loss: objective.loss(&case.theta, &mut workspace),
        check: vector::sum(&norms) / norms.len() as f64,
    })
}

fn training_step(case: &Case, (clock, seconds): (Clock, f64)) -> Result<Measured, String> {
    let mut run = training_run(case)?;
    let mut failure = None;
    let timing = repeat(clock, seconds, || {
        if let Err(error) = run.step() {
            failure = Some(error.to_string());
        }
    });
    let diverged = || run.divergence().map(|found| found.explanation.clone());
    if let Some(message) = failure.or_else(diverged) {
        return Err(message);
    }
    let objective = &run.setup().training;
    Ok(Measured {
        timing,
        loss: objective.loss(&case.theta, &mut objective.workspace()),
        check: vector::norm(&case.theta),
    })
}

/// A run with Adam (learning rate 0.001) on the data and from the parameters of
/// a case, in batches of [`NetworkKind::batch`] samples.
///
/// # Errors
/// A sentence on what could not be made.
pub fn training_run(case: &Case) -> Result<Run, String> {
    let mut recipe = Recipe::defaults(catalogue::schema());
    recipe.model = case.kind.model();
    recipe.training.set("batch_size", case.kind.batch() as i64);
    recipe.training.set("steps", i64::from(i32::MAX));
    recipe.training.set("validation_every", 0i64);
    for (key, kind) in [("loss", "cross_entropy"), ("optimizer", "adam")] {
        let section = catalogue::schema().section(key);
        let component = section.and_then(|section| section.component(kind));
        match (component, recipe.section_mut(key)) {
            (Some(component), Some(place)) => *place = component,
            _ => return Err(format!("there is no {kind} in [{key}]")),
        }
    }
    recipe.optimizer.set("learning_rate", 0.001);
    let data = PreparedData {
        train: case.data.clone(),
        validation: None,
        standardization: None,
        train_indices: (0..case.data.len()).collect(),
        validation_indices: Vec::new(),
        relabelled: Vec::new(),
    };
    let theta = Some(case.theta.clone());
    let setup = Setup::with_data(Arc::new(recipe), data, theta, Path::new("."))
        .map_err(|error| error.to_string())?;
    Run::from_setup(Arc::new(setup)).map_err(|error| error.to_string())
}
