//! The minimum and the median over many short repetitions.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde::Serialize;

/// A repetition executes its work so often that the clock does not matter.
const REPETITION: f64 = 1e-3;
/// Repetitions, however little time there is.
const LEAST: usize = 3;
/// Share of the time that goes into warming up.
const WARM_UP: f64 = 0.1;

/// Which time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The time that passes.
    #[default]
    Elapsed,
    /// The time that this process computes, all threads together: on a machine
    /// that others use too, it leaves out when it was their turn. Linux only;
    /// elsewhere it is the time that passes.
    Processor,
}

impl Clock {
    /// Runs `work` and returns how long it took, in seconds.
    fn time(self, work: impl FnOnce()) -> f64 {
        let start = self.now();
        work();
        self.now().saturating_sub(start).as_secs_f64()
    }

    /// Time since a moment that is always the same.
    fn now(self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        match self {
            Self::Processor => processor_time(),
            Self::Elapsed => None,
        }
        .unwrap_or_else(|| START.get_or_init(Instant::now).elapsed())
    }
}

#[cfg(target_os = "linux")]
fn processor_time() -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes to `time`, which lives until it returns.
    let refused = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } != 0;
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    (!refused).then(|| Duration::new(seconds, nanoseconds))
}

#[cfg(not(target_os = "linux"))]
fn processor_time() -> Option<Duration> {
    None
}

/// How long one execution of a work takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// Microseconds, the minimum over the repetitions.
    pub microseconds: f64,
    /// Microseconds, the median over the repetitions.
    pub median: f64,
    /// How many repetitions there were.
    pub repetitions: usize,
    /// Executions in a repetition.
    pub executions: usize,
}

impl Timing {
    /// From the seconds of each repetition.
    fn of(mut seconds: Vec<f64>, executions: usize) -> Self {
        seconds.sort_by(f64::total_cmp);
        let scale = 1e6 / executions as f64;
        let at = |index: usize| seconds.get(index).map_or(f64::NAN, |s| s * scale);
        Self {
            microseconds: at(0),
            median: at(seconds.len() / 2),
            repetitions: seconds.len(),
            executions,
        }
    }

    /// The same for a part of the work, one of `parts` equal ones.
    pub fn per(self, parts: usize) -> Self {
        Self {
            microseconds: self.microseconds / parts as f64,
            median: self.median / parts as f64,
            ..self
        }
    }
}

/// A pool of exactly so many threads.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build()
}

/// Times several works in turns, for `seconds` each, so that whatever else the
/// machine does meets all of them alike.
pub fn alternate(clock: Clock, seconds: f64, works: &mut [&mut dyn FnMut()]) -> Vec<Timing> {
    let run = |work: &mut dyn FnMut(), executions: usize| {
        clock.time(|| {
            for _ in 0..executions {
                work();
            }
        })
    };
    let executions: Vec<usize> = works
        .iter_mut()
        .map(|work| {
            let start = Instant::now();
            let mut best = f64::INFINITY;
            while {
                best = best.min(run(*work, 1));
                start.elapsed().as_secs_f64() < WARM_UP * seconds
            } {}
            (REPETITION / best.max(1e-9)).ceil() as usize
        })
        .collect();
    let mut found = vec![Vec::new(); works.len()];
    let start = Instant::now();
    let budget = seconds * works.len() as f64;
    while found[0].len() < LEAST || start.elapsed().as_secs_f64() < budget {
        for ((work, executions), found) in works.iter_mut().zip(&executions).zip(&mut found) {
            found.push(run(*work, *executions));
        }
    }
    found
        .into_iter()
        .zip(executions)
        .map(|(seconds, executions)| Timing::of(seconds, executions))
        .collect()
}

/// Times one work for about `seconds`.
pub fn repeat(clock: Clock, seconds: f64, mut work: impl FnMut()) -> Timing {
    alternate(clock, seconds, &mut [&mut work])
        .pop()
        .unwrap_or_else(|| Timing::of(Vec::new(), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minimum_and_median_are_of_one_execution() {
        let timing = Timing::of(vec![4e-3, 2e-3, 9e-3], 10);
        assert!((timing.microseconds - 200.0).abs() < 1e-9);
        assert!((timing.median - 400.0).abs() < 1e-9);
        assert_eq!(timing.repetitions, 3);
        assert!((timing.per(4).microseconds - 50.0).abs() < 1e-9);
    }

    #[test]
    fn short_works_are_executed_many_times_in_a_repetition() {
        let (mut first, mut second) = (0usize, 0usize);
        let mut one = || first += 1;
        let mut two = || second += std::hint::black_box(1);
        let timings = alternate(Clock::Elapsed, 0.0, &mut [&mut one, &mut two]);
        assert_eq!(timings.len(), 2);
        assert!(timings.iter().all(|t| t.repetitions >= LEAST));
        assert!(timings[1].executions > 1000);
        assert!(second > LEAST * timings[1].executions);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_processor_is_not_busy_while_the_program_sleeps() {
        // Other tests compute meanwhile: only the order of the clocks is sure.
        let sleep = || std::thread::sleep(Duration::from_millis(20));
        assert!(Clock::Elapsed.time(sleep) >= 0.02);
        let mut sum = 0.0f64;
        let seconds = Clock::Processor.time(|| {
            for k in 0..100_000 {
                sum += std::hint::black_box(f64::from(k)).sqrt();
            }
        });
        assert!(seconds > 0.0 && sum > 0.0);
    }
}
