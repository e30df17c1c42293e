//! The landscape of a race, computed beside it: the newest task wins.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::pool::panic_message;
use super::super::process::{self, Priority};
use super::super::waker::Waker;
use crate::math::{CancelToken, MathError};
use crate::race::{LandscapeTask, RaceLandscape};

/// What a task is for: results of an older race or another map are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purpose {
    /// The race's generation.
    pub(super) generation: u64,
    /// Counts up when another plane or grid is wanted.
    pub(super) map: u64,
}

/// A map older than this is replaced by a coarse one of the present paths,
const OLD: Duration = Duration::from_secs(1);
/// if it has at least so many points a side.
const COARSE: usize = 17;

/// A landscape or why there is none, and what it is for.
type Found = (Purpose, Result<Arc<RaceLandscape>, String>);

#[derive(Default)]
struct State {
    waiting: Option<(Purpose, LandscapeTask)>,
    running: Option<(Purpose, CancelToken)>,
    found: Option<Found>,
    /// When it was found.
    found_at: Option<Instant>,
    stop: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    waker: Waker,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that computes landscapes. Dropping it cancels what it does.
pub(super) struct Landscapes {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Hands tasks over; clones share the thread.
#[derive(Clone)]
pub(super) struct LandscapeSender(Arc<Shared>);

impl LandscapeSender {
    /// Replaces the task that waits; cancels the one that runs if it is for
    /// another purpose.
    pub(super) fn send(&self, purpose: Purpose, task: LandscapeTask) {
        let mut state = self.0.lock();
        if let Some((running, cancel)) = &state.running
            && *running != purpose
        {
            cancel.cancel();
        }
        state.waiting = Some((purpose, task));
        drop(state);
        self.0.changed.notify_one();
    }

    /// Whether a task is being worked on or waits.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.0.lock();
        state.running.is_some() || state.waiting.is_some()
    }
}

impl Landscapes {
    pub(super) fn new(waker: Waker) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            waker,
        });
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(process::cores().saturating_sub(1).max(1))
            .thread_name(|thread| format!("race-map-{thread}"))
            .start_handler(|_| process::set_thread_priority(Priority::Background))
            .build()
            .map_err(io::Error::other)?;
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("race-map".to_owned())
            .spawn(move || {
                process::set_thread_priority(Priority::Background);
                pool.install(|| work(&worker));
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn sender(&self) -> LandscapeSender {
        LandscapeSender(Arc::clone(&self.shared))
    }

    /// The newest landscape of this generation, or why there is none.
    pub(super) fn newest(&self, generation: u64) -> Option<Result<Arc<RaceLandscape>, String>> {
        let state = self.shared.lock();
        let (purpose, found) = state.found.as_ref()?;
        (purpose.generation == generation).then(|| found.clone())
    }
}

impl Drop for Landscapes {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stop = true;
            state.waiting = None;
            if let Some((_, cancel)) = &state.running {
                cancel.cancel();
            }
        }
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It catches panics; there is nothing left to tell.
            let _ = thread.join();
        }
    }
}

fn work(shared: &Shared) {
    loop {
        let (purpose, task, before, found_at, cancel) = {
            let mut state = shared.lock();
            let (purpose, task) = loop {
                if state.stop {
                    return;
                }
                if let Some(waiting) = state.waiting.take() {
                    break waiting;
                }
                state = shared
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            };
            let cancel = CancelToken::new();
            state.running = Some((purpose, cancel.clone()));
            let before = match &state.found {
                Some((of, Ok(found))) if *of == purpose => Some(Arc::clone(found)),
                _ => None,
            };
            let found_at = state.found_at;
            (purpose, task, before, found_at, cancel)
        };
        let tell = |found| {
            let mut state = shared.lock();
            if !cancel.is_cancelled() {
                state.found = Some((purpose, found));
                state.found_at = Some(Instant::now());
            }
            drop(state);
            shared.waker.notify();
        };
        // On a function the map is there already, and only the paths grow.
        let same = before.as_ref().and_then(|before| task.on_same_map(before));
        // Without a message it was cancelled.
        let computed: Result<_, Option<String>> = match same {
            Some(landscape) => Ok(landscape),
            None => catch_unwind(AssertUnwindSafe(|| {
                task.compute(&cancel, &mut |coarse| {
                    // A finer map of a moment ago tells more than a coarse one.
                    let old = found_at.is_none_or(|at| at.elapsed() > OLD);
                    let enough = coarse.slice.alpha.len() >= COARSE;
                    if before.is_none() || old && enough {
                        tell(Ok(Arc::new(coarse)));
                    }
                })
            }))
            .map_or_else(
                |panic| {
                    let message = panic_message(&*panic);
                    tracing::error!("the landscape broke down: {message}");
                    Err(Some(format!("The map of the race broke down: {message}")))
                },
                |found| {
                    found.map_err(|error| match error {
                        MathError::Cancelled => None,
                        error => Some(error.to_string()),
                    })
                },
            ),
        };
        match computed {
            Ok(landscape) => tell(Ok(Arc::new(landscape))),
            // A plane that is gone for a moment does not take the map with it.
            Err(Some(message)) if before.is_none() => tell(Err(message)),
            Err(_) => {}
        }
        shared.lock().running = None;
        shared.waker.notify();
    }
}
