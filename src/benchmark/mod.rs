//! The suite of `losscape bench`: fixed works on fixed networks and data,
//! timed in this process, each with the share of the machine's measured peak
//! that it reaches.
//!
//! Networks, data and parameters follow from the formulas of [`cases`] alone,
//! so that programs in other languages can do the same works on the same
//! numbers (`benches/peers/`).

pub mod cases;
mod peak;
mod scaling;
mod timing;
mod works;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use cases::{Case, NetworkKind};
pub use peak::{Peak, Precision};
pub use scaling::{Scaling, ScalingWork};
pub use timing::{Clock, Timing};
pub use works::Work;

/// Why a suite could not be run.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// The filter leaves nothing.
    #[error("no work of the suite contains {filter:?}: expected a part of a name such as {known}")]
    NoWork {
        /// What was asked for.
        filter: String,
        /// What there is.
        known: String,
    },
    /// The threads could not be started.
    #[error("the threads of the suite could not be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A network, its data or its loss could not be made, or a work failed.
    #[error("{work} cannot be measured: {message}")]
    Failed {
        /// Which work.
        work: String,
        /// Why.
        message: String,
    },
}

/// What is run, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Only works whose name contains this, letter case aside.
    pub filter: Option<String>,
    /// Threads of every work but the comparisons of one thread with two.
    pub threads: usize,
    /// Seconds that each work is repeated for.
    pub seconds: f64,
    /// Which time counts; the comparisons of one thread with two always count
    /// the time that passes.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: None,
            threads: 1,
            seconds: 1.0,
            clock: Clock::Elapsed,
        }
    }
}

/// One work on one network, measured.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The work: [`Work::name`].
    pub work: &'static str,
    /// The network: [`NetworkKind::name`].
    pub network: &'static str,
    /// Samples that the work is about (of a training step: the batch).
    pub samples: usize,
    /// The number type of the work.
    pub precision: Precision,
    /// Threads.
    pub threads: usize,
    /// How long one execution takes.
    #[serde(flatten)]
    pub timing: Timing,
    /// Floating point operations of one execution, see [`Products`](crate::objective::Products).
    pub operations: f64,
    /// Operations per nanosecond at the shortest time.
    pub gflops: f64,
    /// `gflops` over the peak of one core in this precision.
    pub share_of_peak: f64,
    /// L(θ), for comparison with other programs.
    pub loss: f64,
    /// A number that only a correct result gives, see [`Work::check`].
    pub check: f64,
}

/// All that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name and version of this program.
    pub program: String,
    /// The processor's name.
    pub processor: String,
    /// Processor cores that the program may use.
    pub cores: usize,
    /// Seconds for each work.
    pub seconds: f64,
    /// Which time the peaks and the rows count.
    pub clock: Clock,
    /// What one core can do.
    pub peaks: Vec<Peak>,
    /// The works, in the order of the suite.
    pub rows: Vec<Row>,
    /// One thread against two.
    pub scaling: Vec<Scaling>,
}

/// One entry of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Kernel(Work, Precision, NetworkKind),
    Scaling(ScalingWork),
}

impl Entry {
    fn name(self) -> String {
        match self {
            Self::Kernel(work, precision, network) => {
                let mut name = format!("{}, {}", work.name(), network.name());
                if work.precisions().len() > 1 {
                    name = format!("{name}, {}", precision.name());
                }
                name
            }
            Self::Scaling(work) => work.name().to_owned(),
        }
    }
}

/// The whole suite in order.
fn suite() -> impl Iterator<Item = Entry> {
    let kernels = Work::ALL.into_iter().flat_map(|work| {
        work.precisions().iter().flat_map(move |precision| {
            NetworkKind::ALL
                .into_iter()
                .filter(move |network| work.is_measured_on(*network))
                .map(move |network| Entry::Kernel(work, *precision, network))
        })
    });
    kernels.chain(ScalingWork::ALL.into_iter().map(Entry::Scaling))
}

/// The entries whose names contain `filter`.
fn chosen(filter: Option<&str>) -> Result<Vec<Entry>, BenchmarkError> {
    let wanted = filter.unwrap_or_default().to_lowercase();
    let entries: Vec<Entry> = suite()
        .filter(|entry| entry.name().to_lowercase().contains(&wanted))
        .collect();
    if entries.is_empty() {
        let mut known: Vec<&str> = Work::ALL.iter().map(|work| work.name()).collect();
        known.extend(NetworkKind::ALL.iter().map(|network| network.name()));
        known.extend(ScalingWork::ALL.iter().map(|work| work.name()));
        return Err(BenchmarkError::NoWork {
            filter: filter.unwrap_or_default().to_owned(),
            known: known.join(", "),
        });
    }
    Ok(entries)
}

/// Runs the suite. `on_work` hears the name of each work before it starts.
///
/// # Errors
/// [`BenchmarkError`].
pub fn run(options: &Options, on_work: &mut dyn FnMut(&str)) -> Result<Report, BenchmarkError> {
    let entries = chosen(options.filter.as_deref())?;
    let threads = options.threads.max(1);
    let pool = timing::pool(threads)?;
    on_work("the machine's peak");
    let peaks = peak::measure(options.clock, options.seconds);
    let (mut rows, mut scaling) = (Vec::new(), Vec::new());
    for entry in entries {
        let name = entry.name();
        on_work(&name);
        let fail = |message: String| BenchmarkError::Failed {
            work: name.clone(),
            message,
        };
        match entry {
            Entry::Kernel(work, precision, network) => {
                let work = (work, precision);
                let case = Case::new(network).map_err(fail)?;
                let measured = pool
                    .install(|| works::measure(work, &case, (options.clock, options.seconds)))
                    .map_err(fail)?;
                rows.push(measured.row(work, &case, threads, &peaks));
            }
            Entry::Scaling(work) => scaling.push(scaling::measure(work, options.seconds, &fail)?),
        }
    }
    Ok(Report {
        program: format!("losscape {}", env!("CARGO_PKG_VERSION")),
        processor: processor(),
        cores: crate::engine::cores(),
        seconds: options.seconds,
        clock: options.clock,
        peaks,
        rows,
        scaling,
    })
}

/// The processor's name where the system tells it, its architecture elsewhere.
fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
