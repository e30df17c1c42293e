//! The linear assignment problem, solved exactly for real costs.
//!
//! Rows are inserted one by one; each follows the shortest augmenting path in
//! the reduced costs (Jonker & Volgenant 1987; Crouse 2016), O(n³) in all. The
//! dual potentials come with the answer and prove that it is the best.

use super::error::{MathError, check_length};
use super::progress::Progress;

/// A permutation of least cost, with the potentials that prove it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The column of every row.
    pub columns: Vec<usize>,
    /// u: with v, u_i + v_j ≤ c_ij everywhere, and equal where row i has
    /// column j, both up to rounding.
    pub row_potentials: Vec<f64>,
    /// v.
    pub column_potentials: Vec<f64>,
}

impl Assignment {
    /// Σ_i c[i][column of i] for row-major n×n values.
    pub fn total(&self, values: &[f64]) -> f64 {
        let n = self.columns.len();
        self.columns
            .iter()
            .enumerate()
            .map(|(row, column)| values[row * n + column])
            .sum()
    }
}

/// The permutation with the least total of row-major n×n `costs`.
///
/// # Errors
/// `Length`, `NotFinite`, `Cancelled`. Progress counts rows.
pub fn assign_least(
    n: usize,
    costs: &[f64],
    progress: &dyn Progress,
) -> Result<Assignment, MathError> {
    check_length("a cost matrix", costs.len(), n * n)?;
    if !costs.iter().all(|cost| cost.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a cost matrix",
        });
    }
    const FREE: usize = usize::MAX;
    let mut u = vec![0.0; n];
    let mut v = vec![0.0; n];
    let mut row_of = vec![FREE; n];
    let mut column_of = vec![FREE; n];
    let mut shortest = vec![0.0; n];
    let mut before = vec![FREE; n];
    let mut done = vec![false; n];
    for start in 0..n {
        progress.check()?;
        shortest.fill(f64::INFINITY);
        before.fill(FREE);
        done.fill(false);
        // Columns whose shortest path is settled, in that order.
        let mut settled = Vec::new();
        let (mut row, mut length) = (start, 0.0);
        let end = loop {
            let base = length - u[row];
            let mut nearest = FREE;
            let mut least = f64::INFINITY;
            let costs = &costs[row * n..(row + 1) * n];
            for column in 0..n {
                if done[column] {
                    continue;
                }
                let through = base + (costs[column] - v[column]);
                if through < shortest[column] {
                    shortest[column] = through;
                    before[column] = row;
                }
                // Among equals a free column ends the search at once.
                if shortest[column] < least || (shortest[column] == least && row_of[column] == FREE)
                {
                    least = shortest[column];
                    nearest = column;
                }
            }
            if nearest == FREE {
                // Only where sums of finite costs overflow.
                return Err(MathError::NotFinite {
                    what: "a sum of costs",
                });
            }
            length = least;
            done[nearest] = true;
            settled.push(nearest);
            if row_of[nearest] == FREE {
                break nearest;
            }
            row = row_of[nearest];
        };
        u[start] += length;
        for column in settled {
            let slack = length - shortest[column];
            if column != end {
                u[row_of[column]] += slack;
            }
            v[column] -= slack;
        }
        // Turn the path round: every row on it takes the next column.
        let mut column = end;
        loop {
            let row = before[column];
            row_of[column] = row;
            let former = std::mem::replace(&mut column_of[row], column);
            if row == start {
                break;
            }
            column = former;
        }
        progress.report(start + 1, n);
    }
    Ok(Assignment {
        columns: column_of,
        row_potentials: u,
        column_potentials: v,
    })
}

