//! What the window knows: the engine, the runs and their results, and what is
//! being looked at. Panels read it and ask for analyses through it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalogue;
use crate::curvature::sharpness::SharpnessReport;
use crate::diagnostics::PredictionMap;
use crate::diagnostics::signals::OpposingSignals;
use crate::engine::analyses::Section;
use crate::engine::curvature::CurvatureResult;
use crate::engine::paths::Connection;
use crate::engine::quantized::QuantizedReport;
use crate::engine::{
    self, Analysis, Command as EngineCommand, Engine, EngineError, Event, EventKind, Generation,
    Job, JobEvent, JobEventKind, JobHandle, JobId, Landscape, LiveGradient, MonitorSettings,
    Origin, Reroll, ResultKind, RunId, RunInfo, RunState, Slot, Spectrum, Succession,
};
use crate::gradients::{GradientMaps, SaliencyMaps};
use crate::landscape::Invariance;
use crate::recipe::{Difference, Recipe, Value};
use crate::stability::{FlowReport, StabilityReport};
use crate::train::Snapshot;

use super::background::discard;
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
    /// A slice of the loss and the path on it.
    pub landscape: Option<Timed<Landscape>>,
    /// Slices along random directions of several seeds.
    pub rerolls: Option<Timed<Arc<[Reroll]>>>,
    /// The loss along a line that was drawn on the slice.
    pub section: Option<Timed<Section>>,
    /// What the self-test of the slice's normalization found.
    pub invariance: Option<Timed<Vec<Invariance>>>,
    /// The spectrum of one moment (the top eigenvalues measured while training
    /// are in the record's `spectrum`).
    pub spectrum: Option<Timed<Spectrum>>,
    /// Gradient norms and images.
    pub gradients: Option<Timed<GradientMaps>>,
    /// Saliency maps.
    pub saliency: Option<Timed<SaliencyMaps>>,
    /// Outputs over the input space or on samples.
    pub prediction: Option<Timed<PredictionMap>>,
    /// Matrices, layers, classes, batches, or the density over the training.
    pub curvature: Option<Timed<CurvatureResult>>,
    /// Paths to another solution.
    pub paths: Option<Timed<Connection>>,
    /// How far the loss rises around a point.
    pub sharpness: Option<Timed<SharpnessReport>>,
    /// The network with weights of few bits.
    pub quantized: Option<Timed<QuantizedReport>>,
    /// The losses of every sample over some steps.
    pub signals: Option<Timed<OpposingSignals>>,
    /// What happens along the top eigenvectors over a window of steps.
    pub stability: Option<Timed<StabilityReport>>,
    /// Flows beside a window of steps.
    pub flow: Option<Timed<FlowReport>>,
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

/// One run: the current one, or an earlier one for comparison. Its history,
/// snapshots, eigenvalues, changes and state are those of the engine's record.
#[derive(Debug)]
pub struct RunRecord {
    /// What the engine's events told.
    pub record: engine::RunRecord,
    /// The newest generation; results of an older one are stale.
    pub generation: Generation,
    /// The name, unlike that of any other run here.
    pub name: String,
    /// Which of the line styles (colour and dash) is its own.
    pub color: usize,
    /// Whether views show it. The current run always is.
    pub visible: bool,
    /// The newest parameters.
    pub live: Option<Arc<Snapshot>>,
    /// The newest gradient.
    pub live_gradient: Option<Arc<LiveGradient>>,
    /// The newest result of every analysis.
    pub results: Results,
    /// Counts up whenever something of this run changed: what was made from it
    /// under another number is out of date.
    pub revision: u64,
}

impl Deref for RunRecord {
    type Target = engine::RunRecord;

    fn deref(&self) -> &engine::RunRecord {
        &self.record
    }
}

impl RunRecord {
    fn new(info: Arc<RunInfo>, name: String, color: usize) -> Self {
        Self {
            generation: info.origin.generation,
            name,
            color,
            visible: true,
            live: Some(Arc::clone(&info.initial)),
            live_gradient: None,
            results: Results::default(),
            revision: 0,
            record: engine::RunRecord::new(info),
        }
    }

    /// Which run.
    pub fn id(&self) -> RunId {
        self.record.info.origin.run
    }

    /// The origin that jobs about this run carry.
    pub fn origin(&self) -> Origin {
        Origin {
            run: self.id(),
            generation: self.generation,
        }
    }

