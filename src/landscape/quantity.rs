//! What a plane can show beside the loss.

use serde::{Deserialize, Serialize};

use super::{Directions, PlaneLoss};
use crate::curvature::{ExtremalOptions, top_eigenvalues};
use crate::math::error::check_length;
use crate::math::rng::stream;
use crate::math::{MathError, Progress};
use crate::objective::{
    self, Objective, Plane, PlaneScratch, Products, Real, SampledLoss, Workspace,
};

/// What is shown at each point of a slice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SliceQuantity {
    /// The mean loss of the split.
    #[default]
    Loss,
    /// The share of the split's samples that are classified correctly.
    Accuracy,
    /// The mean loss of the split's samples of one class.
    ClassLoss {
        /// The class, from 0.
        class: usize,
    },
    /// The mean loss of these samples of the split.
    SampleLoss {
        /// Their numbers in the split, from 0.
        samples: Vec<usize>,
    },
    /// ‖∇L‖ of the split's mean loss.
    GradientNorm,
    /// |λ_min/λ_max| of the Hessian of the split's mean loss, by Lanczos (Li et
    /// al. 2018): near 0 where the loss is convex or almost, near 1 and above
    /// where it curves down as much as up.
    Convexity,
    /// The validation set's mean loss less the training set's.
    Gap,
}

impl SliceQuantity {
    /// Whether its values have a sign that means something, so that colours are
    /// centred on zero.
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Gap)
    }

    /// Whether its values are positive and may span orders of magnitude, so that
    /// a logarithm makes sense.
    pub fn suits_log(&self) -> bool {
        !matches!(self, Self::Gap | Self::Accuracy)
    }

    /// Whether it is a mean loss of samples.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::Loss | Self::ClassLoss { .. } | Self::SampleLoss { .. }
        )
    }

    /// Whether a point takes many times as long as its loss.
    pub fn is_costly(&self) -> bool {
        matches!(self, Self::Convexity)
    }
}

/// A quantity on the plane θ* + a·d₁ + b·d₂.
pub struct QuantityPlane<T> {
    kind: Kind<T>,
    population: Option<usize>,
}

enum Kind<T> {
    Loss(Objective<T>, Plane<T>),
    Accuracy(Objective<T>, Plane<T>),
    Gap([Objective<T>; 2], [Plane<T>; 2]),
    GradientNorm(Objective<T>, Frame<T>),
    Convexity(Objective<f64>, Frame<f64>),
}

/// The plane itself.
struct Frame<T> {
    centre: Vec<T>,
    first: Vec<T>,
    second: Vec<T>,
}

impl<T: Real> Frame<T> {
    fn point(&self, a: f64, b: f64, out: &mut Vec<T>) {
        let (a, b) = (T::from_f64(a), T::from_f64(b));
        let parts = self.centre.iter().zip(&self.first).zip(&self.second);
        out.clear();
        out.extend(parts.map(|((centre, first), second)| (*centre + b * *second) + a * *first));
    }
}

/// Where a plane lies in parameter space.
#[derive(Clone, Copy)]
pub struct Place<'a, T> {
    /// θ*.
    pub centre: &'a [T],
    /// d₁ and d₂.
    pub directions: &'a Directions,
}

impl<T: Real> Place<'_, T> {
    fn frame<S: Real>(&self) -> Frame<S> {
        Frame {
            centre: self
                .centre
                .iter()
                .map(|x| S::from_f64((*x).to_f64()))
                .collect(),
            first: narrowed(&self.directions.first),
            second: narrowed(&self.directions.second),
        }
    }

    fn plane(&self, objective: &Objective<T>) -> Plane<T> {
        let Directions { first, second, .. } = self.directions;
        let (first, second) = (narrowed::<T>(first), narrowed::<T>(second));
        objective.plane(self.centre, &first, &second)
    }

    fn check(&self, dim: usize) -> Result<(), MathError> {
        check_length("the centre of the plane", self.centre.len(), dim)?;
        check_length("a direction of the plane", self.directions.dim(), dim)
    }
}

