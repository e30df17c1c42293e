//! What the window knows: the engine, the runs and their results, and what is
//! being looked at. Panels read it and ask for analyses through it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalogue;
use crate::curvature::{SpectralDensity, TopEigenvalues, TraceEstimate};
use crate::engine::{
    Analysis, Command as EngineCommand, Engine, EngineOptions, Event, EventKind, Generation, Job,
    JobEvent, JobEventKind, JobHandle, LiveGradient, Origin, ResultKind, RunId, RunInfo, RunState,
    Slot,
};
use crate::gradients::{GradientMaps, PredictionMap, SaliencyMaps};
use crate::landscape::{Slice1d, Slice2d};
use crate::recipe::{Difference, Recipe, Value};
use crate::train::{History, Snapshot, Snapshots, SpectrumPoint};

use super::commands::{Command, Situation};
use super::notifications::Notifications;

/// How many runs are kept, the current one included: as many as there are
/// colours that everybody can tell apart.
pub const MAX_RUNS: usize = 8;

/// A result of an analysis, with what it is about.
#[derive(Debug)]
pub struct Timed<T> {
    /// The step of the parameters that were analysed.
    pub step: u64,
    /// The generation that they belonged to.
    pub generation: Generation,
    /// The result.
    pub value: Arc<T>,
    /// Whether it will not be refined any more.
    pub complete: bool,
    /// How long the analysis took in seconds, once it is complete.
    pub seconds: Option<f64>,
}

impl<T> Clone for Timed<T> {
    fn clone(&self) -> Self {
        Self {
            step: self.step,
            generation: self.generation,
            value: Arc::clone(&self.value),
            complete: self.complete,
            seconds: self.seconds,
        }
    }
}

/// The newest result of every kind.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The loss on a plane.
    pub slice2d: Option<Timed<Slice2d>>,
    /// The loss along a line.
    pub slice1d: Option<Timed<Slice1d>>,
    /// Top eigenvalues that were asked for (those measured while training are
    /// in [`RunRecord::spectrum`]).
    pub top: Option<Timed<TopEigenvalues>>,
    /// The spectral density.
    pub density: Option<Timed<SpectralDensity>>,
    /// The trace.
    pub trace: Option<Timed<TraceEstimate>>,
    /// Gradient norms and images.
    pub gradients: Option<Timed<GradientMaps>>,
    /// Saliency maps.
    pub saliency: Option<Timed<SaliencyMaps>>,
    /// Outputs over the input space or on samples.
    pub prediction: Option<Timed<PredictionMap>>,
    /// Why the newest job of a slot failed, in a sentence.
    pub failures: Vec<(Slot, String)>,
}

impl Results {
    /// Why the newest job of this slot failed, if it did.
    pub fn failure(&self, slot: &Slot) -> Option<&str> {
        self.failures
            .iter()
            .find(|(failed, _)| failed == slot)
            .map(|(_, message)| message.as_str())
    }

    fn set_failure(&mut self, slot: Slot, message: Option<String>) {
        self.failures.retain(|(failed, _)| *failed != slot);
        if let Some(message) = message {
            self.failures.push((slot, message));
        }
    }
}

/// A hyperparameter that was changed while the run went on.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperparameterChange {
    /// The step from which the value holds.
    pub step: u64,
    /// The field's key.
    pub key: String,
    /// The value.
    pub value: f64,
}

/// One run: the current one, or an earlier one for comparison.
#[derive(Debug)]
pub struct RunRecord {
    /// Which run.
    pub id: RunId,
    /// The newest generation; results of an older one are stale.
    pub generation: Generation,
    /// The name, unlike that of any other run here.
    pub name: String,
    /// Which of the line colours (and dashes) is its own.
    pub color: usize,
    /// Whether views show it. The current run always is.
    pub visible: bool,
    /// What does not change while it trains.
    pub info: Arc<RunInfo>,
    /// The metrics of every step.
    pub history: History,
    /// The snapshots that the policy kept; of an earlier run the first and last.
    pub snapshots: Snapshots,
    /// The newest parameters.
    pub live: Option<Arc<Snapshot>>,
    /// The newest gradient.
    pub live_gradient: Option<Arc<LiveGradient>>,
    /// Top eigenvalues measured while training, by rising step.
    pub spectrum: Vec<Arc<SpectrumPoint>>,
    /// What was changed while it ran.
    pub changes: Vec<HyperparameterChange>,
    /// Whether it is training.
    pub state: RunState,
    /// The newest result of every analysis.
    pub results: Results,
    /// Steps per second.
    pub rate: f64,
}

