//! The measures against closed forms, reference values and each other.

mod networks;
mod quadratics;

use super::AscentOptions;

fn plain(steps: usize) -> AscentOptions<'static> {
    AscentOptions {
        steps,
        curvature: None,
    }
}
