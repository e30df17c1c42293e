//! What an analysis of a plane needs to know of a loss.

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
}

impl<P: PlaneLoss + ?Sized> PlaneLoss for &P {
    type Scratch = P::Scratch;

    fn scratch(&self) -> Self::Scratch {
        (**self).scratch()
    }

    fn loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> f64 {
        (**self).loss_at(a, b, scratch)
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