    /// The name without what tells a branch from the run that it parts from.
    fn stem(&self) -> &str {
        self.name.split(" · ").next().unwrap_or(&self.name)
    }

    /// The step that the run has reached, as far as anything here knows.
    pub fn newest_step(&self) -> u64 {
        let live = self.live.as_ref().map_or(0, |live| live.step);
        self.record.step().max(live)
    }

    /// Forgets what only the current run needs.
    fn retire(&mut self) {
        // The path stays, as a ghost on the landscape.
        let memory = self.info.recipe.training.count("snapshot_memory_mb") << 20;
        self.record.snapshots.limit_to(memory / MAX_RUNS);
        if self.record.state == RunState::Running {
            self.record.state = RunState::Paused;
        }
        self.record.steps_per_second = None;
        self.live_gradient = None;
        self.results = Results::default();
        self.revision += 1;
    }
}

/// What a load that has not been answered will become.
#[derive(Clone, Debug)]
struct Pending {
    origin: Origin,
    recipe: Recipe,
    /// Instead of the recipe's.
    name: Option<String>,
    earlier: Earlier,
    play: bool,
}

/// What becomes of the earlier runs when a new one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Earlier {
    /// They stay for comparison.
    Compare,
    /// The new run takes the place of the current one; the others stay.
    Replace,
    /// They are forgotten.
    Forget,
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
    /// The training samples that were brushed, ascending.
    pub brushed: Vec<usize>,
    /// The recipe as the editor shows it. Views read their sections under
    /// `[analyses]` here, and may change them.
    pub recipe: Recipe,
    /// The recipe of the current run, with the live changes made since.
    pub applied: Recipe,
    /// The folder that the recipe's relative paths start from.
    pub base_dir: PathBuf,
    /// Why the newest recipe could not be started, in a sentence.
    pub load_failure: Option<String>,
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
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn new(wake: engine::Wake) -> std::io::Result<Self> {
        let recipe = Recipe::defaults(catalogue::schema());
        Ok(Self {
            engine: Engine::new(wake)?,
            runs: Vec::new(),
            current: 0,
            cursor_step: None,
            selected: None,
            brushed: Vec::new(),
            applied: recipe.clone(),
            recipe,
            base_dir: PathBuf::from("."),
            load_failure: None,
            notifications: Notifications::default(),
            commands: Vec::new(),
            jobs: Vec::new(),
            last_finished: None,
            pending: None,
            cursor_before: None,
            colors_given: 0,
        })
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

    /// Starts a run of a recipe from another experiment: earlier runs are
    /// forgotten once it stands.
    pub fn open(&mut self, recipe: Recipe, base_dir: PathBuf, play: bool) {
        self.base_dir = base_dir;
        self.recipe = recipe;
        self.load(Earlier::Forget, play);
    }

    /// Starts a run of the recipe as the editor shows it, and keeps the earlier
    /// runs for comparison. It trains, unless the present run is paused.
    pub fn apply(&mut self) {
        let paused = self.run().is_some_and(|run| run.state == RunState::Paused);
        self.load(Earlier::Compare, !paused);
    }

    fn load(&mut self, earlier: Earlier, play: bool) {
        self.jobs.clear();
        self.selected = None;
        self.load_failure = None;
        let recipe = self.recipe.clone();
        match self
            .engine
            .load(Arc::new(recipe.clone()), self.base_dir.clone())
        {
            Ok(origin) => {
                self.pending = Some(Pending {
                    origin,
                    recipe,
                    name: None,
                    earlier,
                    play,
                });
            }
            Err(error) => self.load_failure = Some(error.to_string()),
        }
    }

    /// Starts a run that parts from the current one at `start`, and trains it.
    /// The current run stays for comparison, its path as a ghost. `name` says
    /// what is particular about the new one.
    pub fn branch(&mut self, start: &Snapshot, recipe: &Recipe, name: &str) {
        let Some(run) = self.run() else { return };
        let name = format!("{} · {name}", run.stem());
        self.begin_branch(start, recipe, name, Earlier::Compare, true);
    }

    fn begin_branch(
        &mut self,
        start: &Snapshot,
        recipe: &Recipe,
        name: String,
        earlier: Earlier,
        play: bool,
    ) {
        let Some(run) = self.run() else { return };
        let setup = match run.info.setup.branch(recipe, start) {
            Ok(setup) => Arc::new(setup),
            Err(error) => return self.notifications.error(error.to_string()),
        };
        self.jobs.clear();
        self.selected = None;
        self.load_failure = None;
        let recipe = Recipe::clone(&setup.recipe);
        match self.engine.begin_run(setup) {
            Ok(origin) => {
                // It is a live field: the editor's former number would end it.
                let steps = recipe.training.count("steps");
                let steps = i64::try_from(steps).unwrap_or(i64::MAX);
                self.recipe.training.set("steps", steps);
                self.pending = Some(Pending {
                    origin,
                    recipe,
                    name: Some(name),
                    earlier,
                    play,
                });
            }
            Err(error) => self.notifications.error(error.to_string()),
        }
    }

    /// Parts from the current run at the moment that views show, with the
    /// settings of the editor: data, model and loss must be the same.
    pub fn fork(&mut self) {
        let Some(start) = self.shown_start() else {
            return;
        };
        let recipe = self.recipe.clone();
        self.branch(&start, &recipe, &format!("from step {}", start.step));
    }

    /// Trains a branch from parameters that are not on the path: those that
    /// views show, moved. `how` says by what.
    pub fn branch_moved(&mut self, step: u64, theta: Arc<[f32]>, how: &str) {
        let start = Snapshot {
            step,
            theta,
            // What it remembers of the path leads back to it.
            optimizer: None,
        };
        // However late it parts, it gets the time to find its own way.
        let mut recipe = self.applied.clone();
        let steps = recipe.training.count("steps") as u64;
        // A branch has counted those of the run before it already.
        let before = self.run().map_or(0, |run| run.info.initial.step);
        let own = steps.saturating_sub(before).max(1);
        let steps = i64::try_from(own.saturating_add(step)).unwrap_or(i64::MAX);
        recipe.training.set("steps", steps);
        self.branch(&start, &recipe, &format!("{how} at step {step}"));
    }

    /// The parameters that views show, with what the optimizer remembered if
    /// that is known.
    fn shown_start(&self) -> Option<Arc<Snapshot>> {
        let shown = self.shown_snapshot()?;
        let stored = self.run()?.snapshots.nearest(shown.step).cloned();
        Some(stored.filter(|s| s.step == shown.step).unwrap_or(shown))
    }

    /// Whether a load has not been answered yet.
    pub fn is_loading(&self) -> bool {
        self.pending.is_some()
    }

    fn send(&mut self, command: EngineCommand) {
        let sent = self.engine.send(command);
        self.tell(sent);
    }

    fn tell(&mut self, sent: Result<(), EngineError>) {
        if let Err(error) = sent {
            self.notifications.error(error.to_string());
        }
    }

    /// Trains, or pauses.
    pub fn play_pause(&mut self) {
        let command = match self.run().map(|run| &run.state) {
            Some(RunState::Running) => EngineCommand::Pause,
            _ => EngineCommand::Play,
        };
        self.send(command);
    }

    /// Makes one step.
    pub fn step(&mut self) {
        self.selected = None;
        self.send(EngineCommand::Step);
    }

    /// Trains until so many steps are done.
    pub fn run_to(&mut self, step: u64) {
        self.selected = None;
        self.send(EngineCommand::RunTo(step));
    }

    /// Goes back to the beginning with the recipe that is running, the changes
    /// made while it ran included.
    pub fn restart(&mut self) {
        let Some(run) = self.run() else { return };
        let playing = !matches!(run.state, RunState::Paused);
        let as_loaded = *run.info.recipe == self.applied;
        let anew = matches!(run.state, RunState::Failed { .. }) || !as_loaded;
        if anew && run.info.is_branch {
            // It begins where it parted, not where its recipe says.
            let (start, name) = (Arc::clone(&run.info.initial), run.name.clone());
            let recipe = self.applied.clone();
            return self.begin_branch(&start, &recipe, name, Earlier::Replace, playing);
        }
        if anew {
            // The editor may hold changes that are not applied: they stay there.
            let edited = std::mem::replace(&mut self.recipe, self.applied.clone());
            self.load(Earlier::Replace, playing);
            self.recipe = edited;
            return;
        }
        self.jobs.clear();
        self.selected = None;
        match self.engine.reset() {
            Ok(origin) => self.begin_generation(origin),
            Err(error) => self.notifications.error(error.to_string()),
        }
        if playing {
            self.send(EngineCommand::Play);
        }
    }

    /// Goes back to the newest snapshot at or before this step, paused.
    pub fn rewind(&mut self, step: u64) {
        self.jobs.clear();
        self.selected = None;
        match self.engine.rewind(step) {
            Ok(origin) => self.begin_generation(origin),
            Err(error) => self.notifications.error(error.to_string()),
        }
    }

    /// Goes on training after a rewind or a change.
    pub fn play(&mut self) {
        self.send(EngineCommand::Play);
    }

    fn begin_generation(&mut self, origin: Origin) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id() == origin.run) {
            run.generation = origin.generation;
        }
    }

    /// The most steps per second, or none.
    pub fn speed_limit(&self) -> Option<f64> {
        let limit = match self.recipe.training.get("steps_per_second") {
            Some(Value::Integer(limit)) => *limit,
            _ => 0,
        };
        (limit > 0).then_some(limit as f64)
    }

    /// Limits the speed; it is a live field of the recipe.
    pub fn set_speed_limit(&mut self, limit: Option<f64>) {
        let value = limit.map_or(0, |limit| limit.round() as i64);
        self.recipe.training.set("steps_per_second", value);
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
        let number = match value {
            Value::Float(number) => Some(number),
            Value::Integer(number) => Some(number as f64),
            _ => None,
        };
        let command = match (section, key, number) {
            ("training", "steps_per_second", Some(limit)) => {
                EngineCommand::SetSpeed((limit > 0.0).then_some(limit))
            }
            ("optimizer", ..) | ("training", "steps" | "validation_every", _) => match number {
                Some(value) => EngineCommand::SetHyperparameter {
                    key: key.to_owned(),
                    value,
                },
                None => return,
            },
            (
                "analyses.spectrum",
                "every" | "automatic" | "share" | "top" | "bottom" | "batch_sharpness",
                _,
            ) => EngineCommand::SetMonitoring(MonitorSettings::from_recipe(&self.applied.spectrum)),
            // What only the views read.
            _ => return,
        };
        self.send(command);
    }

    /// How the editor's recipe differs from that of the current run.
    pub fn difference(&self) -> Difference {
        self.applied.diff(&self.recipe, catalogue::schema())
    }

    /// Takes an earlier run away.
    pub fn remove_run(&mut self, id: RunId) {
        if self.run().is_some_and(|run| run.id() == id) {
            return;
        }
        if let Some(index) = self.runs.iter().position(|run| run.id() == id) {
            discard(self.runs.remove(index));
            if index < self.current {
                self.current -= 1;
            }
        }
    }

    /// Takes all earlier runs away.
    pub fn forget_comparisons(&mut self) {
        if let Some(id) = self.run().map(RunRecord::id) {
            let runs = std::mem::take(&mut self.runs).into_iter();
            let (kept, gone): (Vec<_>, Vec<_>) = runs.partition(|run| run.id() == id);
            discard(gone);
            self.runs = kept;
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
        let loading = self.is_loading();
        Situation {
            loaded: run.is_some() && !loading,
            running: self.is_running(),
            can_train,
            can_step_back: matches!(state, Some(RunState::Diverged(_))),
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
    /// Asks for an analysis of the current run. Either it replaces what its slot
    /// already holds, or it lets that finish first.
    pub fn submit(
        &mut self,
        slot: Slot,
        label: impl Into<String>,
        succession: Succession,
        analysis: Box<dyn Analysis>,
    ) {
        let Some(run) = self.run_mut() else { return };
        run.results.set_failure(slot.clone(), None);
        let origin = run.origin();
        let job = Job {
            slot: slot.clone(),
            label: label.into(),
            origin,
            succession,
            analysis,
        };
        let handle = self.engine.submit(job);
        if succession == Succession::Replace {
            self.jobs.retain(|job| *job.slot() != slot);
        }
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
        // A job that is done by now has its result among the events below. One
        // that ends later keeps its handle: dropping it would void the result.
        let done: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|job| job.is_done())
            .map(JobHandle::id)
            .collect();
        let events = self.engine.drain();
        let mut changed = !events.is_empty();
        for event in events {
            self.take(event);
        }
        changed |= self.take_latest();
        self.jobs.retain(|job| !done.contains(&job.id()));
        changed
    }

    fn take_latest(&mut self) -> bool {
        if self.pending.is_some() {
            return false;
        }
        let live = self.engine.live_parameters();
        let gradient = self.engine.live_gradient();
        let origin = self.engine.origin();
        let Some(run) = self.runs.get_mut(self.current) else {
            return false;
        };
        if origin != run.origin() {
            return false;
        }
        let mut changed = false;
        if let Some(live) = live
            && run
                .live
                .as_ref()
                .is_none_or(|known| !Arc::ptr_eq(known, &live))
        {
            run.live = Some(live);
            changed = true;
        }
        if let Some(gradient) = gradient
            && run
                .live_gradient
                .as_ref()
                .is_none_or(|known| !Arc::ptr_eq(known, &gradient))
        {
            run.live_gradient = Some(gradient);
            changed = true;
        }
        run.revision += u64::from(changed);
        changed
    }

    fn take(&mut self, event: Event) {
        if let EventKind::Loaded(info) = event.kind {
            self.loaded(event.origin, info);
            return;
        }
        if let Some(pending) = &self.pending {
            if pending.origin != event.origin {
                return;
            }
            if let EventKind::State(RunState::Failed { message }) = event.kind {
                self.pending = None;
                if let Some(run) = self.run_mut() {
                    // The trainer holds nothing any more.
                    run.record.state = RunState::Failed {
                        message: message.clone(),
                    };
                    run.revision += 1;
                }
                self.load_failure = Some(message);
            }
            return;
        }
        let Some(index) = self
            .runs
            .iter()
            .position(|run| run.origin() == event.origin)
        else {
            return;
        };
        let event = match event {
            Event {
                kind: EventKind::Job(job),
                ..
            } => {
                self.job_event(index, job);
                return;
            }
            Event {
                kind: EventKind::Refused { message },
                ..
            } => {
                self.notifications.warning(message);
                return;
            }
            other => other,
        };
        let run = &mut self.runs[index];
        run.revision += 1;
        if let EventKind::Rewound { step } = event.kind {
            discard((run.record.rewind(step), std::mem::take(&mut run.results)));
            run.live = run.record.snapshots.last().cloned();
            run.live_gradient = None;
        } else {
            run.record.apply(event);
        }
    }

    fn loaded(&mut self, origin: Origin, info: Arc<RunInfo>) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id() == origin.run) {
            // The same run from step 0.
            if run.generation == origin.generation {
                let revision = run.revision + 1;
                let new = RunRecord::new(info, std::mem::take(&mut run.name), run.color);
                discard(std::mem::replace(run, new));
                run.generation = origin.generation;
                run.revision = revision;
            }
            return;
        }
        let Some(pending) = self.pending.take_if(|pending| pending.origin == origin) else {
            return;
        };
        let mut replaced = None;
        match pending.earlier {
            Earlier::Forget => discard(std::mem::take(&mut self.runs)),
            Earlier::Replace if self.current < self.runs.len() => {
                let mut run = self.runs.remove(self.current);
                replaced = Some((std::mem::take(&mut run.name), run.color));
                discard(run);
            }
            Earlier::Compare | Earlier::Replace => {}
        }
        for run in &mut self.runs {
            run.retire();
        }
        while self.runs.len() >= MAX_RUNS {
            discard(self.runs.remove(0));
        }
        let (name, color) = replaced.unwrap_or_else(|| {
            let name = pending.name.as_ref().unwrap_or(&info.recipe.name);
            (self.unique_name(name), self.free_color())
        });
        self.runs.push(RunRecord::new(info, name, color));
        self.current = self.runs.len() - 1;
        self.applied = pending.recipe;
        if pending.play {
            self.play();
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
        run.revision += 1;
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
            // The job did its work elsewhere.
            ResultKind::Nothing => {}
            ResultKind::Landscape(value) => place!(landscape, value),
            ResultKind::Rerolls(value) => place!(rerolls, Arc::new(value)),
            ResultKind::Section(value) => place!(section, value),
            ResultKind::Invariance(value) => place!(invariance, value),
            ResultKind::Spectrum(value) => place!(spectrum, value),
            ResultKind::Gradients(value) => place!(gradients, value),
            ResultKind::Saliency(value) => place!(saliency, value),
            ResultKind::Prediction(value) => place!(prediction, value),
            ResultKind::Curvature(value) => place!(curvature, value),
            ResultKind::Paths(value) => place!(paths, value),
            ResultKind::Sharpness(value) => place!(sharpness, value),
            ResultKind::Quantized(value) => place!(quantized, value),
            ResultKind::Signals(value) => place!(signals, value),
            ResultKind::Stability(value) => place!(stability, value),
            ResultKind::Flow(value) => place!(flow, value),
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
    let name = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Recipe::parse(&text, &name, catalogue::schema()).map_err(|error| error.to_string())
}