fn narrowed<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|x| T::from_f64(*x)).collect()
}

/// Working memory for one thread on a [`QuantityPlane`].
#[derive(Default)]
pub struct QuantityScratch<T> {
    planes: [PlaneScratch<T>; 2],
    workspace: Workspace<T>,
    theta: Vec<T>,
    gradient: Vec<T>,
    double: Vec<f64>,
}

/// The residual of the ends of the spectrum in each point of a convexity map, as a
/// share of them: the ratio is right to about the square of that.
const CONVEXITY_TOLERANCE: f64 = 2e-2;
/// Products in each point at most.
const CONVEXITY_PRODUCTS: usize = 80;

impl<T: Real> QuantityPlane<T> {
    /// The mean loss of the objective's samples.
    ///
    /// # Errors
    /// `Length` where the place is one of another parameter space, as for all
    /// quantities.
    pub fn loss(objective: Objective<T>, place: Place<'_, T>) -> Result<Self, MathError> {
        place.check(objective.dim())?;
        let plane = place.plane(&objective);
        Ok(Kind::Loss(objective, plane).into())
    }

    /// The share of the objective's samples that are classified correctly.
    ///
    /// # Errors
    /// `Length`.
    pub fn accuracy(objective: Objective<T>, place: Place<'_, T>) -> Result<Self, MathError> {
        place.check(objective.dim())?;
        let plane = place.plane(&objective);
        Ok(Kind::Accuracy(objective, plane).into())
    }

    /// The mean loss of the second objective's samples less that of the first's.
    ///
    /// # Errors
    /// `Length`.
    pub fn gap(objectives: [Objective<T>; 2], place: Place<'_, T>) -> Result<Self, MathError> {
        for objective in &objectives {
            place.check(objective.dim())?;
        }
        let planes = [0, 1].map(|k| place.plane(&objectives[k]));
        Ok(Kind::Gap(objectives, planes).into())
    }

    /// The norm of the objective's gradient.
    ///
    /// # Errors
    /// `Length`.
    pub fn gradient_norm(objective: Objective<T>, place: Place<'_, T>) -> Result<Self, MathError> {
        place.check(objective.dim())?;
        Ok(Kind::GradientNorm(objective, place.frame()).into())
    }

    /// |λ_min/λ_max| of the objective's Hessian, in double precision.
    ///
    /// # Errors
    /// `Length`.
    pub fn convexity(objective: Objective<f64>, place: Place<'_, T>) -> Result<Self, MathError> {
        place.check(objective.dim())?;
        Ok(Kind::Convexity(objective, place.frame()).into())
    }

    /// Says that the objective's samples are drawn from a set of so many: means
    /// over them then come with standard errors.
    #[must_use]
    pub fn drawn_from(mut self, population: usize) -> Self {
        if matches!(self.kind, Kind::Loss(..) | Kind::Accuracy(..)) {
            self.population = Some(population);
        }
        self
    }

    /// The quantity at any parameters.
    pub fn value(&self, theta: &[T], scratch: &mut QuantityScratch<T>) -> f64 {
        let workspace = &mut scratch.workspace;
        match &self.kind {
            Kind::Loss(objective, _) => objective.loss(theta, workspace),
            Kind::Accuracy(objective, _) => objective
                .loss_and_accuracy(theta, workspace)
                .1
                .unwrap_or(f64::NAN),
            Kind::Gap([first, second], _) => {
                second.loss(theta, workspace) - first.loss(theta, workspace)
            }
            Kind::GradientNorm(objective, _) => {
                gradient_norm(objective, theta, workspace, &mut scratch.gradient)
            }
            Kind::Convexity(objective, _) => {
                scratch.double.clear();
                let double = theta.iter().map(|x| (*x).to_f64());
                scratch.double.extend(double);
                convexity(objective, &scratch.double, &())
            }
        }
    }
}

impl<T> From<Kind<T>> for QuantityPlane<T> {
    fn from(kind: Kind<T>) -> Self {
        Self {
            kind,
            population: None,
        }
    }
}

