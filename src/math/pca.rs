//! Principal components of few long vectors, by their small Gram matrix.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::dense::SymmetricEigen;
use super::error::{MathError, check_length};
use super::extremal::orient;
use super::floats::Real;
use super::vector;

/// Elements of each vector treated together.
const BLOCK: usize = 1024;

/// Which point the components are taken around.
///
/// A plane must be drawn through the same point: components around the mean
/// and a plane through the last point do not belong together.
#[derive(Debug, Clone, Copy)]
pub enum Centre<'a> {
    /// The last vector (Li et al. 2018).
    Last,
    /// The mean of the vectors.
    Mean,
    /// A point of one's own.
    Given(&'a [f64]),
}

/// Principal components, largest first.
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalComponents {
    /// The point they are taken around.
    pub centre: Vec<f64>,
    /// Unit vectors, orthogonal to each other, the component of largest
    /// magnitude positive. Fewer than asked for where the vectors span less.
    pub components: Vec<Vec<f64>>,
    /// λⱼ/Σλ: the share of the squared distances from the centre that lies
    /// along each component.
    pub explained: Vec<f64>,
    /// Σλ: the sum of squared distances from the centre.
    pub total: f64,
}

/// The first `count` principal components of t vectors of length n.
///
/// The t×t Gram matrix K = MMᵀ of the centred vectors has the eigenvalues
/// wanted; the components are Mᵀu/√λ. Note that the components of a random
/// walk in many dimensions are cosines with a large explained share (Antognini
/// and Sohl-Dickstein 2018): a high share alone is no evidence of structure.
///
/// # Errors
/// `Degenerate` for no vectors, `Length`, `NotFinite`.
pub fn principal_components<T: Real>(
    vectors: &[&[T]],
    centre: Centre<'_>,
    count: usize,
) -> Result<PrincipalComponents, MathError> {
    let (Some(first), Some(last)) = (vectors.first(), vectors.last()) else {
        return Err(MathError::Degenerate {
            what: "principal components need at least one vector",
        });
    };
    let n = first.len();
    for v in vectors {
        check_length("a vector", v.len(), n)?;
    }
    let centre = match centre {
        Centre::Last => vector::to_f64(last),
        Centre::Mean => {
            let mut mean = vec![0.0; n];
            for v in vectors {
                vector::axpy(1.0 / vectors.len() as f64, v, &mut mean);
            }
            mean
        }
        Centre::Given(point) => {
            check_length("the centre", point.len(), n)?;
            point.to_vec()
        }
    };

    let t = vectors.len();
    let gram = gram(vectors, &centre);
    if !gram.iter().all(|x| x.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a vector of the path",
        });
    }
    let eigen = SymmetricEigen::new(t, &gram)?;
    let total: f64 = (0..t).map(|i| gram[i * t + i]).sum();
    let floor = f64::EPSILON * t as f64 * eigen.values[t - 1].max(0.0);

    let mut components: Vec<Vec<f64>> = Vec::new();
    let mut explained = Vec::new();
    for k in (0..t).rev().take(count) {
        let lambda = eigen.values[k];
        if lambda <= floor || lambda <= 0.0 {
            break;
        }
        let u = eigen.vector(k);
        let mut v = vec![0.0; n];
        for (u, row) in u.iter().zip(vectors) {
            vector::axpy(*u, row, &mut v);
        }
        vector::axpy(-u.iter().sum::<f64>(), &centre, &mut v);
        // Small components carry rounding along the large ones.
        for earlier in &components {
            let along = vector::dot(earlier, &v);
            vector::axpy(-along, earlier, &mut v);
        }
        if vector::normalize(&mut v) == 0.0 {
            break;
        }
        orient(&mut v);
        components.push(v);
        explained.push(lambda / total);
    }
    Ok(PrincipalComponents {
        centre,
        components,
        explained,
        total,
    })
}

