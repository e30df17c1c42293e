//! Means, spreads, quantiles and moving averages.

use super::floats::Real;
use super::vector;

/// An estimate with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// The estimate.
    #[serde(with = "super::floats::cell")]
    pub value: f64,
    /// Its standard error, s/√m; not-a-number where one sample alone gives
    /// none.
    #[serde(with = "super::floats::cell")]
    pub stderr: f64,
}

impl Estimate {
    /// Mean of the samples with its standard error.
    pub fn of_mean(samples: &[f64]) -> Self {
        Self {
            value: mean(samples),
            stderr: stderr(samples),
        }
    }
}

/// Mean; not-a-number for no samples.
pub fn mean<T: Real>(samples: &[T]) -> f64 {
    if samples.is_empty() {
        f64::NAN
    } else {
        vector::sum(samples) / samples.len() as f64
    }
}

/// Unbiased variance (divided by m − 1); not-a-number for fewer than two
/// samples.
pub fn variance<T: Real>(samples: &[T]) -> f64 {
    if samples.len() < 2 {
        return f64::NAN;
    }
    let centre = mean(samples);
    let squares: f64 = samples.iter().map(|x| (x.to_f64() - centre).powi(2)).sum();
    squares / (samples.len() - 1) as f64
}

/// Standard error of the mean, √(variance/m); not-a-number for fewer than two
/// samples.
pub fn stderr<T: Real>(samples: &[T]) -> f64 {
    (variance(samples) / samples.len() as f64).sqrt()
}

/// Quantile `p` in [0, 1] with linear interpolation between order statistics
/// (type 7 of Hyndman and Fan 1996, the default of NumPy and R). Not-a-number
/// for no samples or if one of them is not a number.
pub fn quantile<T: Real>(samples: &[T], p: f64) -> f64 {
    let mut sorted = vector::to_f64(samples);
    if sorted.is_empty() || sorted.iter().any(|x| x.is_nan()) || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    sorted.sort_by(f64::total_cmp);
    let position = p * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = position.ceil() as usize;
    let share = position - below as f64;
    if share == 0.0 {
        // Also keeps ∞ − ∞ out.
        sorted[below]
    } else {
        sorted[below] * (1.0 - share) + sorted[above] * share
    }
}

/// The middle value, see [`quantile`].
pub fn median<T: Real>(samples: &[T]) -> f64 {
    quantile(samples, 0.5)
}

/// Mean and variance of a stream of samples (Welford 1962).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Running {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Running {
    /// Take one more sample.
    pub fn push(&mut self, x: f64) {
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (x - self.mean);
    }

    /// How many samples were taken.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean; not-a-number for no samples.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// Unbiased variance; not-a-number for fewer than two samples.
    pub fn variance(&self) -> f64 {
        if self.count < 2 {
            f64::NAN
        } else {
            self.squares / (self.count - 1) as f64
        }
    }
}

/// Exponential moving average, corrected for its start like Adam's moments:
/// the first value is the first sample, not a share of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ema {
    decay: f64,
    sum: f64,
    weight: f64,
}

impl Ema {
    /// With the share of the old value that each step keeps, in [0, 1).
    pub fn new(decay: f64) -> Self {
        Self {
            decay: decay.clamp(0.0, 1.0 - f64::EPSILON),
            sum: 0.0,
            weight: 0.0,
        }
    }

    /// Take one more sample and return the average. A sample that is not
    /// finite is returned as it is and not taken, so that one bad step does
    /// not spoil all later ones.
    pub fn push(&mut self, x: f64) -> f64 {
        if !x.is_finite() {
            return x;
        }
        self.sum = self.decay * self.sum + (1.0 - self.decay) * x;
        self.weight = self.decay * self.weight + (1.0 - self.decay);
        self.value()
    }

    /// The average; not-a-number before the first sample.
    pub fn value(&self) -> f64 {
        if self.weight > 0.0 {
            self.sum / self.weight
        } else {
            f64::NAN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_samples() {
        let x = [1.0, 2.0, 4.0];
        assert!((mean(&x) - 7.0 / 3.0).abs() < 1e-15);
        assert!((variance(&x) - 7.0 / 3.0).abs() < 1e-14);
        assert!((stderr(&x) - (7.0f64 / 9.0).sqrt()).abs() < 1e-14);
        assert!(mean::<f64>(&[]).is_nan());
        assert!(variance(&[1.0f32]).is_nan());
    }

    #[test]
    fn quantiles_interpolate() {
        let x = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&x, 0.0), 1.0);
        assert_eq!(quantile(&x, 1.0), 4.0);
        assert_eq!(median(&x), 2.5);
        assert!((quantile(&x, 0.25) - 1.75).abs() < 1e-15);
        assert!(median(&[1.0, f64::NAN]).is_nan());
        assert_eq!(quantile(&[1.0, f64::INFINITY], 1.0), f64::INFINITY);
        assert!(quantile(&x, 1.5).is_nan());
    }

    #[test]
    fn moving_average_starts_at_the_first_sample() {
        let mut ema = Ema::new(0.9);
        assert!(ema.value().is_nan());
        assert!((ema.push(5.0) - 5.0).abs() < 1e-14);
        assert!((ema.push(5.0) - 5.0).abs() < 1e-14);
        assert!(ema.push(f64::NAN).is_nan());
        assert!((ema.value() - 5.0).abs() < 1e-14);
        // Weights 0.081, 0.09 and 0.1 of the three samples.
        let expected = (0.171 * 5.0 + 0.1 * 6.0) / 0.271;
        assert!((ema.push(6.0) - expected).abs() < 1e-14);
    }

    proptest! {
        #[test]
        fn running_agrees_with_the_whole(x in prop::collection::vec(-1e3f64..1e3, 2..100)) {
            let mut running = Running::default();
            x.iter().for_each(|x| running.push(*x));
            prop_assert_eq!(running.count(), x.len() as u64);
            prop_assert!((running.mean() - mean(&x)).abs() < 1e-9);
            prop_assert!((running.variance() - variance(&x)).abs() < 1e-6);
        }
    }
}
