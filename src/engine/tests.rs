//! The engine from the outside, as the window uses it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::math::Progress as _;
use crate::train::testing::{diverging, recipe};
use crate::train::{MetricRow, Run};

const PATIENCE: Duration = Duration::from_secs(20);

/// An engine and everything it has reported.
struct Bench {
    engine: Engine,
    awake: Arc<(Mutex<bool>, Condvar)>,
    wakes: Arc<AtomicUsize>,
    events: Vec<Event>,
    record: Option<RunRecord>,
}

impl Bench {
    fn new() -> Self {
        let awake = Arc::new((Mutex::new(false), Condvar::new()));
        let wakes = Arc::new(AtomicUsize::new(0));
        let (flag, count) = (Arc::clone(&awake), Arc::clone(&wakes));
        let engine = Engine::new(Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            *flag.0.lock().unwrap() = true;
            flag.1.notify_all();
        }))
        .unwrap();
        Self {
            engine,
            awake,
            wakes,
            events: Vec::new(),
            record: None,
        }
    }

    /// A bench with this recipe loaded.
    fn loaded(recipe: Recipe) -> Self {
        let mut bench = Self::new();
        bench.engine.load(Arc::new(recipe), ".").unwrap();
        bench.until("loaded", |bench| bench.state() == Some(&RunState::Paused));
        bench
    }

    fn drain(&mut self) {
        for event in self.engine.drain() {
            if let EventKind::Loaded(info) = &event.kind {
                self.record = Some(RunRecord::new(Arc::clone(info)));
            } else if let Some(record) = &mut self.record {
                record.apply(event.clone());
            }
            self.events.push(event);
        }
    }

    /// Waits, without sleeping, until the predicate holds.
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.drain();
            if holds(self) {
                return;
            }
            let now = Instant::now();
            assert!(now < end, "waited in vain until {what}");
            let (flag, changed) = &*self.awake;
            let mut awake = flag.lock().unwrap();
            if !*awake {
                awake = changed.wait_timeout(awake, end - now).unwrap().0;
            }
            *awake = false;
        }
    }

    fn state(&self) -> Option<&RunState> {
        self.record.as_ref().map(|record| &record.state)
    }

    fn step(&self) -> u64 {
        self.record.as_ref().map_or(0, RunRecord::step)
    }

    fn rows(&self) -> Vec<MetricRow> {
        self.record
            .as_ref()
            .map_or_else(Vec::new, |record| record.history.rows().to_vec())
    }

    fn job_ended(&self, id: JobId) -> Option<&JobEventKind> {
        self.events.iter().find_map(|event| match &event.kind {
            EventKind::Job(job) if job.job == id => match &job.kind {
                JobEventKind::Partial(_) => None,
                end => Some(end),
            },
            _ => None,
        })
    }

    fn refused(&self) -> Option<&str> {
        self.events
            .iter()
            .rev()
            .find_map(|event| match &event.kind {
                EventKind::Refused { message } => Some(message.as_str()),
                _ => None,
            })
    }
}

fn long() -> Recipe {
    let mut recipe = recipe();
    recipe.training.set("steps", 1_000_000_000);
    recipe
}

fn result(step: u64) -> AnalysisResult {
    AnalysisResult {
        step,
        kind: ResultKind::Nothing,
    }
}

#[test]
fn a_played_run_finishes_with_the_rows_of_a_run_without_threads() {
    let mut bench = Bench::loaded(recipe());
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
    let mut alone = Run::new(&recipe(), Path::new(".")).unwrap();
    while alone.step().unwrap() == crate::train::StepOutcome::Trained {}
    assert_eq!(bench.rows(), alone.history().rows().to_vec());
    let record = bench.record.as_ref().unwrap();
    let last = record.snapshots.last().unwrap();
    assert_eq!(&last.theta[..], alone.parameters());
    assert_eq!(
        &bench.engine.live_parameters().unwrap().theta[..],
        alone.parameters()
    );
    assert_eq!(bench.engine.live_gradient().unwrap().step, 50);
    bench.engine.send(Command::Play).unwrap();
    bench.until("refused", |bench| bench.refused().is_some());
}

