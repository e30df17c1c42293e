//! Minima, saddles and the persistence of basins on the grid of a slice.
//!
//! The grid is cut into triangles by the rising diagonals of its cells, and the
//! loss taken as linear on each: then the sub-level sets {L ≤ c} change only at
//! grid points. As c rises, a basin is born at every minimum; where two meet, at
//! a saddle, the one with the higher minimum ends (the elder rule of persistent
//! homology: Edelsbrunner, Letscher & Zomorodian 2002). How long it lived, the
//! loss at the saddle minus that at the minimum, is its persistence: by how much
//! the loss has to rise before something else than this basin is seen.

use serde::{Deserialize, Serialize};

use super::Slice2d;
use crate::math::floats::cell;

/// A point of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GridPoint {
    /// Displacement along d₁.
    pub alpha: f64,
    /// Displacement along d₂.
    pub beta: f64,
    /// The loss there.
    #[serde(with = "cell")]
    pub loss: f64,
}

/// A basin of the loss on a plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Basin {
    /// Its lowest point.
    pub minimum: GridPoint,
    /// Where it meets a deeper basin; nothing for the deepest one, and for one
    /// that points without a finite loss separate from all others.
    pub saddle: Option<GridPoint>,
    /// Loss at the saddle minus loss at the minimum; infinite without a saddle.
    #[serde(with = "cell")]
    pub persistence: f64,
    /// Whether the minimum lies on the rim of the grid, where the loss may fall
    /// further outside.
    pub on_rim: bool,
}

/// The basins of a slice, the most persistent first. Points whose loss is not
/// finite belong to none.
pub fn basins(slice: &Slice2d) -> Vec<Basin> {
    let (width, height) = (slice.alpha.len(), slice.beta.len());
    let mut order: Vec<usize> = (0..slice.loss.len())
        .filter(|&k| slice.loss[k].is_finite())
        .collect();
    // Equal losses in the order of the grid, so that a plateau is one basin.
    order.sort_by(|&a, &b| slice.loss[a].total_cmp(&slice.loss[b]).then(a.cmp(&b)));
    let point = |k: usize| GridPoint {
        alpha: slice.alpha[k % width],
        beta: slice.beta[k / width],
        loss: slice.loss[k],
    };
    let on_rim = |k: usize| {
        let (i, j) = (k % width, k / width);
        i == 0 || j == 0 || i + 1 == width || j + 1 == height
    };
    let basin = |minimum: usize, saddle: Option<usize>| Basin {
        minimum: point(minimum),
        saddle: saddle.map(point),
        persistence: saddle.map_or(f64::INFINITY, |saddle| {
            slice.loss[saddle] - slice.loss[minimum]
        }),
        on_rim: on_rim(minimum),
    };
    let mut sets = Sets::new(slice.loss.len());
    let mut found = Vec::new();
    for &k in &order {
        sets.enter(k);
        for neighbour in neighbours(k, width, height) {
            if !sets.holds(neighbour) {
                continue;
            }
            let (a, b) = (sets.find(k), sets.find(neighbour));
            if a == b {
                continue;
            }
            // A set's root is its minimum: the one entered first.
            let (elder, younger) = if sets.age[a] < sets.age[b] {
                (a, b)
            } else {
                (b, a)
            };
            sets.parent[younger] = elder;
            // What was born at this very level was never a basin.
            if slice.loss[younger] < slice.loss[k] {
                found.push(basin(younger, Some(k)));
            }
        }
    }
    let roots: Vec<usize> = order
        .iter()
        .copied()
        .filter(|&k| sets.find(k) == k)
        .collect();
    found.extend(roots.into_iter().map(|root| basin(root, None)));
    found.sort_by(|a, b| {
        b.persistence
            .total_cmp(&a.persistence)
            .then(a.minimum.loss.total_cmp(&b.minimum.loss))
    });
    found
}

/// The corners of the triangles around a point.
fn neighbours(k: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    const STEPS: [(isize, isize); 6] = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)];
    let (i, j) = (k % width, k / width);
    STEPS.into_iter().filter_map(move |(di, dj)| {
        let (i, j) = (i.checked_add_signed(di)?, j.checked_add_signed(dj)?);
        (i < width && j < height).then_some(j * width + i)
    })
}

/// Disjoint sets of grid points, each with its lowest one as the root.
struct Sets {
    parent: Vec<usize>,
    /// When a point entered; the largest number for those that have not.
    age: Vec<usize>,
    entered: usize,
}

