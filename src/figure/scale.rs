//! Axis transforms.

use serde::Serialize;

/// How values are laid out along an axis or a colour bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub enum Scale {
    /// Proportional to the value.
    #[default]
    Linear,
    /// Proportional to log₁₀ of the value; only positive values have a place.
    Log10,
    /// Linear within ± the threshold, logarithmic beyond it on both sides: for
    /// spectra with eigenvalues of both signs over many decades.
    SymLog {
        /// Where the linear part ends; positive.
        linear_threshold: f64,
    },
}

impl Scale {
    /// The place of a value along the axis: the value itself, its log₁₀, or,
    /// for the symmetric logarithm with threshold t, v/t within ±t and
    /// sign(v)·(1 + log₁₀(|v|/t)) beyond. Not-a-number where the value has no
    /// place.
    pub fn forward(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log10 => {
                if value > 0.0 {
                    value.log10()
                } else {
                    f64::NAN
                }
            }
            Self::SymLog { linear_threshold } => {
                let t = positive(linear_threshold);
                let scaled = value / t;
                if scaled.abs() <= 1.0 {
                    scaled
                } else {
                    scaled.signum() * (1.0 + scaled.abs().log10())
                }
            }
        }
    }

    /// The value at a place: the inverse of [`Scale::forward`].
    pub fn inverse(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Log10 => 10f64.powf(place),
            Self::SymLog { linear_threshold } => {
                let t = positive(linear_threshold);
                if place.abs() <= 1.0 {
                    place * t
                } else {
                    place.signum() * t * 10f64.powf(place.abs() - 1.0)
                }
            }
        }
    }

    /// Whether a value has a finite place on the axis.
    pub fn shows(self, value: f64) -> bool {
        self.forward(value).is_finite()
    }

    /// Where a value lies between two limits: 0 at `limits.0`, 1 at
    /// `limits.1`. For equal limits it is ½.
    pub fn fraction(self, value: f64, limits: (f64, f64)) -> f64 {
        let (low, high) = (self.forward(limits.0), self.forward(limits.1));
        let place = self.forward(value);
        if place.is_nan() || !(high - low).is_finite() {
            f64::NAN
        } else if high == low {
            0.5
        } else {
            (place - low) / (high - low)
        }
    }

    /// The value at a fraction between two limits.
    pub fn at_fraction(self, fraction: f64, limits: (f64, f64)) -> f64 {
        let (low, high) = (self.forward(limits.0), self.forward(limits.1));
        self.inverse(low + fraction * (high - low))
    }

    /// Limits that the scale can show: finite, different, in order and, for
    /// logarithms, positive. What it cannot use it replaces.
    pub fn usable_limits(self, limits: (f64, f64)) -> (f64, f64) {
        let (mut low, mut high) = limits;
        if low > high {
            (low, high) = (high, low);
        }
        if !self.shows(high) {
            high = if self.shows(low) { low * 10.0 } else { 1.0 };
        }
        if !self.shows(low) {
            low = match self {
                Self::Log10 => high / 10.0,
                _ => high.min(0.0),
            };
        }
        let (a, b) = (self.forward(low), self.forward(high));
        // Too close for floating-point numbers to tell ticks apart.
        if (b - a).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-290) {
            let half = match self {
                Self::Linear if low == 0.0 => 1.0,
                Self::Linear => low.abs() * 0.1,
                _ => 0.5,
            };
            return (self.inverse(a - half), self.inverse(b + half));
        }
        (low, high)
    }

    /// Limits widened on both sides by a fraction of their distance, measured
    /// along the axis.
    pub fn padded(self, limits: (f64, f64), fraction: f64) -> (f64, f64) {
        let (a, b) = (self.forward(limits.0), self.forward(limits.1));
        let pad = (b - a) * fraction;
        (self.inverse(a - pad), self.inverse(b + pad))
    }
}

fn positive(threshold: f64) -> f64 {
    if threshold > 0.0 && threshold.is_finite() {
        threshold
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCALES: [Scale; 3] = [
        Scale::Linear,
        Scale::Log10,
        Scale::SymLog {
            linear_threshold: 1e-3,
        },
    ];

    proptest! {
        #[test]
        fn inverse_undoes_forward(exponent in -8.0..8.0f64, negative: bool) {
            for scale in SCALES {
                let magnitude = 10f64.powf(exponent);
                let value = if negative && scale != Scale::Log10 { -magnitude } else { magnitude };
                let back = scale.inverse(scale.forward(value));
                prop_assert!((back - value).abs() <= 1e-12 * value.abs());
            }
        }

        #[test]
        fn forward_is_increasing(a in -1e4..1e4f64, b in -1e4..1e4f64) {
            prop_assume!(a < b);
            for scale in SCALES {
                if scale.shows(a) && scale.shows(b) {
                    prop_assert!(scale.forward(a) <= scale.forward(b));
                }
            }
        }

        #[test]
        fn usable_limits_can_be_used(low in any::<f64>(), high in any::<f64>()) {
            prop_assume!(!(low.abs() > 1e300 || high.abs() > 1e300));
            for scale in SCALES {
                let (a, b) = scale.usable_limits((low, high));
                prop_assert!(scale.shows(a) && scale.shows(b), "{a} {b}");
                prop_assert!(a < b, "{scale:?} {low} {high} -> {a} {b}");
            }
        }
    }

    #[test]
    fn values_without_a_place_are_not_a_number() {
        assert!(Scale::Log10.forward(0.0).is_nan());
        assert!(Scale::Log10.forward(-1.0).is_nan());
        assert!(!Scale::Linear.shows(f64::INFINITY));
        assert_eq!(Scale::Linear.fraction(3.0, (3.0, 3.0)), 0.5);
    }
}