#[test]
fn step_run_to_and_pause_stop_where_they_should() {
    let mut bench = Bench::loaded(long());
    bench.engine.send(Command::Step).unwrap();
    bench.engine.send(Command::Pause).unwrap();
    bench.until("one step", |bench| {
        bench.step() == 1 && bench.state() == Some(&RunState::Paused)
    });
    bench.engine.send(Command::RunTo(20)).unwrap();
    bench.until("step 20", |bench| {
        bench.step() == 20 && bench.state() == Some(&RunState::Paused)
    });
    assert_eq!(bench.rows().len(), 20);
    bench.engine.send(Command::RunTo(10)).unwrap();
    bench.until("refused", |bench| {
        bench.refused() == Some("step 10 is already done")
    });
    bench.engine.send(Command::Play).unwrap();
    bench.until("going", |bench| bench.step() > 30);
    bench.engine.send(Command::Pause).unwrap();
    bench.until("paused", |bench| bench.state() == Some(&RunState::Paused));
    let rows = bench.rows().len();
    bench.engine.send(Command::Step).unwrap();
    bench.until("one more", |bench| bench.rows().len() == rows + 1);
    let steps: Vec<u64> = bench.rows().iter().map(|row| row.step).collect();
    assert_eq!(steps, (0..=rows as u64).collect::<Vec<_>>());
}

#[test]
fn a_reset_repeats_the_run() {
    let mut bench = Bench::loaded(recipe());
    bench.engine.send(Command::RunTo(30)).unwrap();
    bench.until("step 30", |bench| bench.step() == 30);
    let rows = bench.rows();
    let origin = bench.engine.reset().unwrap();
    bench.until("reset", |bench| {
        bench
            .record
            .as_ref()
            .is_some_and(|record| record.origin() == origin)
    });
    assert!(bench.rows().is_empty());
    bench.engine.send(Command::RunTo(30)).unwrap();
    bench.until("step 30 again", |bench| bench.step() == 30);
    assert_eq!(bench.rows(), rows);
}

#[test]
fn events_of_older_generations_do_not_arrive() {
    let mut bench = Bench::loaded(long());
    bench.engine.send(Command::Play).unwrap();
    bench.until("going", |bench| bench.step() > 10);
    let old = bench.engine.origin();
    let new = bench.engine.load(Arc::new(recipe()), ".").unwrap();
    assert!(new.run > old.run && new.generation > old.generation);
    assert!(
        bench
            .engine
            .live_parameters()
            .is_none_or(|live| live.step == 0)
    );
    bench.events.clear();
    bench.until("loaded", |bench| {
        bench
            .record
            .as_ref()
            .is_some_and(|record| record.origin() == new)
    });
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
    assert!(bench.events.iter().all(|event| event.origin == new));
}

#[test]
fn going_back_voids_what_came_after_and_repeats_it() {
    let mut bench = Bench::loaded(recipe());
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
    let rows = bench.rows();
    bench.engine.rewind(25).unwrap();
    bench.until("back", |bench| bench.state() == Some(&RunState::Paused));
    assert_eq!(bench.rows().len(), 25);
    assert_eq!(bench.step(), 25);
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished again", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
    assert_eq!(bench.rows(), rows);
}

#[test]
fn a_branch_is_a_run_of_its_own() {
    let mut bench = Bench::loaded(recipe());
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
    let record = bench.record.clone().unwrap();
    let start = record.snapshots.at_or_before(30).unwrap();
    let setup = record
        .info
        .setup
        .branch(&record.info.recipe, start)
        .unwrap();
    let origin = bench.engine.begin_run(Arc::new(setup)).unwrap();
    assert!(origin.run > record.info.origin.run);
    bench.until("begun", |bench| {
        let info = bench.record.as_ref().map(|record| &record.info);
        info.is_some_and(|info| info.origin == origin) && bench.state() == Some(&RunState::Paused)
    });
    assert_eq!(bench.engine.live_parameters().unwrap().step, 30);
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished again", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
    let branch = bench.record.clone().unwrap();
    assert_eq!(branch.history.rows()[0].step, 30);
    let (a, b) = (record.snapshots.last(), branch.snapshots.last());
    assert_eq!(a.unwrap().theta, b.unwrap().theta);
}

