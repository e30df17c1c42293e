//! The largest rise of the loss in a neighbourhood of a point.
//!
//! All neighbourhoods are e = D·u with a diagonal D and ‖u‖ at most the radius:
//! in u the gradient is D∇L and the Hessian DHD, and there is one algorithm.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::EigenvalueEstimate;
use super::Measure;
use crate::math::error::check_length;
use crate::math::operator::SymmetricOperator;
use crate::math::{MathError, Progress, floats, vector};
use crate::objective::DifferentiableLoss;

/// Which displacements of θ are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbourhood {
    /// ‖e‖ ≤ ρ (Foret et al. 2021, "Sharpness-aware minimization").
    Ball,
    /// ‖e/|θ|‖ ≤ ρ (Kwon et al. 2021, "ASAM", elementwise, without their η).
    ScaledBall,
    /// |eᵢ| ≤ ε(|θᵢ| + 1) (Keskar et al. 2017, "On large-batch training").
    Box,
}

impl Neighbourhood {
    /// D: how far each parameter moves for one unit of u.
    pub fn scales(self, theta: &[f64]) -> Vec<f64> {
        match self {
            Self::Ball => vec![1.0; theta.len()],
            Self::ScaledBall => theta.iter().map(|x| x.abs()).collect(),
            Self::Box => theta.iter().map(|x| x.abs() + 1.0).collect(),
        }
    }

    /// The measure that the largest rise in it is.
    pub fn measure(self) -> Measure {
        match self {
            Self::Ball => Measure::Sam,
            Self::ScaledBall => Measure::Asam,
            Self::Box => Measure::Box,
        }
    }

    /// max ⟨h, u⟩ over ‖u‖ ≤ 1: ‖h‖₂ for balls, ‖h‖₁ for the box.
    fn dual_norm(self, h: &[f64]) -> f64 {
        match self {
            Self::Ball | Self::ScaledBall => vector::norm(h),
            Self::Box => h.iter().map(|x| x.abs()).sum(),
        }
    }

    /// The u with ‖u‖ ≤ radius for which ⟨h, u⟩ is largest; none where h says
    /// nothing.
    fn farthest(self, h: &[f64], radius: f64) -> Option<Vec<f64>> {
        // Norms of tiny gradients vanish: divide by the largest element first.
        let largest = vector::max_abs(h);
        if !(largest > 0.0 && largest.is_finite()) {
            return None;
        }
        let mut u: Vec<f64> = match self {
            Self::Ball | Self::ScaledBall => h.iter().map(|x| x / largest).collect(),
            Self::Box => h
                .iter()
                .map(|x| if *x == 0.0 { 0.0 } else { x.signum() })
                .collect(),
        };
        let length = match self {
            Self::Ball | Self::ScaledBall => vector::norm(&u),
            Self::Box => 1.0,
        };
        vector::scale(radius / length, &mut u);
        Some(u)
    }

    /// u ← the nearest point with ‖u‖ ≤ radius.
    fn project(self, u: &mut [f64], radius: f64) {
        match self {
            Self::Ball | Self::ScaledBall => {
                let length = vector::norm(u);
                if length > radius {
                    vector::scale(radius / length, u);
                }
            }
            Self::Box => u.iter_mut().for_each(|u| *u = u.clamp(-radius, radius)),
        }
    }
}

/// D A D for a diagonal D: the Hessian in the coordinates u of a neighbourhood.
pub struct Scaled<A> {
    inner: A,
    scales: Vec<f64>,
}

impl<A: SymmetricOperator> Scaled<A> {
    /// With the diagonal of D.
    ///
    /// # Errors
    /// `Length` if D has another length than A.
    pub fn new(inner: A, scales: Vec<f64>) -> Result<Self, MathError> {
        check_length("the scales", scales.len(), inner.dim())?;
        Ok(Self { inner, scales })
    }
}

impl<A: SymmetricOperator> SymmetricOperator for Scaled<A> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        let scaled: Vec<f64> = v.iter().zip(&self.scales).map(|(v, d)| v * d).collect();
        self.inner.apply(&scaled, out);
        for (out, d) in out.iter_mut().zip(&self.scales) {
            *out *= d;
        }
    }
}

/// How far the loss rises within one radius.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rise {
    /// ρ, or ε of the box.
    pub radius: f64,
    /// L(θ + e) − L(θ) for the e that is best to first order: ρg/‖g‖ in the
    /// ball, ρθ²⊙g/‖|θ|⊙g‖ in the scaled ball, ε(|θ|+1)⊙sign g in the box. It
    /// may be negative.
    #[serde(with = "floats::cell")]
    pub one_step: f64,
    /// The largest rise that ascent found: at least `one_step` and zero, at most
    /// the true maximum, never less than at a smaller radius.
    #[serde(with = "floats::cell")]
    pub ascent: f64,
    /// ρ‖D∇L‖ + ½ρ²λ₁(DHD): never less than the largest rise of the loss's
    /// quadratic model on the sphere. None for the box, and where λ₁ was not
    /// asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_order: Option<f64>,
}