fn gradient_norm<T: Real>(
    objective: &Objective<T>,
    theta: &[T],
    workspace: &mut Workspace<T>,
    gradient: &mut Vec<T>,
) -> f64 {
    gradient.resize(theta.len(), T::ZERO);
    objective.gradient(theta, workspace, gradient);
    gradient
        .iter()
        .map(|x| (*x).to_f64() * (*x).to_f64())
        .sum::<f64>()
        .sqrt()
}

/// Not a number where the Hessian is not finite, not found, or no longer wanted.
fn convexity(objective: &Objective<f64>, theta: &[f64], progress: &dyn Progress) -> f64 {
    let options = ExtremalOptions {
        largest: 1,
        smallest: 1,
        tolerance: CONVEXITY_TOLERANCE,
        max_products: CONVEXITY_PRODUCTS,
        ..ExtremalOptions::default()
    };
    // The same start in every point: none depends on which came before.
    let mut random = stream(0, "convexity");
    let found = objective
        .hessian_until(theta, progress)
        .map_err(MathError::from)
        .and_then(|hessian| top_eigenvalues(&hessian, &options, &[], &mut random, progress));
    match found {
        Ok(found) => match (found.sharpness(), found.lowest()) {
            (Some(largest), Some(smallest)) => (smallest.value / largest.value).abs(),
            _ => f64::NAN,
        },
        Err(_) => f64::NAN,
    }
}

impl<T: Real> PlaneLoss for QuantityPlane<T> {
    type Scratch = QuantityScratch<T>;

    fn scratch(&self) -> QuantityScratch<T> {
        QuantityScratch::default()
    }

    fn loss_at(&self, a: f64, b: f64, scratch: &mut QuantityScratch<T>) -> f64 {
        let [first, second] = &mut scratch.planes;
        match &self.kind {
            Kind::Loss(_, plane) => plane.loss_at(a, b, first),
            Kind::Accuracy(_, plane) => plane.accuracy_at(a, b, first).mean,
            Kind::Gap(_, planes) => {
                planes[1].loss_at(a, b, second) - planes[0].loss_at(a, b, first)
            }
            Kind::GradientNorm(objective, frame) => {
                frame.point(a, b, &mut scratch.theta);
                let (theta, workspace) = (&scratch.theta, &mut scratch.workspace);
                gradient_norm(objective, theta, workspace, &mut scratch.gradient)
            }
            Kind::Convexity(..) => self.loss_until(a, b, scratch, &()),
        }
    }

    fn loss_until(
        &self,
        a: f64,
        b: f64,
        scratch: &mut QuantityScratch<T>,
        progress: &dyn Progress,
    ) -> f64 {
        match &self.kind {
            Kind::Convexity(objective, frame) => {
                frame.point(a, b, &mut scratch.double);
                convexity(objective, &scratch.double, progress)
            }
            _ => self.loss_at(a, b, scratch),
        }
    }

    fn population(&self) -> Option<usize> {
        self.population
    }

    fn is_costly(&self) -> bool {
        match &self.kind {
            Kind::Loss(_, plane) | Kind::Accuracy(_, plane) => plane.is_costly(),
            Kind::Gap(_, planes) => planes.iter().any(PlaneLoss::is_costly),
            Kind::GradientNorm(objective, _) => {
                let products = Products::of(objective.network());
                products.gradient(objective.len()) > objective::LONG
            }
            Kind::Convexity(..) => true,
        }
    }

    fn sampled_loss_at(&self, a: f64, b: f64, scratch: &mut QuantityScratch<T>) -> SampledLoss {
        match &self.kind {
            Kind::Loss(_, plane) => plane.sampled_loss_at(a, b, &mut scratch.planes[0]),
            Kind::Accuracy(_, plane) => plane.accuracy_at(a, b, &mut scratch.planes[0]),
            _ => {
                let mut sampled = SampledLoss::default();
                sampled.add(std::iter::once(self.loss_at(a, b, scratch)));
                sampled
            }
        }
    }
}

#[cfg(test)]
#[path = "quantity_tests.rs"]
mod tests;