#[test]
fn a_diverging_run_is_explained() {
    let mut bench = Bench::loaded(diverging());
    bench.engine.send(Command::Play).unwrap();
    bench.until("diverged", |bench| {
        matches!(bench.state(), Some(RunState::Diverged(_)))
    });
    let Some(RunState::Diverged(divergence)) = bench.state().cloned() else {
        return;
    };
    assert!(divergence.explanation.contains("η = 50"));
    assert_eq!(bench.rows().last().unwrap().step, divergence.step);
    bench.engine.send(Command::Play).unwrap();
    bench.until("refused", |bench| bench.refused().is_some());
    bench.engine.rewind(divergence.rewind_to).unwrap();
    bench.until("back", |bench| bench.state() == Some(&RunState::Paused));
}

#[test]
fn a_recipe_that_cannot_be_built_fails_and_the_next_one_loads() {
    let mut bench = Bench::new();
    let mut broken = recipe();
    broken.data = crate::data::section()
        .component("csv")
        .unwrap()
        .with("path", "no-such-file.csv");
    bench.engine.load(Arc::new(broken), ".").unwrap();
    bench.until("failed", |bench| {
        bench.events.iter().any(|event| {
            matches!(&event.kind, EventKind::State(RunState::Failed { message })
                if message.contains("no-such-file.csv"))
        })
    });
    bench.engine.load(Arc::new(recipe()), ".").unwrap();
    bench.until("loaded", |bench| bench.state() == Some(&RunState::Paused));
}

#[test]
fn a_speed_limit_holds_and_can_be_lifted() {
    let mut bench = Bench::loaded(long());
    bench.engine.send(Command::SetSpeed(Some(50.0))).unwrap();
    let started = Instant::now();
    bench.engine.send(Command::Play).unwrap();
    bench.until("11 steps", |bench| bench.step() >= 11);
    let elapsed = started.elapsed().as_secs_f64();
    assert!(elapsed > 0.9 * 10.0 / 50.0, "{elapsed} s for 11 steps");
    bench.engine.send(Command::SetSpeed(None)).unwrap();
    let step = bench.step();
    bench.until("many steps", |bench| bench.step() > step + 300);
}

#[test]
fn a_changed_learning_rate_acts_on_the_running_network() {
    let mut bench = Bench::loaded(long());
    bench.engine.send(Command::Play).unwrap();
    bench.until("going", |bench| bench.step() > 5);
    bench
        .engine
        .send(Command::SetHyperparameter {
            key: "learning_rate".into(),
            value: 0.025,
        })
        .unwrap();
    bench.until("changed", |bench| {
        bench
            .rows()
            .last()
            .is_some_and(|row| row.learning_rate == 0.025)
    });
    let record = bench.record.as_ref().unwrap();
    let (step, key, value) = &record.changes[0];
    assert_eq!((key.as_str(), *value), ("learning_rate", 0.025));
    for (step, expected) in [(step - 1, 0.1), (*step, 0.025)] {
        let rate = record
            .setup()
            .at(step)
            .recipe
            .optimizer
            .float("learning_rate");
        assert_eq!(rate, expected);
    }
    assert_eq!(record.stability.sharpness_threshold(), Some(80.0));
    for row in record.history.rows().iter() {
        let expected = if row.step < *step { 0.1 } else { 0.025 };
        assert_eq!(row.learning_rate, expected);
    }
    assert_eq!(*bench.state().unwrap(), RunState::Running);
}