/// The largest rises of the loss in neighbourhoods of growing radius.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstCase {
    /// Of which kind.
    pub neighbourhood: Neighbourhood,
    /// The slope at the centre, max ⟨D∇L, u⟩ over ‖u‖ ≤ 1: ‖∇L‖ in the ball,
    /// ‖|θ|⊙∇L‖ in the scaled ball, ‖(|θ|+1)⊙∇L‖₁ in the box.
    #[serde(with = "floats::cell")]
    pub slope: f64,
    /// λ₁(DHD), where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curvature: Option<EigenvalueEstimate>,
    /// One for each radius, ascending.
    pub rises: Vec<Rise>,
    /// Gradients that the ascents took.
    pub gradients: usize,
}

impl WorstCase {
    /// The rise at this very radius.
    pub fn at(&self, radius: f64) -> Option<&Rise> {
        self.rises.iter().find(|rise| rise.radius == radius)
    }
}

/// How a maximum is looked for.
#[derive(Debug, Clone, Copy)]
pub struct AscentOptions<'a> {
    /// Gradients for each start, at most.
    pub steps: usize,
    /// λ₁(DHD) with its eigenvector in u, a further start in both directions:
    /// where the gradient vanishes it is the only one.
    pub curvature: Option<(EigenvalueEstimate, &'a [f64])>,
}

/// Starts that are followed, of all that are tried.
const FOLLOWED: usize = 2;

/// Halvings of a step before a point counts as a maximum.
const HALVINGS: usize = 20;

/// Find how far the loss rises in neighbourhoods of the given radii.
///
/// Each ascent goes to the point of the neighbourhood that is farthest along the
/// gradient, which for a convex loss never lowers it (the generalized power
/// method, Journée et al. 2010); where that does not raise the loss, it is
/// projected gradient ascent with halved steps. Starts are the first-order
/// point, ± the eigenvector, and the maximum of the next smaller radius; the
/// best of them are followed. What is found is a lower bound of the maximum.
///
/// Progress counts radii.
///
/// # Errors
/// `Length`, `Argument` for radii that are not positive and ascending,
/// `NotFinite` for a loss or gradient at θ that is not, `Cancelled`.
pub fn worst_case<L: DifferentiableLoss + ?Sized>(
    loss: &L,
    theta: &[f64],
    neighbourhood: Neighbourhood,
    radii: &[f64],
    options: &AscentOptions<'_>,
    progress: &dyn Progress,
) -> Result<WorstCase, MathError> {
    check_length("the parameter vector", theta.len(), loss.dim())?;
    check_radii(radii)?;
    let mut scratch = loss.scratch();
    let mut around = Around {
        loss,
        theta,
        neighbourhood,
        scales: neighbourhood.scales(theta),
        centre: 0.0,
    };
    let origin = vec![0.0; theta.len()];
    let mut point = vec![0.0; theta.len()];
    let mut slope = vec![0.0; theta.len()];
    around.centre = around.slope(&origin, &mut point, &mut scratch, &mut slope);
    let dual = neighbourhood.dual_norm(&slope);
    if !(around.centre.is_finite() && dual.is_finite()) {
        return Err(MathError::NotFinite {
            what: "the loss or its gradient",
        });
    }
    let mut directions = vec![slope];
    if let Some((_, vector)) = options.curvature {
        check_length("the eigenvector", vector.len(), theta.len())?;
        directions.push(vector.to_vec());
        directions.push(vector.iter().map(|x| -x).collect());
    }
    let mut result = WorstCase {
        neighbourhood,
        slope: dual,
        curvature: options.curvature.map(|(value, _)| value),
        rises: Vec::with_capacity(radii.len()),
        gradients: 0,
    };
    let mut highest = Place {
        rise: 0.0,
        u: origin,
    };
    for (done, &radius) in radii.iter().enumerate() {
        progress.check()?;
        let mut starts: Vec<Vec<f64>> = Vec::new();
        let first = neighbourhood.farthest(&directions[0], radius);
        let steepest = first.is_some();
        starts.extend(first);
        starts.extend(neighbourhood.farthest(&highest.u, radius));
        for direction in &directions[1..] {
            starts.extend(neighbourhood.farthest(direction, radius));
        }
        let mut places: Vec<Place> = starts
            .into_iter()
            .map(|u| {
                progress.check()?;
                Ok(Place {
                    rise: around.rise(&u, &mut point, &mut scratch),
                    u,
                })
            })
            .collect::<Result<_, MathError>>()?;
        // Without a slope the first-order point is θ itself.
        let one_step = if steepest { places[0].rise } else { 0.0 };
        // What is not a number comes last.
        places.sort_by(|a, b| key(b.rise).total_cmp(&key(a.rise)));
        let found: Vec<(Place, usize)> = places
            .into_par_iter()
            .take(FOLLOWED)
            .map(|place| around.ascend(place, radius, options.steps, progress))
            .collect::<Result<_, MathError>>()?;
        for (place, gradients) in found {
            result.gradients += gradients;
            if place.rise > highest.rise {
                highest = place;
            }
        }
        let second_order = match (neighbourhood, options.curvature) {
            (Neighbourhood::Box, _) | (_, None) => None,
            (_, Some((curvature, _))) => {
                Some(radius * dual + 0.5 * radius * radius * curvature.value)
            }
        };
        result.rises.push(Rise {
            radius,
            one_step,
            ascent: highest.rise,
            second_order,
        });
        progress.report(done + 1, radii.len());
    }
    Ok(result)
}