impl RunRecord {
    fn new(info: Arc<RunInfo>, name: String, color: usize) -> Self {
        let mut snapshots = snapshots_of(&info);
        snapshots.push(Arc::clone(&info.initial));
        Self {
            id: info.origin.run,
            generation: info.origin.generation,
            name,
            color,
            visible: true,
            live: Some(Arc::clone(&info.initial)),
            history: History::new(),
            snapshots,
            live_gradient: None,
            spectrum: Vec::new(),
            changes: Vec::new(),
            state: RunState::Paused,
            results: Results::default(),
            rate: 0.0,
            info,
        }
    }

    /// The origin that jobs about this run carry.
    pub fn origin(&self) -> Origin {
        Origin {
            run: self.id,
            generation: self.generation,
        }
    }

    /// The step that the run has reached.
    pub fn step(&self) -> u64 {
        let row = self.history.last().map_or(0, |row| row.step);
        let live = self.live.as_ref().map_or(0, |live| live.step);
        row.max(live)
    }

    /// Forgets what only the current run needs.
    fn retire(&mut self) {
        let first_and_last: Vec<_> = [self.snapshots.first(), self.snapshots.last()]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        self.snapshots = snapshots_of(&self.info);
        for snapshot in first_and_last {
            self.snapshots.push(snapshot);
        }
        self.live_gradient = None;
        self.results = Results::default();
        self.rate = 0.0;
    }
}

/// An empty store under the policy of the run's recipe.
fn snapshots_of(info: &RunInfo) -> Snapshots {
    let megabytes = info.recipe.training.count("snapshot_memory_mb");
    Snapshots::new(megabytes.saturating_mul(1024 * 1024))
}

/// What a load that has not been answered will become.
#[derive(Clone, Debug)]
struct Pending {
    origin: Origin,
    /// Keep the earlier runs for comparison.
    compare: bool,
    play: bool,
}

/// Everything that the window knows.
pub struct Workspace {
    /// The threads that train and analyse.
    pub engine: Engine,
    /// All runs, the oldest first.
    pub runs: Vec<RunRecord>,
    /// Which of them is the current one.
    pub current: usize,
    /// The step that the pointer is on in some view, marked in all of them.
    /// Views set it anew in every frame.
    pub cursor_step: Option<u64>,
    /// The step of the snapshot that views show; `None` follows the live run.
    pub selected: Option<u64>,
    /// The recipe as the editor shows it. Views read their sections under
    /// `[analyses]` here, and may change them.
    pub recipe: Recipe,
    /// The recipe of the current run, with the live changes made since.
    pub applied: Recipe,
    /// The folder that the recipe's relative paths start from.
    pub base_dir: PathBuf,
    /// Why the newest recipe could not be started, in a sentence.
    pub load_failure: Option<String>,
    /// The most steps per second, or none.
    pub speed_limit: Option<f64>,
    /// Messages to the person.
    pub notifications: Notifications,
    /// Commands asked for by views; the shell does them in the next frame.
    pub commands: Vec<Command>,
    /// The running analyses.
    pub jobs: Vec<JobHandle>,
    /// The analysis that finished last: its label and how long it took.
    pub last_finished: Option<(String, f64)>,
    pending: Option<Pending>,
    cursor_before: Option<u64>,
    colors_given: usize,
}

impl Workspace {
    /// A workspace without runs.
    pub fn new(options: EngineOptions, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let recipe = Recipe::defaults(catalogue::schema());
        Self {
            engine: Engine::new(options, wake),
            runs: Vec::new(),
            current: 0,
            cursor_step: None,
            selected: None,
            applied: recipe.clone(),
            recipe,
            base_dir: PathBuf::from("."),
            load_failure: None,
            speed_limit: None,
            notifications: Notifications::default(),
            commands: Vec::new(),
            jobs: Vec::new(),
            last_finished: None,
            pending: None,
            cursor_before: None,
            colors_given: 0,
        }
    }
}

/// Runs.
impl Workspace {
    /// The current run.
    pub fn run(&self) -> Option<&RunRecord> {
        self.runs.get(self.current)
    }

    /// The current run, for changing it.
    pub fn run_mut(&mut self) -> Option<&mut RunRecord> {
        self.runs.get_mut(self.current)
    }

    /// The runs that views show: the current one last, on top.
    pub fn visible_runs(&self) -> impl Iterator<Item = &RunRecord> {
        let current = self.current;
        self.runs
            .iter()
            .enumerate()
            .filter(move |(index, run)| *index != current && run.visible)
            .map(|(_, run)| run)
            .chain(self.run())
    }