#[test]
fn a_job_reports_partial_results_and_its_end() {
    let mut bench = Bench::new();
    let handle = bench.engine.submit(Job::new(
        "slice",
        "a slice",
        Origin::default(),
        |context: &JobContext| {
            context.publish(result(1));
            context.report(1, 2);
            Ok(result(2))
        },
    ));
    bench.until("done", |bench| bench.job_ended(handle.id()).is_some());
    // Its last event goes first.
    while !handle.is_done() {
        std::thread::yield_now();
    }
    assert!(handle.progress() == 0.5 && handle.label() == "a slice");
    let steps: Vec<u64> = bench
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Job(job) => match &job.kind {
                JobEventKind::Partial(result) | JobEventKind::Finished { result, .. } => {
                    Some(result.step)
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(steps, [1, 2]);
}

/// A job that runs until it is cancelled; tells when it has begun.
fn endless(begun: &Arc<AtomicBool>) -> impl Analysis + 'static {
    let begun = Arc::clone(begun);
    move |context: &JobContext| {
        begun.store(true, Ordering::Release);
        context.publish(result(0));
        loop {
            context.check()?;
            std::thread::yield_now();
        }
    }
}

#[test]
fn dropping_the_handle_cancels_at_once_and_no_result_follows() {
    let mut bench = Bench::new();
    let begun = Arc::new(AtomicBool::new(false));
    let job = Job::new("slice", "endless", Origin::default(), endless(&begun));
    let handle = bench.engine.submit(job);
    let id = handle.id();
    while !begun.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let started = Instant::now();
    drop(handle);
    bench.until("cancelled", |bench| bench.job_ended(id).is_some());
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(matches!(bench.job_ended(id), Some(JobEventKind::Cancelled)));
    // The partial result was not fetched before the cancellation, so it is void.
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn a_new_job_replaces_the_one_in_its_slot() {
    let mut bench = Bench::new();
    let begun = Arc::new(AtomicBool::new(false));
    let origin = Origin::default();
    let first = bench
        .engine
        .submit(Job::new("slice", "first", origin, endless(&begun)));
    let other = bench
        .engine
        .submit(Job::new("spectrum", "other", origin, endless(&begun)));
    let second = bench
        .engine
        .submit(Job::new("slice", "second", origin, |_: &JobContext| {
            Ok(result(2))
        }));
    bench.until("replaced", |bench| {
        bench.job_ended(second.id()).is_some() && bench.job_ended(first.id()).is_some()
    });
    assert!(matches!(
        bench.job_ended(first.id()),
        Some(JobEventKind::Cancelled)
    ));
    assert!(matches!(
        bench.job_ended(second.id()),
        Some(JobEventKind::Finished { .. })
    ));
    assert!(!other.is_done());
}

#[test]
fn a_following_job_lets_the_running_one_finish() {
    let mut bench = Bench::new();
    let origin = Origin::default();
    let gate = Arc::new(AtomicBool::new(false));
    let begun = Arc::new(AtomicBool::new(false));
    let (open, start) = (Arc::clone(&gate), Arc::clone(&begun));
    let first = bench
        .engine
        .submit(Job::new("slice", "first", origin, move |_: &JobContext| {
            start.store(true, Ordering::Release);
            while !open.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            Ok(result(1))
        }));
    while !begun.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let follower = |step: u64| {
        Job::new("slice", "follower", origin, move |_: &JobContext| {
            Ok(result(step))
        })
        .following()
    };
    let second = bench.engine.submit(follower(2));
    let third = bench.engine.submit(follower(3));
    bench.until("the second is replaced", |bench| {
        bench.job_ended(second.id()).is_some()
    });
    assert!(matches!(
        bench.job_ended(second.id()),
        Some(JobEventKind::Cancelled)
    ));
    gate.store(true, Ordering::Release);
    bench.until("both done", |bench| {
        bench.job_ended(first.id()).is_some() && bench.job_ended(third.id()).is_some()
    });
    for id in [first.id(), third.id()] {
        assert!(matches!(
            bench.job_ended(id),
            Some(JobEventKind::Finished { .. })
        ));
    }
}

#[test]
fn a_panicking_job_fails_alone() {
    let mut bench = Bench::loaded(recipe());
    let job = Job::new(
        "slice",
        "slice 9×9",
        Origin::default(),
        |_: &JobContext| -> Result<AnalysisResult, JobError> { panic!("the matrix is singular") },
    );
    let handle = bench.engine.submit(job);
    bench.until("failed", |bench| bench.job_ended(handle.id()).is_some());
    match bench.job_ended(handle.id()) {
        Some(JobEventKind::Failed { message }) => {
            assert_eq!(message, "slice 9×9 broke down: the matrix is singular");
        }
        end => panic!("{end:?}"),
    }
    let next = bench.engine.submit(Job::new(
        "slice",
        "next",
        Origin::default(),
        |_: &JobContext| Ok(result(0)),
    ));
    bench.until("next", |bench| bench.job_ended(next.id()).is_some());
    bench.engine.send(Command::Play).unwrap();
    bench.until("finished", |bench| {
        bench.state() == Some(&RunState::Finished)
    });
}

#[test]
fn nothing_is_lost_when_nobody_listens_for_long() {
    let mut bench = Bench::loaded(recipe());
    // Far more single steps than the event channel holds.
    let steps = 700;
    bench
        .engine
        .send(Command::SetHyperparameter {
            key: "steps".into(),
            value: 5000.0,
        })
        .unwrap();
    for _ in 0..steps {
        bench.engine.send(Command::Step).unwrap();
    }
    let live = |bench: &Bench| bench.engine.live_parameters().map_or(0, |live| live.step);
    let end = Instant::now() + PATIENCE;
    while live(&bench) < steps && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(live(&bench), steps);
    bench.until("all rows", |bench| bench.rows().len() as u64 == steps);
}

#[test]
fn the_window_is_woken_at_most_once_between_drains() {
    let mut bench = Bench::loaded(long());
    let before = bench.wakes.load(Ordering::Relaxed);
    bench.engine.send(Command::Play).unwrap();
    let end = Instant::now() + PATIENCE;
    while bench
        .engine
        .live_parameters()
        .is_none_or(|live| live.step < 500)
    {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    assert!(bench.wakes.load(Ordering::Relaxed) - before <= 1);
    bench.drain();
}

#[test]
fn the_sharpness_reaches_its_row() {
    let mut recipe = recipe();
    recipe.spectrum.set("every", 10);
    recipe.spectrum.set("automatic", false);
    let mut bench = Bench::loaded(recipe);
    bench.engine.send(Command::SetSpeed(Some(200.0))).unwrap();
    bench.engine.send(Command::Play).unwrap();
    bench.until("measured at the end", |bench| {
        bench
            .rows()
            .last()
            .is_some_and(|row| row.step == 50 && row.sharpness.is_some())
    });
    let record = bench.record.as_ref().unwrap();
    assert!(!record.spectrum.is_empty());
    for point in record.spectrum.iter() {
        assert_eq!(point.step % 10, 0);
        let row = record.history.row(point.step).unwrap();
        assert_eq!(row.sharpness, point.sharpness());
    }
}

#[test]
fn with_all_the_time_every_step_is_measured_and_training_stays_the_same() {
    let trained = |every: i64| {
        let mut recipe = recipe();
        recipe.spectrum.set("every", every);
        recipe.spectrum.set("share", 1.0);
        let mut bench = Bench::loaded(recipe);
        bench.engine.send(Command::Play).unwrap();
        bench.until("the end", |bench| {
            bench.state() == Some(&RunState::Finished)
        });
        bench.record.take().unwrap()
    };
    let (bare, measured) = (trained(0), trained(7));
    assert!(bare.spectrum.is_empty());
    let steps: Vec<u64> = measured.spectrum.iter().map(|point| point.step).collect();
    assert_eq!(steps, (0..=50).collect::<Vec<u64>>());
    for (bare, row) in bare
        .history
        .rows()
        .iter()
        .zip(measured.history.rows().iter())
    {
        let mut row = row.clone();
        assert!(row.sharpness.take().is_some());
        assert_eq!(*bare, row);
    }
    // As from the snapshots, afresh.
    for snapshot in measured.snapshots.all().iter().step_by(10) {
        let theta: Vec<f64> = snapshot.theta.iter().map(|x| f64::from(*x)).collect();
        let hessian = measured.info.training_double().unwrap().hessian(&theta);
        let exact = crate::curvature::exact_spectrum(&hessian, &()).unwrap();
        let found = measured
            .history
            .row(snapshot.step)
            .unwrap()
            .sharpness
            .unwrap();
        let largest = exact.eigenvalues[0];
        assert!((found - largest).abs() < 1e-4 * largest.abs());
    }
}

#[test]
fn an_engine_ends_while_it_works() {
    let bench = Bench::loaded(long());
    bench.engine.send(Command::Play).unwrap();
    let begun = Arc::new(AtomicBool::new(false));
    let job = Job::new("slice", "endless", Origin::default(), endless(&begun));
    let handle = bench.engine.submit(job);
    let started = Instant::now();
    drop(bench);
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(handle);
}
