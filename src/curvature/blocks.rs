//! The Hessian cut into blocks: layer by layer, and what couples them.

use std::ops::Range;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::top::{EigenvalueEstimate, top_eigenvalues};
use crate::math::extremal::ExtremalOptions;
use crate::math::operator::{Restricted, check_range};
use crate::math::progress::Offset;
use crate::math::statistics::Estimate;
use crate::math::trace::{Probe, at_least_one, multiply, probe_rng};
use crate::math::{MathError, Progress, SymmetricOperator, vector};

/// How much work the blocks are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockOptions {
    /// Products for the coupling, for each block: random probes, or all unit
    /// vectors (and no error) where the block has no more parameters than that.
    pub probes: usize,
    /// Which eigenvalues of each block, and how hard to look for them.
    pub ends: ExtremalOptions,
}

impl Default for BlockOptions {
    fn default() -> Self {
        Self {
            probes: 32,
            ends: ExtremalOptions {
                largest: 1,
                smallest: 1,
                ..ExtremalOptions::default()
            },
        }
    }
}

/// One diagonal block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockCurvature {
    /// Its parameters in the flat vector.
    pub range: Range<usize>,
    /// The largest eigenvalues of the block alone, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The smallest, ascending.
    pub smallest: Vec<EigenvalueEstimate>,
    /// Its trace; those of all blocks add up to the trace of the whole.
    pub trace: Estimate,
}

/// An operator seen block by block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockStructure {
    /// The diagonal blocks, in the order asked for.
    pub blocks: Vec<BlockCurvature>,
    /// ‖H_ab‖_F for every pair of blocks, symmetric; the squares of a partition
    /// of all parameters add up to ‖H‖²_F.
    pub coupling: Vec<Vec<Estimate>>,
    /// Products with the operator that were used.
    pub products: usize,
}

impl BlockStructure {
    /// Share of ‖H‖²_F that lies outside the diagonal blocks: 0 for layers that
    /// do not see each other.
    pub fn off_diagonal_share(&self) -> f64 {
        let (mut outside, mut all) = (0.0, 0.0);
        for (a, row) in self.coupling.iter().enumerate() {
            for (b, norm) in row.iter().enumerate() {
                let square = norm.value * norm.value;
                all += square;
                if a != b {
                    outside += square;
                }
            }
        }
        outside / all
    }
}

/// Cut `operator` into the blocks with these parameters and measure the ends of
/// each block's spectrum, its trace, and the Frobenius norms of all H_ab.
///
/// One product with a probe v that is zero outside block b serves the whole
/// column of blocks: E‖(Hv)_a‖² = ‖H_ab‖²_F and E v·(Hv) = tr H_bb. H_ab and
/// H_ba are estimated apart and averaged. Progress counts products.
///
/// # Errors
/// `Argument` for no probes or a block that is empty or not within the
/// operator; those of [`top_eigenvalues`].
pub fn block_structure<A, R>(
    operator: &A,
    blocks: &[Range<usize>],
    options: &BlockOptions,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<BlockStructure, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    at_least_one("the number of probes", options.probes)?;
    for range in blocks {
        check_range(range, operator.dim())?;
    }
    let count = |range: &Range<usize>| options.probes.min(range.len());
    let total: usize = blocks
        .iter()
        .map(|range| count(range) + options.ends.max_products)
        .sum();
    let (mut products, mut measured) = (0, 0);
    let mut found = Vec::with_capacity(blocks.len());
    // squares[b][a]: ‖H_ab‖²_F from the probes of block b.
    let mut squares: Vec<Vec<Estimate>> = Vec::with_capacity(blocks.len());
    for range in blocks {
        let probes = count(range);
        let exact = probes == range.len();
        let rngs: Vec<ChaCha8Rng> = (0..probes).map(|_| probe_rng(rng)).collect();
        let mut traces = Vec::with_capacity(probes);
        let mut samples = vec![Vec::with_capacity(probes); blocks.len()];
        multiply(
            operator,
            probes,
            |i, v| {
                v.fill(0.0);
                let part = &mut v[range.clone()];
                if exact {
                    part[i] = 1.0;
                } else {
                    Probe::Rademacher.fill(part, &mut rngs[i].clone());
                }
            },
            progress,
            (measured, total),
            |_, v, product| {
                traces.push(vector::dot(&v[range.clone()], &product[range.clone()]));
                for (samples, row) in samples.iter_mut().zip(blocks) {
                    samples.push(vector::norm_squared(&product[row.clone()]));
                }
                Ok(())
            },
        )?;
        let estimate = |samples: &[f64]| {
            if exact {
                let value = vector::sum(samples);
                Estimate { value, stderr: 0.0 }
            } else {
                Estimate::of_mean(samples)
            }
        };
        squares.push(samples.iter().map(|samples| estimate(samples)).collect());
        products += probes;
        measured += probes;
        let block = Restricted::new(operator, range.clone())?;
        let part = Offset::new(progress, measured, total);
        let top = top_eigenvalues(&block, &options.ends, &[], rng, &part)?;
        products += top.products;
        measured += options.ends.max_products;
        progress.report(measured, total);
        found.push(BlockCurvature {
            range: range.clone(),
            eigenvalues: top.eigenvalues,
            smallest: top.smallest,
            trace: estimate(&traces),
        });
    }
    let coupling = (0..blocks.len())
        .map(|a| {
            (0..blocks.len())
                .map(|b| norm_of(squares[b][a], squares[a][b]))
                .collect()
        })
        .collect();
    Ok(BlockStructure {
        blocks: found,
        coupling,
        products,
    })
}