    /// Starts a run of this recipe from another experiment: earlier runs are
    /// forgotten once it stands.
    pub fn open(&mut self, recipe: Recipe, base_dir: PathBuf, play: bool) {
        self.base_dir = base_dir;
        self.recipe = recipe;
        self.load(false, play);
    }

    /// Starts a run of the recipe as the editor shows it, and keeps the earlier
    /// runs for comparison.
    pub fn apply(&mut self) {
        let play = matches!(
            self.run().map(|run| &run.state),
            Some(RunState::Running | RunState::Finished | RunState::Diverged { .. }) | None
        );
        self.load(true, play);
    }

    fn load(&mut self, compare: bool, play: bool) {
        self.jobs.clear();
        self.selected = None;
        self.load_failure = None;
        self.applied = self.recipe.clone();
        let origin = self
            .engine
            .load(Arc::new(self.recipe.clone()), self.base_dir.clone());
        self.pending = Some(Pending {
            origin,
            compare,
            play,
        });
        self.engine.send(EngineCommand::SetSpeed(self.speed_limit));
    }

    /// Whether a load has not been answered yet.
    pub fn is_loading(&self) -> bool {
        self.pending.is_some()
    }

    /// Trains, or pauses.
    pub fn play_pause(&mut self) {
        let command = match self.run().map(|run| &run.state) {
            Some(RunState::Running) => EngineCommand::Pause,
            _ => EngineCommand::Play,
        };
        self.engine.send(command);
    }

    /// Makes one step.
    pub fn step(&mut self) {
        self.selected = None;
        self.engine.send(EngineCommand::Step);
    }

    /// Goes back to step 0 with the recipe that is running.
    pub fn restart(&mut self) {
        let playing = self.is_running();
        self.jobs.clear();
        self.selected = None;
        let origin = self.engine.reset();
        self.begin_generation(origin);
        if playing {
            self.engine.send(EngineCommand::Play);
        }
    }

    /// Goes back to the newest snapshot at or before this step.
    pub fn rewind(&mut self, step: u64) {
        self.jobs.clear();
        self.selected = None;
        let origin = self.engine.rewind(step);
        self.begin_generation(origin);
    }

    fn begin_generation(&mut self, origin: Origin) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == origin.run) {
            run.generation = origin.generation;
        }
    }

    /// Limits the speed.
    pub fn set_speed_limit(&mut self, limit: Option<f64>) {
        if self.speed_limit != limit {
            self.speed_limit = limit;
            self.engine.send(EngineCommand::SetSpeed(limit));
        }
    }

    /// Whether the current run is training.
    pub fn is_running(&self) -> bool {
        self.run().is_some_and(|run| run.state == RunState::Running)
    }

    /// Changes a value of the recipe on the running network.
    pub fn set_live(&mut self, section: &str, key: &str, value: Value) {
        if let Some(component) = self.applied.section_mut(section) {
            component.set(key, value.clone());
        }
        self.engine.set_live(section, key, &value);
    }

    /// How the editor's recipe differs from that of the current run.
    pub fn difference(&self) -> Difference {
        self.applied.diff(&self.recipe, catalogue::schema())
    }

    /// Takes an earlier run away.
    pub fn remove_run(&mut self, id: RunId) {
        if self.run().is_some_and(|run| run.id == id) {
            return;
        }
        if let Some(index) = self.runs.iter().position(|run| run.id == id) {
            self.runs.remove(index);
            if index < self.current {
                self.current -= 1;
            }
        }
    }

    /// Takes all earlier runs away.
    pub fn forget_comparisons(&mut self) {
        if let Some(id) = self.run().map(|run| run.id) {
            self.runs.retain(|run| run.id == id);
            self.current = 0;
        }
    }

    fn unique_name(&self, name: &str) -> String {
        let base = if name.is_empty() { "Untitled" } else { name };
        let taken = |candidate: &str| self.runs.iter().any(|run| run.name == candidate);
        if !taken(base) {
            return base.to_owned();
        }
        (2..)
            .map(|number| format!("{base} ({number})"))
            .find(|candidate| !taken(candidate))
            .unwrap_or_default()
    }

    /// A colour that no run here has, as long as there is one.
    fn free_color(&mut self) -> usize {
        let free = (0..MAX_RUNS).find(|color| self.runs.iter().all(|run| run.color != *color));
        self.colors_given += 1;
        free.unwrap_or(self.colors_given % MAX_RUNS)
    }
}

/// Looking.
impl Workspace {
    /// The parameters that views show: those of the selected snapshot, or the
    /// newest.
    pub fn shown_snapshot(&self) -> Option<Arc<Snapshot>> {
        let run = self.run()?;
        match self.selected {
            Some(step) => run.snapshots.nearest(step).cloned(),
            None => run.live.clone(),
        }
    }