/// The permutation with the greatest total of row-major n×n `scores`. The
/// potentials are those of the costs −`scores`.
///
/// # Errors
/// See [`assign_least`].
pub fn assign_greatest(
    n: usize,
    scores: &[f64],
    progress: &dyn Progress,
) -> Result<Assignment, MathError> {
    let costs: Vec<f64> = scores.iter().map(|score| -score).collect();
    assign_least(n, &costs, progress)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::CancelToken;
    use crate::math::rng::stream;
    use proptest::prelude::*;
    use rand::Rng as _;

    /// The least total over all permutations.
    fn brute_force(n: usize, costs: &[f64]) -> f64 {
        fn best(n: usize, row: usize, used: &mut Vec<bool>, costs: &[f64]) -> f64 {
            if row == n {
                return 0.0;
            }
            let mut least = f64::INFINITY;
            for column in 0..n {
                if !std::mem::replace(&mut used[column], true) {
                    least = least.min(costs[row * n + column] + best(n, row + 1, used, costs));
                    used[column] = false;
                }
            }
            least
        }
        best(n, 0, &mut vec![false; n], costs)
    }

    /// What proves an assignment: it is a permutation, the potentials are
    /// feasible, and the dual total equals the primal one.
    fn assert_optimal(n: usize, costs: &[f64], found: &Assignment) {
        let mut sorted = found.columns.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..n).collect::<Vec<_>>());
        let size = costs.iter().fold(1.0f64, |size, cost| size.max(cost.abs()));
        let slack = 1e-12 * size * n as f64;
        for i in 0..n {
            for j in 0..n {
                let dual = found.row_potentials[i] + found.column_potentials[j];
                assert!(dual <= costs[i * n + j] + slack);
            }
        }
        let dual: f64 =
            found.row_potentials.iter().sum::<f64>() + found.column_potentials.iter().sum::<f64>();
        assert!((dual - found.total(costs)).abs() <= slack * n as f64);
    }

    proptest! {
        #[test]
        fn it_is_as_good_as_trying_all(
            (n, costs) in (1usize..=7).prop_flat_map(|n| {
                (Just(n), prop::collection::vec(-10.0f64..10.0, n * n))
            }),
        ) {
            let found = assign_least(n, &costs, &()).unwrap();
            assert_optimal(n, &costs, &found);
            prop_assert!((found.total(&costs) - brute_force(n, &costs)).abs() < 1e-11);
        }

        #[test]
        fn ties_are_no_trouble(
            (n, costs) in (1usize..=6).prop_flat_map(|n| {
                (Just(n), prop::collection::vec(0u8..3, n * n))
            }),
        ) {
            let costs: Vec<f64> = costs.into_iter().map(f64::from).collect();
            let found = assign_least(n, &costs, &()).unwrap();
            assert_optimal(n, &costs, &found);
            prop_assert_eq!(found.total(&costs), brute_force(n, &costs));
        }
    }

    #[test]
    fn large_ones_are_proved_by_their_potentials() {
        let n = 200;
        let mut random = stream(0, "assignment");
        let costs: Vec<f64> = (0..n * n).map(|_| random.random_range(-1.0..1.0)).collect();
        let found = assign_least(n, &costs, &()).unwrap();
        assert_optimal(n, &costs, &found);
        let greatest = assign_greatest(n, &costs, &()).unwrap();
        assert!(greatest.total(&costs) > 0.0 && found.total(&costs) < 0.0);
    }

    #[test]
    fn the_textbook_example() {
        // Rows to columns 1, 0, 2: 1 + 2 + 2.
        let costs = [4.0, 1.0, 3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 2.0];
        let found = assign_least(3, &costs, &()).unwrap();
        assert_eq!(found.columns, [1, 0, 2]);
        assert_eq!(found.total(&costs), 5.0);
        assert!(assign_least(0, &[], &()).unwrap().columns.is_empty());
    }

    #[test]
    fn what_cannot_be_solved_is_refused() {
        assert!(matches!(
            assign_least(2, &[1.0, f64::NAN, 0.0, 1.0], &()),
            Err(MathError::NotFinite { .. })
        ));
        assert!(matches!(
            assign_least(2, &[1.0], &()),
            Err(MathError::Length { .. })
        ));
        let cancelled = CancelToken::new();
        cancelled.cancel();
        assert_eq!(
            assign_least(2, &[0.0; 4], &cancelled),
            Err(MathError::Cancelled)
        );
    }
}