/// ⟨θᵢ − c, θⱼ − c⟩ for all pairs, block by block of the long dimension.
fn gram<T: Real>(vectors: &[&[T]], centre: &[f64]) -> Vec<f64> {
    let (t, n) = (vectors.len(), centre.len());
    let mut gram = Mat::<f64>::zeros(t, t);
    let mut block = vec![0.0; BLOCK.min(n.max(1)) * t];
    for from in (0..n).step_by(BLOCK) {
        let rows = BLOCK.min(n - from);
        for (out, v) in block.chunks_exact_mut(rows).zip(vectors) {
            let v = &v[from..from + rows];
            let centre = &centre[from..from + rows];
            for ((out, v), c) in out.iter_mut().zip(v).zip(centre) {
                *out = v.to_f64() - c;
            }
        }
        let b = MatRef::from_column_major_slice(&block[..rows * t], rows, t);
        matmul(gram.as_mut(), Accum::Add, b.transpose(), b, 1.0, Par::Seq);
    }
    gram.col_iter()
        .flat_map(|column| column.iter().copied().collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden::gaussian;

    fn rows(vectors: &[Vec<f64>]) -> Vec<&[f64]> {
        vectors.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn components_agree_with_the_covariance_matrix() {
        let (t, n) = (12, 6);
        let vectors: Vec<Vec<f64>> = (0..t).map(|i| gaussian(n, i)).collect();
        let found = principal_components(&rows(&vectors), Centre::Mean, 6).unwrap();
        let mut scatter = vec![0.0; n * n];
        for v in &vectors {
            for i in 0..n {
                for j in 0..n {
                    scatter[i * n + j] += (v[i] - found.centre[i]) * (v[j] - found.centre[j]);
                }
            }
        }
        let exact = SymmetricEigen::new(n, &scatter).unwrap();
        let total: f64 = exact.values.iter().sum();
        assert!((found.total - total).abs() < 1e-10 * total);
        assert!((found.explained.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for k in 0..n {
            assert!((found.explained[k] - exact.values[n - 1 - k] / total).abs() < 1e-12);
            let along = vector::dot(exact.vector(n - 1 - k), &found.components[k]);
            assert!((along.abs() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_centre_is_the_one_asked_for() {
        // A path that ends far from its mean: the first component around the
        // last point leads back along the path, the one around the mean does
        // not pass through the last point's neighbourhood the same way.
        let vectors = [
            vec![0.0, 5.0, 0.0],
            vec![1.0, 5.0, 0.0],
            vec![2.0, 5.0, 0.0],
            vec![2.0, 0.0, 1.0],
        ];
        let last = principal_components(&rows(&vectors), Centre::Last, 1).unwrap();
        assert_eq!(last.centre, vectors[3]);
        let expected: f64 = (4.0 + 25.0 + 1.0) + (1.0 + 25.0 + 1.0) + (25.0 + 1.0);
        assert!((last.total - expected).abs() < 1e-12);
        let mean = principal_components(&rows(&vectors), Centre::Mean, 1).unwrap();
        assert_eq!(mean.centre, vec![1.25, 3.75, 0.25]);
        assert!(mean.total < last.total);
        let given = principal_components(&rows(&vectors), Centre::Given(&mean.centre), 1).unwrap();
        assert_eq!(given, mean);
        assert!(vector::cosine(&last.components[0], &mean.components[0]).abs() < 0.9999);
    }

    #[test]
    fn orthonormal_signed_and_complete() {
        let n = 3000;
        let base: Vec<Vec<f64>> = (0..3).map(|i| gaussian(n, 40 + i)).collect();
        // Three directions of very different size.
        let vectors: Vec<Vec<f32>> = (0..10)
            .map(|i| {
                let i = f64::from(i);
                (0..n)
                    .map(|k| {
                        (i * base[0][k] + 1e-2 * i * i * base[1][k] + 1e-3 * i.sin() * base[2][k])
                            as f32
                    })
                    .collect()
            })
            .collect();
        let views: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let found = principal_components(&views, Centre::Last, 3).unwrap();
        for i in 0..3 {
            assert!((vector::norm(&found.components[i]) - 1.0).abs() < 1e-14);
            let largest = found.components[i]
                .iter()
                .copied()
                .max_by(|a, b| a.abs().total_cmp(&b.abs()))
                .unwrap();
            assert!(largest > 0.0);
            for j in 0..i {
                let dot = vector::dot(&found.components[i], &found.components[j]);
                assert!(dot.abs() < 1e-13, "{dot}");
            }
        }
    }

    #[test]
    fn fewer_components_where_there_are_fewer() {
        let line = [vec![0.0, 0.0], vec![1.0, 1.0], vec![3.0, 3.0]];
        let found = principal_components(&rows(&line), Centre::Last, 2).unwrap();
        assert_eq!(found.components.len(), 1);
        let single = principal_components(&rows(&line[..1]), Centre::Last, 2).unwrap();
        assert!(single.components.is_empty());
        assert!(principal_components::<f64>(&[], Centre::Last, 2).is_err());
        let bad = [vec![0.0, f64::NAN], vec![1.0, 0.0]];
        assert!(principal_components(&rows(&bad), Centre::Last, 1).is_err());
    }

    #[test]
    fn a_random_walk_looks_structured() {
        // The warning of the docstring, as a fact: the first component of a
        // walk in many dimensions explains about 6/π² of the variance.
        let (t, n) = (100, 4000);
        let mut position = vec![0.0; n];
        let walk: Vec<Vec<f64>> = (0..t)
            .map(|i| {
                vector::axpy(1.0, &gaussian(n, 900 + i), &mut position);
                position.clone()
            })
            .collect();
        let found = principal_components(&rows(&walk), Centre::Mean, 1).unwrap();
        let share = 6.0 / std::f64::consts::PI.powi(2);
        assert!((found.explained[0] - share).abs() < 0.05);
    }
}