    /// Lets views show the snapshot nearest to this step.
    pub fn select_step(&mut self, step: u64) {
        let nearest = self
            .run()
            .and_then(|run| run.snapshots.nearest(step))
            .map(|snapshot| snapshot.step);
        if nearest.is_some() {
            self.selected = nearest;
        }
    }

    /// Lets views follow the live run.
    pub fn follow_live(&mut self) {
        self.selected = None;
    }

    /// Lets views show the snapshot before the one shown, or the one after; past
    /// the last one they follow the live run again.
    pub fn select_neighbour(&mut self, forward: bool) {
        let Some(run) = self.run() else { return };
        let all = run.snapshots.all();
        let index = match self.selected {
            Some(step) => all.partition_point(|snapshot| snapshot.step < step),
            None => all.len(),
        };
        let next = if forward {
            index.checked_add(1)
        } else {
            index.checked_sub(1)
        };
        self.selected = match next.and_then(|next| all.get(next)) {
            Some(snapshot) => Some(snapshot.step),
            None if forward => None,
            None => self.selected,
        };
    }

    /// Called once before the views are drawn: what some view's pointer was on
    /// in the frame before becomes the mark in all of them.
    pub fn begin_frame(&mut self) {
        self.cursor_before = self.cursor_step.take();
    }

    /// The step to mark: that of this frame's pointer, or of the frame before
    /// in views that are drawn earlier.
    pub fn linked_step(&self) -> Option<u64> {
        self.cursor_step.or(self.cursor_before)
    }

    /// What the availability of commands depends on, as far as it is known here.
    pub fn situation(&self) -> Situation {
        let run = self.run();
        let state = run.map(|run| &run.state);
        let can_train = matches!(state, Some(RunState::Paused | RunState::Running));
        Situation {
            loaded: run.is_some(),
            running: self.is_running(),
            can_train,
            can_step_back: matches!(
                state,
                Some(RunState::Diverged {
                    rewind_to: Some(_),
                    ..
                })
            ),
            jobs: self.jobs.iter().any(|job| !job.is_done()),
            past: self.selected.is_some(),
            snapshots: run.is_some_and(|run| run.snapshots.all().len() > 1),
            comparisons: self.runs.len() > 1,
            ..Situation::default()
        }
    }
}

/// Analyses.
impl Workspace {
    /// Asks for an analysis of the current run. It replaces what is running in
    /// its slot.
    pub fn submit(&mut self, slot: Slot, label: impl Into<String>, analysis: Box<dyn Analysis>) {
        let Some(run) = self.run_mut() else { return };
        run.results.set_failure(slot.clone(), None);
        let origin = run.origin();
        self.jobs.retain(|job| *job.slot() != slot);
        let job = Job {
            slot,
            label: label.into(),
            origin,
            analysis,
        };
        let handle = self.engine.submit(job);
        self.jobs.push(handle);
    }

    /// The job that runs in this slot.
    pub fn job(&self, slot: &Slot) -> Option<&JobHandle> {
        self.jobs
            .iter()
            .find(|job| job.slot() == slot && !job.is_done())
    }

    /// Cancels the job that runs in this slot.
    pub fn cancel(&mut self, slot: &Slot) {
        self.jobs.retain(|job| job.slot() != slot);
    }

    /// Cancels all jobs.
    pub fn cancel_all(&mut self) {
        self.jobs.clear();
    }
}

/// Events.
impl Workspace {
    /// Takes in everything that the engine reported since the last call, and the
    /// newest parameters. Returns whether anything came.
    pub fn drain(&mut self) -> bool {
        let events = self.engine.drain();
        let mut changed = !events.is_empty();
        for event in events {
            self.take(event);
        }
        changed |= self.take_latest();
        self.jobs.retain(|job| !job.is_done());
        changed
    }

    fn take_latest(&mut self) -> bool {
        let live = self.engine.latest_parameters();
        let gradient = self.engine.latest_gradient();
        let Some(run) = self.runs.get_mut(self.current) else {
            return false;
        };
        let mut changed = false;
        if let Some((origin, live)) = live
            && origin == run.origin()
        {
            run.live = Some(live);
            changed = true;
        }
        if let Some((origin, gradient)) = gradient
            && origin == run.origin()
        {
            run.live_gradient = Some(gradient);
            changed = true;
        }
        changed
    }

