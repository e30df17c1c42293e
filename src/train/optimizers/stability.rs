//! Where an optimizer becomes unstable on a quadratic.

/// Up to which sharpness steps of a given size are stable on a quadratic: up to
/// c/η, less the weight decay that is added to every eigenvalue (Cohen et al.
/// 2021; adaptive methods: Cohen et al. 2022, where the Hessian is
/// preconditioned). Some rules have no such line.
#[derive(Clone, Debug)]
pub struct Stability {
    /// Whether the line is one for λ₁(P⁻¹H) of the preconditioned Hessian and
    /// not for λ₁(H): then the plot of the Hessian's eigenvalues has no line.
    pub preconditioned: bool,
    /// c, which momentum moves away from 2.
    pub coefficient: f64,
    /// What the threshold loses: the weight decay where it is added to every
    /// eigenvalue, its multiple for AdamW.
    pub weight_decay: f64,
    /// Weight decay that belongs to the Hessian before it is preconditioned:
    /// the line is one for P⁻¹(H + shift·I) then. Zero for the others.
    pub hessian_shift: f64,
    /// ρ where the gradient of (ρ/2)‖g‖² is added: an eigenvalue λ then acts as
    /// λ(1 + ρλ). Zero for the others.
    pub regularization: f64,
    /// Why there is no line, in a sentence.
    pub(super) absent: Option<&'static str>,
    pub(super) learning_rate: f64,
    pub(super) formula: fn(&str) -> String,
}

impl Stability {
    /// A line at `coefficient`/η for the Hessian itself, without weight decay.
    /// `formula` writes it for the name of η, or the largest η for that of λ₁.
    pub(super) fn line(coefficient: f64, learning_rate: f64, formula: fn(&str) -> String) -> Self {
        Self {
            preconditioned: false,
            coefficient,
            weight_decay: 0.0,
            hessian_shift: 0.0,
            regularization: 0.0,
            absent: None,
            learning_rate,
            formula,
        }
    }

    /// No line: the sharpness alone does not decide, for this reason.
    pub(super) fn none(reason: &'static str) -> Self {
        Self {
            absent: Some(reason),
            ..Self::line(f64::NAN, f64::NAN, |_| String::new())
        }
    }

    /// Why the sharpness alone does not decide, in a sentence, where there is no
    /// line at all.
    pub fn absent(&self) -> Option<&'static str> {
        self.absent
    }

    /// The largest stable sharpness, of the preconditioned Hessian where it is
    /// one of that; nothing where there is no line.
    pub fn threshold(&self) -> Option<f64> {
        if self.absent.is_some() {
            return None;
        }
        let plain = self.coefficient / self.learning_rate - self.weight_decay;
        if self.regularization > 0.0 && plain > 0.0 {
            // λ(1 + ρλ) = plain, in a form that loses no digits for small ρ.
            let root = (1.0 + 4.0 * self.regularization * plain).sqrt();
            return Some(2.0 * plain / (1.0 + root));
        }
        Some(plain)
    }

    /// The same where clipping shortens the gradient by this factor: it acts on
    /// the curvature as a smaller learning rate does, on weight decay not at all.
    /// From the condition above with λ·factor for λ.
    pub fn clipped_threshold(&self, factor: f64) -> Option<f64> {
        let clipped = Self {
            coefficient: self.coefficient / factor,
            weight_decay: self.weight_decay / factor,
            ..self.clone()
        };
        clipped.threshold()
    }

    /// A sharpness (of the preconditioned Hessian where the line is one of that)
    /// as a dimensionless number, η(λ + decay): unstable above
    /// [`Stability::coefficient`]. Nothing where there is no line.
    pub fn scaled(&self, sharpness: f64) -> Option<f64> {
        let acting = sharpness * (1.0 + self.regularization * sharpness);
        let scaled = self.learning_rate * (acting + self.weight_decay);
        self.absent.is_none().then_some(scaled)
    }

    /// The line in a plot of the Hessian's own eigenvalues, where there is one.
    pub fn sharpness_threshold(&self) -> Option<f64> {
        self.threshold().filter(|_| !self.preconditioned)
    }

    /// The threshold as a formula, such as `2/η`; empty where there is none.
    pub fn formula(&self) -> String {
        let formula = (self.formula)("η");
        if self.absent.is_some() {
            String::new()
        } else if self.regularization > 0.0 {
            let plain = if self.weight_decay == 0.0 {
                formula
            } else {
                format!("({formula} − decay)")
            };
            format!("(√(1 + 4ρ·{plain}) − 1)/(2ρ)")
        } else if self.weight_decay == 0.0 {
            formula
        } else if self.preconditioned {
            format!("{formula}·(1 − η·decay/2)")
        } else {
            format!("{formula} − decay")
        }
    }

    /// The largest stable learning rate at this sharpness with its formula, such
    /// as `2/λ₁`; nothing where the Hessian's own sharpness does not decide.
    pub fn largest_learning_rate(&self, sharpness: f64) -> Option<(f64, String)> {
        let acting = sharpness * (1.0 + self.regularization * sharpness);
        let curvature = acting + self.weight_decay;
        if self.absent.is_some() || self.preconditioned || curvature.is_nan() || curvature <= 0.0 {
            return None;
        }
        let formula = match (self.regularization > 0.0, self.weight_decay > 0.0) {
            (false, false) => (self.formula)("λ₁"),
            (false, true) => (self.formula)("(λ₁ + decay)"),
            (true, false) => (self.formula)("(λ₁ + ρλ₁²)"),
            (true, true) => (self.formula)("(λ₁ + ρλ₁² + decay)"),
        };
        Some((self.coefficient / curvature, formula))
    }
}
