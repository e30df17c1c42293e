//! A spectrum in a few numbers, as a table.

use crate::curvature::{Estimate, ExactSpectrum, SpectrumSummary};
use crate::engine::Spectrum;
use crate::engine::curvature::{Matrix, MatrixSpectrum};
use crate::figure::ticks::format_number;
use crate::views::table::{Cell, Table};

/// What is summed up: a matrix with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Summarized<'a> {
    /// Which matrix.
    pub matrix: Matrix,
    /// Its ends, trace and density.
    pub spectrum: &'a Spectrum,
    /// All its eigenvalues.
    pub exact: Option<&'a ExactSpectrum>,
}

impl<'a> From<&'a MatrixSpectrum> for Summarized<'a> {
    fn from(found: &'a MatrixSpectrum) -> Self {
        Self {
            matrix: found.matrix,
            spectrum: &found.spectrum,
            exact: found.exact.as_ref(),
        }
    }
}

/// A value with its error, as text: `12.3 ± 0.4`.
pub fn with_error(value: f64, error: f64) -> String {
    if error > 0.0 {
        format!("{} ± {}", format_number(value, 4), format_number(error, 2))
    } else if error.is_nan() {
        format!("{} ± unknown", format_number(value, 4))
    } else {
        format_number(value, 4)
    }
}

/// The table: a column for each matrix (and its exact spectrum), a row for each
/// number, every estimate with its standard error. `classes` are compared with
/// the outliers; 0 for a regression.
pub fn table(all: &[Summarized<'_>], classes: usize) -> Table {
    let mut columns = vec![String::new()];
    let mut summaries: Vec<(Option<SpectrumSummary>, &Summarized<'_>, bool)> = Vec::new();
    for one in all {
        columns.push(format!("{} (estimate)", one.matrix.symbol()));
        let summary = one
            .spectrum
            .density
            .as_ref()
            .map(|density| density.summary());
        summaries.push((summary, one, false));
        if let Some(exact) = one.exact {
            columns.push(format!("{} (exact)", one.matrix.symbol()));
            summaries.push((Some(exact.summary()), one, true));
        }
    }
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row =
        |name: &str, of: &dyn Fn(&Summarized<'_>, Option<&SpectrumSummary>, bool) -> String| {
            let mut cells = vec![Cell::Text(name.to_owned())];
            for (summary, one, exact) in &summaries {
                cells.push(Cell::Text(of(one, summary.as_ref(), *exact)));
            }
            rows.push(cells);
        };
    let none = || "–".to_owned();
    let ends = |one: &Summarized<'_>, exact: bool, top: bool| {
        if let (true, Some(exact)) = (exact, one.exact) {
            let eigenvalues = &exact.eigenvalues;
            let end = if top {
                eigenvalues.first()
            } else {
                eigenvalues.last()
            };
            return end.map_or_else(none, |value| format_number(*value, 6));
        }
        let list = if top {
            &one.spectrum.top.eigenvalues
        } else {
            &one.spectrum.top.smallest
        };
        list.first().map_or_else(none, |end| {
            let mut text = with_error(end.value, end.residual);
            if !end.converged {
                text.push_str(", not converged");
            }
            text
        })
    };
    row("λ₁", &|one, _, exact| ends(one, exact, true));
    row("λₘᵢₙ", &|one, _, exact| ends(one, exact, false));
    // The trace has an estimate of its own, better than the density's.
    row(
        "trace",
        &|one, summary, exact| match (&one.spectrum.trace, exact) {
            (Some(trace), false) => with_error(trace.value, trace.stderr),
            _ => summary.map_or_else(none, |s| with_error(s.trace.value, s.trace.stderr)),
        },
    );
    let mut estimate = |name: &str, of: fn(&SpectrumSummary) -> Estimate, share: bool| {
        row(name, &|_, summary, _| {
            summary.map_or_else(none, |summary| {
                let Estimate { value, stderr } = of(summary);
                if share {
                    format!("{} %", with_error(100.0 * value, 100.0 * stderr))
                } else {
                    with_error(value, stderr)
                }
            })
        });
    };
    estimate("Frobenius norm √Σλ²", |s| s.frobenius, false);
    estimate("effective rank (Σ|λ|)²/Σλ²", |s| s.effective_rank, false);
    estimate("negative mass Σ|λ₋|/Σ|λ|", |s| s.negative_mass, true);
    estimate("eigenvalues below zero", |s| s.negative_share, true);
    estimate("eigenvalues near zero", |s| s.zero_share, true);
    row(
        "condition number",
        &|one, _, exact| match (exact, one.exact) {
            (true, Some(exact)) => format_number(exact.condition_number(), 3),
            _ => "needs the exact spectrum".to_owned(),
        },
    );
    row("outliers", &|one, _, _| {
        one.spectrum.density.as_ref().map_or_else(none, |density| {
            let found = density.outliers(density.sigma(Default::default()));
            let mut text = format!("{} above", found.above.len());
            if !found.below.is_empty() {
                text.push_str(&format!(", {} below", found.below.len()));
            }
            if found.further >= 0.5 {
                let more = format_number(found.further.round(), 3);
                text.push_str(&format!(", about {more} more"));
            }
            if classes > 0 {
                text.push_str(&format!(" ({classes} classes)"));
            }
            text
        })
    });
    Table {
        title: "Spectrum in numbers".to_owned(),
        columns,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::exact_spectrum;
    use crate::engine::analyses::{SpectrumSettings, spectrum_of};
    use crate::math::golden::random_symmetric;

    #[test]
    fn estimates_have_errors_and_exact_numbers_have_none() {
        let a = random_symmetric(60, 3);
        let settings = SpectrumSettings {
            top: 2,
            probes: 4,
            lanczos_steps: 12,
            seed: 0,
            tolerance: 1e-6,
        };
        let spectrum = spectrum_of(&a, &settings, &(), &mut |_| ()).unwrap();
        let exact = exact_spectrum(&a, &()).unwrap();
        let table = table(
            &[Summarized {
                matrix: Matrix::Hessian,
                spectrum: &spectrum,
                exact: Some(&exact),
            }],
            2,
        );
        assert_eq!(table.columns, ["", "H (estimate)", "H (exact)"]);
        let cell = |name: &str, column: usize| {
            let row = table
                .rows
                .iter()
                .find(|row| row[0].text().starts_with(name));
            row.unwrap()[column].text()
        };
        assert!(cell("Frobenius", 1).contains('±'));
        assert!(!cell("Frobenius", 2).contains('±'));
        assert!(cell("condition", 1).contains("needs"));
        assert_eq!(
            cell("condition", 2),
            format_number(exact.condition_number(), 3)
        );
        assert!(cell("outliers", 1).contains("2 classes"));
        assert!(with_error(1.0, f64::NAN).contains("unknown"));
    }
}
