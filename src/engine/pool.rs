//! The analysis threads: a queue in which every slot holds one job that runs
//! and one that waits.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender, TrySendError};

use super::command::Origin;
use super::event::{Event, EventKind, JobEvent, JobEventKind};
use super::job::{Analysis, Job, JobContext, JobError, JobHandle, JobId, JobShared, Succession};
use super::process::{self, Priority};
use super::waker::Waker;

/// How many jobs run side by side, so that a long spectrum does not keep a
/// slice from showing its first picture. They share the cores that training
/// leaves.
const WORKERS: usize = 3;

/// How long a worker waits for room in the event channel before it looks
/// whether it should stop.
const SEND_PATIENCE: Duration = Duration::from_millis(20);

struct Queued {
    shared: Arc<JobShared>,
    origin: Origin,
    analysis: Box<dyn Analysis>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Queued>,
    running: Vec<Arc<JobShared>>,
    shutdown: bool,
}

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    next_id: AtomicU64,
    events: Sender<Event>,
    waker: Waker,
}

/// The analysis threads. Dropping it cancels all jobs and joins the threads.
pub(super) struct Pool {
    inner: Arc<Inner>,
    workers: Vec<JoinHandle<()>>,
}

/// Submits jobs; clones share the threads.
#[derive(Clone)]
pub(super) struct Submitter {
    inner: Arc<Inner>,
}

impl Pool {
    pub(super) fn new(events: Sender<Event>, waker: Waker) -> io::Result<Self> {
        let inner = Arc::new(Inner {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            next_id: AtomicU64::new(1),
            events,
            waker,
        });
        let mut pool = Self {
            inner: Arc::clone(&inner),
            workers: Vec::with_capacity(WORKERS),
        };
        for index in 0..WORKERS {
            let threads = rayon_pool(index)?;
            let inner = Arc::clone(&inner);
            pool.workers.push(
                std::thread::Builder::new()
                    .name(format!("analysis-{index}"))
                    .spawn(move || {
                        process::set_thread_priority(Priority::Background);
                        inner.work(&threads);
                    })?,
            );
        }
        Ok(pool)
    }

    pub(super) fn submitter(&self) -> Submitter {
        Submitter {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        {
            let mut state = self.inner.lock();
            state.shutdown = true;
            state.waiting.clear();
            for job in &state.running {
                job.cancel.cancel();
            }
        }
        self.inner.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches its jobs' panics; there is nothing left to tell.
            let _ = worker.join();
        }
    }
}

impl Submitter {
    /// Queues a job and returns at once.
    pub(super) fn submit(&self, job: Job) -> JobHandle {
        let id = JobId(self.inner.next_id.fetch_add(1, Ordering::Relaxed));
        let shared = Arc::new(JobShared::new(id, job.slot, job.label));
        let origin = job.origin;
        {
            let mut state = self.inner.lock();
            if job.succession == Succession::Replace {
                for running in &state.running {
                    if running.slot == shared.slot {
                        running.cancel.cancel();
                    }
                }
            }
            for waiting in &state.waiting {
                if waiting.shared.slot == shared.slot {
                    waiting.shared.cancel.cancel();
                }
            }
            // A replaced one stays in the queue until a worker has told so.
            state.waiting.push_back(Queued {
                shared: Arc::clone(&shared),
                origin,
                analysis: job.analysis,
            });
            if state.shutdown {
                shared.cancel.cancel();
                shared.finish();
                state.waiting.clear();
            }
        }
        self.inner.changed.notify_one();
        JobHandle {
            shared,
            origin,
            detached: false,
        }
    }
}

impl State {
    /// The next job that may run: a cancelled one, or the oldest whose slot is
    /// free.
    fn take(&mut self) -> Option<Queued> {
        let cancelled = |job: &Queued| job.shared.cancel.is_cancelled();
        let free = |job: &Queued| !self.running.iter().any(|r| r.slot == job.shared.slot);
        let index = self
            .waiting
            .iter()
            .position(cancelled)
            .or_else(|| self.waiting.iter().position(free))?;
        self.waiting.remove(index)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs while the lock is held, so what it guards is sound even
        // if a thread died.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a worker.
    fn work(self: &Arc<Self>, threads: &rayon::ThreadPool) {
        loop {
            let mut state = self.lock();
            let job = loop {
                if state.shutdown {
                    return;
                }
                if let Some(job) = state.take() {
                    break job;
                }
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            };
            state.running.push(Arc::clone(&job.shared));
            drop(state);

            let shared = Arc::clone(&job.shared);
            self.run(job, threads);
            shared.finish();

            self.lock().running.retain(|other| other.id != shared.id);
            // The slot is free now, and who waits for it may be another worker's.
            self.changed.notify_all();
            self.waker.notify();
        }
    }

    fn run(self: &Arc<Self>, job: Queued, threads: &rayon::ThreadPool) {
        let Queued {
            shared,
            origin,
            mut analysis,
        } = job;
        let event = {
            let (job, slot, cancel) = (shared.id, shared.slot.clone(), shared.cancel.clone());
            move |kind| Event {
                origin,
                kind: EventKind::Job(JobEvent {
                    job,
                    slot: slot.clone(),
                    kind,
                    cancel: cancel.clone(),
                }),
            }
        };
        let started = Instant::now();
        let outcome = if shared.cancel.is_cancelled() {
            Ok(Err(JobError::Cancelled))
        } else {
            let inner = Arc::clone(self);
            let event = event.clone();
            let context = JobContext {
                shared: Arc::clone(&shared),
                publish: Box::new(move |result| {
                    // A picture that finds no room is overtaken by the next one.
                    match inner.events.try_send(event(JobEventKind::Partial(result))) {
                        Ok(()) => inner.waker.notify(),
                        Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
                    }
                }),
            };
            catch_unwind(AssertUnwindSafe(|| {
                threads.install(|| analysis.run(&context))
            }))
        };
        let kind = match outcome {
            // Whoever cancelled a job does not want its result any more.
            _ if shared.cancel.is_cancelled() => JobEventKind::Cancelled,
            Ok(Ok(result)) => JobEventKind::Finished {
                result,
                seconds: started.elapsed().as_secs_f64(),
            },
            Ok(Err(JobError::Cancelled)) => JobEventKind::Cancelled,
            Ok(Err(JobError::Failed(message))) => JobEventKind::Failed { message },
            Err(panic) => JobEventKind::Failed {
                message: format!("{} broke down: {}", shared.label, panic_message(&*panic)),
            },
        };
        self.send(event(kind));
    }

    /// Sends an event, waiting for room until the engine goes.
    fn send(&self, event: Event) {
        let mut event = event;
        loop {
            match self.events.send_timeout(event, SEND_PATIENCE) {
                Ok(()) => return self.waker.notify(),
                Err(SendTimeoutError::Disconnected(_)) => return,
                Err(SendTimeoutError::Timeout(back)) => {
                    if self.lock().shutdown {
                        return;
                    }
                    event = back;
                }
            }
        }
    }
}

/// The rayon threads of one worker: on the cores that training leaves, and
/// after it in priority.
fn rayon_pool(worker: usize) -> io::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(process::cores().saturating_sub(1).max(1))
        .thread_name(move |thread| format!("analysis-{worker}-{thread}"))
        .start_handler(|_| process::set_thread_priority(Priority::Background))
        .build()
        .map_err(io::Error::other)
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no reason".to_owned())
}
