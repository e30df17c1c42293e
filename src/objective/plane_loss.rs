//! What an analysis of a plane needs to know of a loss.

use crate::math::Progress;

/// Something whose loss can be evaluated along θ* + a·d₁ + b·d₂ from many
/// threads.
pub trait PlaneLoss: Sync {
    /// What one thread needs to evaluate points: buffers, mostly.
    type Scratch: Send;

    /// A scratch for one thread.
    fn scratch(&self) -> Self::Scratch;

    /// Mean loss at displacement (a, b). A loss that is infinite or not a
    /// number is returned as it is.
    fn loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> f64;

    /// How many samples there are in the set from which this loss's samples were
    /// drawn; none where they are not an excerpt. Slices of an excerpt come with
    /// standard errors.
    fn population(&self) -> Option<usize> {
        None
    }

    /// Whether a point takes so long that even a coarse picture is given up when
    /// nobody waits for it.
    fn is_costly(&self) -> bool {
        false
    }

    /// The same, given up as not-a-number soon after `progress` is cancelled: for
    /// what takes long in a single point.
    fn loss_until(
        &self,
        a: f64,
        b: f64,
        scratch: &mut Self::Scratch,
        _progress: &dyn Progress,
    ) -> f64 {
        self.loss_at(a, b, scratch)
    }

    /// The same with the variance over the samples. What has no samples is one
    /// sample.
    fn sampled_loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> SampledLoss {
        let mut sampled = SampledLoss::default();
        sampled.add(std::iter::once(self.loss_at(a, b, scratch)));
        sampled
    }
}

/// Mean and variance of a loss over samples: where the samples are drawn from
/// a larger set, the mean comes with a standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SampledLoss {
    /// Number of samples.
    pub samples: usize,
    /// Their mean loss.
    pub mean: f64,
    /// Σ (ℓ − mean)².
    squares: f64,
}

impl SampledLoss {
    /// Of samples that count 1 for a hit and else 0: the mean is the share of
    /// hits.
    pub fn of_hits(hits: usize, samples: usize) -> Self {
        let mean = hits as f64 / samples as f64;
        Self {
            samples,
            mean,
            squares: hits as f64 * (1.0 - mean),
        }
    }

    /// Takes in further samples: their own mean and squares first, then the
    /// parallel update of Chan, Golub and LeVeque (1979), which loses no digits
    /// where the losses are large and alike.
    pub fn add(&mut self, losses: impl ExactSizeIterator<Item = f64> + Clone) {
        let (old, new) = (self.samples as f64, losses.len() as f64);
        if new == 0.0 {
            return;
        }
        let mean = losses.clone().sum::<f64>() / new;
        let squares: f64 = losses.map(|loss| (loss - mean) * (loss - mean)).sum();
        let apart = mean - self.mean;
        self.mean += apart * new / (old + new);
        self.squares += squares + apart * apart * old * new / (old + new);
        self.samples += new as usize;
    }

    /// The variance over the samples, divided by their number less one; not a
    /// number for a single sample.
    pub fn variance(&self) -> f64 {
        self.squares / (self.samples as f64 - 1.0)
    }

    /// The standard error of the mean as an estimate for a set of `population`
    /// samples from which these were drawn without putting back: √(s²/n) with
    /// the factor √(1 − n/N), so that nothing is left of it where they are all.
    pub fn standard_error(&self, population: usize) -> f64 {
        if self.samples >= population {
            return 0.0;
        }
        let share = self.samples as f64 / population as f64;
        (self.variance() / self.samples as f64 * (1.0 - share)).sqrt()
    }
}

impl<P: PlaneLoss + ?Sized> PlaneLoss for &P {
    type Scratch = P::Scratch;

    fn scratch(&self) -> Self::Scratch {
        (**self).scratch()
    }

    fn loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> f64 {
        (**self).loss_at(a, b, scratch)
    }

    fn population(&self) -> Option<usize> {
        (**self).population()
    }

    fn is_costly(&self) -> bool {
        (**self).is_costly()
    }

    fn loss_until(
        &self,
        a: f64,
        b: f64,
        scratch: &mut Self::Scratch,
        progress: &dyn Progress,
    ) -> f64 {
        (**self).loss_until(a, b, scratch, progress)
    }

    fn sampled_loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> SampledLoss {
        (**self).sampled_loss_at(a, b, scratch)
    }
}

/// A plane given by a function of the two coordinates.
#[derive(Debug, Clone)]
pub struct PlaneFunction<F>(pub F);

impl<F: Fn(f64, f64) -> f64 + Sync> PlaneLoss for PlaneFunction<F> {
    type Scratch = ();

    fn scratch(&self) {}

    fn loss_at(&self, a: f64, b: f64, (): &mut ()) -> f64 {
        (self.0)(a, b)
    }
}
