//! How long the window's own work takes per frame, without painting: on the
//! wall, and on the processor, which does not count the time in which other
//! threads and programs have it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::thread_time;

/// How many frames are remembered.
const CAPACITY: usize = 4096;

/// The latest frames' own work: what [`super::App`] did in `logic` and `ui`,
/// without tessellation and painting.
#[derive(Clone, Debug, Default)]
pub struct FrameTimes {
    seconds: VecDeque<f32>,
    total: u64,
}

impl FrameTimes {
    /// Remembers one frame.
    pub fn push(&mut self, time: Duration) {
        if self.seconds.len() == CAPACITY {
            self.seconds.pop_front();
        }
        self.seconds.push_back(time.as_secs_f32());
        self.total += 1;
    }

    /// Forgets all frames, to measure from now on.
    pub fn clear(&mut self) {
        self.seconds.clear();
    }

    /// How many frames are remembered.
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// How many frames there were altogether.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The time that this part of the frames stayed within, in seconds: 0.5 for
    /// the median, 0.99 for the 99th percentile (nearest rank); 0 when there
    /// are none.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted: Vec<f32> = self.seconds.iter().copied().collect();
        if sorted.is_empty() {
            return 0.0;
        }
        sorted.sort_by(f32::total_cmp);
        let rank = (part.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
        f64::from(sorted[rank.clamp(1, sorted.len()) - 1])
    }

    /// The median in seconds.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The 99th percentile in seconds.
    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    /// How many frames took longer than so many seconds.
    pub fn over(&self, limit: f64) -> usize {
        let over = |time: &&f32| f64::from(**time) > limit;
        self.seconds.iter().filter(over).count()
    }

    /// The longest frame in seconds.
    pub fn longest(&self) -> f64 {
        self.quantile(1.0)
    }
}

/// A stretch of the calling thread's time: on the wall, and on the processor
/// where the system tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    wall: Instant,
    processor: Option<Duration>,
}

impl Stretch {
    /// Starts now.
    pub fn start() -> Self {
        Self {
            wall: Instant::now(),
            processor: thread_time(),
        }
    }

    /// How long it is by now: on the wall, and on the processor.
    pub fn elapsed(&self) -> (Duration, Option<Duration>) {
        let processor = thread_time()
            .zip(self.processor)
            .map(|(now, start)| now.saturating_sub(start));
        (self.wall.elapsed(), processor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_nearest_rank() {
        let mut times = FrameTimes::default();
        assert_eq!(times.median(), 0.0);
        for millisecond in 1..=100 {
            times.push(Duration::from_millis(millisecond));
        }
        assert!((times.median() - 0.050).abs() < 1e-6);
        assert!((times.p99() - 0.099).abs() < 1e-6);
        assert!((times.longest() - 0.100).abs() < 1e-6);
        assert_eq!((times.over(0.0905), times.over(0.2)), (10, 0));
    }

    #[test]
    fn only_the_latest_frames_are_kept() {
        let mut times = FrameTimes::default();
        for _ in 0..CAPACITY {
            times.push(Duration::from_millis(9));
        }
        for _ in 0..CAPACITY {
            times.push(Duration::from_millis(1));
        }
        assert_eq!(times.len(), CAPACITY);
        assert!((times.longest() - 0.001).abs() < 1e-6);
        assert_eq!(times.total(), 2 * CAPACITY as u64);
    }
}