impl Sets {
    fn new(len: usize) -> Self {
        Self {
            parent: (0..len).collect(),
            age: vec![usize::MAX; len],
            entered: 0,
        }
    }

    fn enter(&mut self, k: usize) {
        self.age[k] = self.entered;
        self.entered += 1;
    }

    fn holds(&self, k: usize) -> bool {
        self.age[k] != usize::MAX
    }

    fn find(&mut self, mut k: usize) -> usize {
        while self.parent[k] != k {
            self.parent[k] = self.parent[self.parent[k]];
            k = self.parent[k];
        }
        k
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slice(n: usize, f: impl Fn(f64, f64) -> f64) -> Slice2d {
        let axis: Vec<f64> = (0..n)
            .map(|i| -2.0 + 4.0 * i as f64 / (n - 1) as f64)
            .collect();
        let rows = axis
            .iter()
            .map(|b| axis.iter().map(|a| f(*a, *b)).collect());
        let rows: Vec<Vec<f64>> = rows.collect();
        Slice2d {
            loss: rows.concat(),
            alpha: axis.clone(),
            beta: axis,
            stderr: None,
            level: 0,
            levels: 1,
        }
    }

    #[test]
    fn a_bowl_is_one_basin() {
        let found = basins(&slice(33, |a, b| a * a + 2.0 * b * b));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].minimum.alpha, 0.0);
        assert_eq!(found[0].minimum.loss, 0.0);
        assert_eq!((found[0].saddle, found[0].on_rim), (None, false));
        assert_eq!(found[0].persistence, f64::INFINITY);
    }

    #[test]
    fn a_double_well_has_a_bar_as_long_as_its_barrier() {
        // Minima at (±1, 0) of loss 0 and 0.1, saddle near the middle.
        let found = basins(&slice(65, |a, b| {
            (a * a - 1.0).powi(2) + 0.05 * (1.0 - a) + b * b
        }));
        assert_eq!(found.len(), 2);
        let (deep, shallow) = (found[0], found[1]);
        assert_eq!((deep.minimum.alpha, deep.minimum.beta), (1.0, 0.0));
        assert_eq!((shallow.minimum.alpha, shallow.minimum.beta), (-1.0, 0.0));
        let saddle = shallow.saddle.unwrap();
        assert!(saddle.alpha.abs() < 0.1 && saddle.beta == 0.0);
        assert!((shallow.persistence - (saddle.loss - 0.1)).abs() < 1e-12);
        assert!((saddle.loss - 1.05).abs() < 2e-3);
    }

    #[test]
    fn a_wall_without_a_finite_loss_separates() {
        let found = basins(&slice(17, |a, b| {
            if a == 0.0 {
                f64::NAN
            } else {
                (a.abs() - 1.0).powi(2) + b * b
            }
        }));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|basin| basin.saddle.is_none()));
        assert!(basins(&slice(5, |_, _| f64::INFINITY)).is_empty());
    }

    #[test]
    fn a_plateau_is_one_basin() {
        assert_eq!(basins(&slice(9, |_, _| 3.0)).len(), 1);
        let found = basins(&slice(9, |a, _| a));
        assert_eq!(found.len(), 1);
        assert!(found[0].on_rim);
    }

    proptest! {
        /// By rising levels and flooding: the number of components at a level is
        /// that of the basins born and not ended.
        #[test]
        fn basins_count_the_components_of_every_sub_level_set(
            loss in prop::collection::vec(0u8..12, 36),
        ) {
            let mut slice = slice(6, |_, _| 0.0);
            slice.loss = loss.iter().map(|v| f64::from(*v)).collect();
            let found = basins(&slice);
            for level in 0..12 {
                let level = f64::from(level);
                let alive = found.iter().filter(|basin| {
                    basin.minimum.loss <= level
                        && basin.saddle.is_none_or(|saddle| saddle.loss > level)
                });
                prop_assert_eq!(alive.count(), components(&slice.loss, level));
            }
        }
    }

    fn components(loss: &[f64], level: f64) -> usize {
        let mut seen = [false; 36];
        let mut count = 0;
        for start in 0..36 {
            if seen[start] || loss[start] > level {
                continue;
            }
            count += 1;
            let mut stack = vec![start];
            seen[start] = true;
            while let Some(k) = stack.pop() {
                for next in neighbours(k, 6, 6) {
                    if !seen[next] && loss[next] <= level {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        count
    }
}