fn key(rise: f64) -> f64 {
    if rise.is_nan() {
        f64::NEG_INFINITY
    } else {
        rise
    }
}

pub(super) fn check_radii(radii: &[f64]) -> Result<(), MathError> {
    let ascending = radii.windows(2).all(|pair| pair[0] < pair[1]);
    let usable = radii
        .iter()
        .all(|radius| *radius > 0.0 && radius.is_finite());
    if ascending && usable {
        Ok(())
    } else {
        Err(MathError::Argument {
            what: "the list of radii",
            found: format!("{radii:?}"),
            expected: "positive finite numbers in ascending order",
        })
    }
}

/// A displacement and how far the loss rises there.
struct Place {
    rise: f64,
    u: Vec<f64>,
}

/// The loss around θ in the coordinates u.
struct Around<'a, L: ?Sized> {
    loss: &'a L,
    theta: &'a [f64],
    neighbourhood: Neighbourhood,
    scales: Vec<f64>,
    /// L(θ).
    centre: f64,
}

impl<L: DifferentiableLoss + ?Sized> Around<'_, L> {
    fn place(&self, u: &[f64], point: &mut [f64]) {
        for (((point, theta), scale), u) in
            point.iter_mut().zip(self.theta).zip(&self.scales).zip(u)
        {
            *point = theta + scale * u;
        }
    }

    fn rise(&self, u: &[f64], point: &mut [f64], scratch: &mut L::Scratch) -> f64 {
        self.place(u, point);
        self.loss.value(point, scratch) - self.centre
    }

    /// `slope` ← D∇L(θ + Du); returns the loss there.
    fn slope(
        &self,
        u: &[f64],
        point: &mut [f64],
        scratch: &mut L::Scratch,
        slope: &mut [f64],
    ) -> f64 {
        self.place(u, point);
        let loss = self.loss.differentiate(point, scratch, slope);
        for (slope, scale) in slope.iter_mut().zip(&self.scales) {
            *slope *= scale;
        }
        loss
    }

    /// Climb from a place; returns where it ends and the gradients taken.
    fn ascend(
        &self,
        mut place: Place,
        radius: f64,
        steps: usize,
        progress: &dyn Progress,
    ) -> Result<(Place, usize), MathError> {
        let mut scratch = self.loss.scratch();
        let mut point = vec![0.0; self.theta.len()];
        let mut slope = vec![0.0; self.theta.len()];
        // The share of the way to the farthest point that the last step took.
        let mut share = f64::INFINITY;
        for taken in 0..steps {
            progress.check()?;
            self.slope(&place.u, &mut point, &mut scratch, &mut slope);
            let Some(farthest) = self.neighbourhood.farthest(&slope, radius) else {
                return Ok((place, taken + 1));
            };
            let before = place.rise;
            for _ in 0..HALVINGS {
                progress.check()?;
                let mut u = farthest.clone();
                if share.is_finite() {
                    for (u, at) in u.iter_mut().zip(&place.u) {
                        *u = at + share * *u;
                    }
                    self.neighbourhood.project(&mut u, radius);
                }
                let rise = self.rise(&u, &mut point, &mut scratch);
                if rise > before {
                    place = Place { rise, u };
                    break;
                }
                share = if share.is_finite() { 0.5 * share } else { 1.0 };
            }
            let gained = place.rise - before;
            let rounding = 1e-12 * (place.rise.abs() + self.centre.abs());
            if gained.is_nan() || gained <= rounding {
                return Ok((place, taken + 1));
            }
            share *= 2.0;
        }
        Ok((place, steps))
    }
}