/// The root of the mean of two estimates of one square; an exact one alone.
fn norm_of(first: Estimate, second: Estimate) -> Estimate {
    let square = if first.stderr == 0.0 {
        first
    } else if second.stderr == 0.0 {
        second
    } else {
        Estimate {
            value: 0.5 * (first.value + second.value),
            stderr: 0.5 * first.stderr.hypot(second.stderr),
        }
    };
    let value = square.value.sqrt();
    let stderr = if square.stderr == 0.0 {
        0.0
    } else {
        square.stderr / (2.0 * value)
    };
    Estimate { value, stderr }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::CancelToken;
    use crate::math::dense::SymmetricEigen;
    use crate::math::golden::{self, random_symmetric};
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;

    fn exact_norm(a: &DenseSymmetric, rows: &Range<usize>, columns: &Range<usize>) -> f64 {
        let n = a.dim();
        rows.clone()
            .map(|i| vector::norm_squared(&a.elements()[i * n..][columns.clone()]))
            .sum::<f64>()
            .sqrt()
    }

    #[test]
    fn layers_of_the_reference_network() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        // Weights and biases of both layers.
        let layers = [0..12, 12..27];
        let options = BlockOptions {
            ends: ExtremalOptions {
                tolerance: 1e-9,
                ..BlockOptions::default().ends
            },
            ..BlockOptions::default()
        };
        let mut rng = stream(0, "probes");
        let found = block_structure(&hessian, &layers, &options, &mut rng, &()).unwrap();
        let mut traces = 0.0;
        let mut squares = 0.0;
        for (a, block) in found.blocks.iter().enumerate() {
            let range = &layers[a];
            let elements: Vec<f64> = range
                .clone()
                .flat_map(|i| hessian.elements()[i * 27..][range.clone()].to_vec())
                .collect();
            let exact = SymmetricEigen::new(range.len(), &elements).unwrap();
            let last = exact.values[range.len() - 1];
            assert!((block.eigenvalues[0].value - last).abs() < 1e-10);
            assert!((block.smallest[0].value - exact.values[0]).abs() < 1e-10);
            assert_eq!(block.trace.stderr, 0.0);
            traces += block.trace.value;
            for (b, columns) in layers.iter().enumerate() {
                let norm = found.coupling[a][b];
                assert!((norm.value - exact_norm(&hessian, range, columns)).abs() < 1e-12);
                squares += norm.value * norm.value;
            }
        }
        assert!((traces - reference.trace).abs() < 1e-11);
        assert!((squares - reference.fro2).abs() < 1e-11);
        let share = 2.0 * found.coupling[0][1].value.powi(2) / reference.fro2;
        assert!((found.off_diagonal_share() - share).abs() < 1e-12);
    }

    #[test]
    fn estimated_norms_lie_within_their_errors() {
        let n = 200;
        let a = random_symmetric(n, 6);
        let blocks = [0..90, 90..110, 110..200];
        let mut rng = stream(3, "probes");
        let options = BlockOptions::default();
        let found = block_structure(&a, &blocks, &options, &mut rng, &()).unwrap();
        for (i, rows) in blocks.iter().enumerate() {
            for (j, columns) in blocks.iter().enumerate() {
                let norm = found.coupling[i][j];
                let exact = exact_norm(&a, rows, columns);
                assert!((norm.value - exact).abs() <= 4.0 * norm.stderr + 1e-10);
                assert_eq!(norm, found.coupling[j][i]);
            }
        }
        // The block of twenty is exact, with all that touches it.
        assert!(found.coupling[1].iter().all(|norm| norm.stderr == 0.0));
        assert!(found.coupling[0][2].stderr > 0.0);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let a = random_symmetric(10, 6);
        let mut rng = stream(3, "probes");
        let options = BlockOptions::default();
        for range in [3..3, 5..11] {
            assert!(block_structure(&a, &[range], &options, &mut rng, &()).is_err());
        }
        let token = CancelToken::new();
        token.cancel();
        let ended = block_structure(&a, &[0..5, 5..10], &options, &mut rng, &token);
        assert_eq!(ended, Err(MathError::Cancelled));
    }
}