    fn take(&mut self, event: Event) {
        if let EventKind::Loaded(info) = event.kind {
            self.loaded(event.origin, info);
            return;
        }
        if let Some(pending) = &self.pending
            && pending.origin == event.origin
        {
            if let EventKind::State(RunState::Failed { message }) = event.kind {
                self.pending = None;
                self.load_failure = Some(message);
            }
            return;
        }
        let Some(index) = self.runs.iter().position(|run| {
            run.id == event.origin.run && run.generation == event.origin.generation
        }) else {
            return;
        };
        let run = &mut self.runs[index];
        match event.kind {
            EventKind::Loaded(_) => {}
            EventKind::Rewound { step } => {
                run.history.truncate(step);
                run.snapshots.truncate_after(step);
                run.spectrum.retain(|point| point.step <= step);
                run.changes.retain(|change| change.step <= step);
                run.live = run.snapshots.last().cloned();
                run.live_gradient = None;
            }
            EventKind::Metrics(rows) => {
                for row in rows {
                    run.history.append(row);
                }
            }
            EventKind::Snapshot(snapshot) => run.snapshots.push(snapshot),
            EventKind::Spectrum(point) => {
                if let Some(sharpness) = point.sharpness() {
                    run.history.set_sharpness(point.step, sharpness);
                }
                let at = run
                    .spectrum
                    .partition_point(|other| other.step < point.step);
                match run.spectrum.get_mut(at) {
                    Some(other) if other.step == point.step => *other = point,
                    _ => run.spectrum.insert(at, point),
                }
            }
            EventKind::State(state) => {
                if state != RunState::Running {
                    run.rate = 0.0;
                }
                run.state = state;
            }
            EventKind::Hyperparameter { key, value, step } => {
                run.changes.retain(|change| change.step != step || change.key != key);
                run.changes.push(HyperparameterChange { step, key, value });
            }
            EventKind::Refused { message } => self.notifications.warning(message),
            EventKind::Rate { steps_per_second } => run.rate = steps_per_second,
            EventKind::Job(job) => self.job_event(index, job),
        }
    }

    fn loaded(&mut self, origin: Origin, info: Arc<RunInfo>) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == origin.run) {
            // The same run from step 0.
            if run.generation == origin.generation {
                let (name, color, visible) = (run.name.clone(), run.color, run.visible);
                *run = RunRecord::new(info, name, color);
                run.visible = visible;
                run.generation = origin.generation;
            }
            return;
        }
        let Some(pending) = self
            .pending
            .take_if(|pending| pending.origin == origin)
        else {
            return;
        };
        if !pending.compare {
            self.runs.clear();
        }
        for run in &mut self.runs {
            run.retire();
        }
        while self.runs.len() >= MAX_RUNS {
            self.runs.remove(0);
        }
        let name = self.unique_name(&info.recipe.name);
        let color = self.free_color();
        self.runs.push(RunRecord::new(info, name, color));
        self.current = self.runs.len() - 1;
        if pending.play {
            self.engine.send(EngineCommand::Play);
        }
    }

    fn job_event(&mut self, index: usize, event: JobEvent) {
        let label = self
            .jobs
            .iter()
            .find(|job| job.id() == event.job)
            .map(|job| job.label().to_owned());
        let run = &mut self.runs[index];
        let generation = run.generation;
        let (result, complete, seconds) = match event.kind {
            JobEventKind::Partial(result) => (result, false, None),
            JobEventKind::Finished { result, seconds } => {
                if let Some(label) = label {
                    self.last_finished = Some((label, seconds));
                }
                (result, true, Some(seconds))
            }
            JobEventKind::Cancelled => return,
            JobEventKind::Failed { message } => {
                run.results.set_failure(event.slot, Some(message));
                return;
            }
        };
        macro_rules! place {
            ($field:ident, $value:expr) => {
                run.results.$field = Some(Timed {
                    step: result.step,
                    generation,
                    value: $value,
                    complete,
                    seconds,
                })
            };
        }
        match result.kind {
            ResultKind::Slice1d(value) => place!(slice1d, value),
            ResultKind::Slice2d(value) => place!(slice2d, value),
            ResultKind::TopEigenvalues(value) => place!(top, value),
            ResultKind::SpectralDensity(value) => place!(density, value),
            ResultKind::Trace(value) => place!(trace, value),
            ResultKind::Gradients(value) => place!(gradients, value),
            ResultKind::Saliency(value) => place!(saliency, value),
            ResultKind::Prediction(value) => place!(prediction, value),
        }
    }
}

/// A recipe read from a file.
///
/// # Errors
/// One sentence: the file cannot be read, or what is wrong in which line.
pub fn read_recipe(path: &Path) -> Result<Recipe, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Recipe::parse(&text, &name, catalogue::schema()).map_err(|error| error.to_string())
}
