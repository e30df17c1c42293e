//! `losscape run`: trains a recipe, runs its analyses, writes everything.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Failure, figure};
use crate::engine::headless::{HeadlessError, Stage, run_to_end};
use crate::math::CancelToken;
use crate::recipe::{Recipe, Value};
use crate::session::RunFolder;

/// What to train and where to leave the results.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// A built-in recipe's name (see `losscape list recipes`) or a TOML file
    recipe: String,

    /// The folder for the results; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Train this many steps instead of the recipe's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    steps: Option<u32>,

    /// Use this seed instead of the recipe's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Show no progress
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let (mut recipe, _, base_dir) = super::read_recipe(&args.recipe)?;
    if let Some(steps) = args.steps {
        recipe
            .training
            .set("steps", Value::Integer(i64::from(steps)));
    }
    if let Some(seed) = args.seed {
        recipe.seed = seed;
    }
    run_into(&recipe, &base_dir, &args.out, args.quiet)
}

/// Trains the recipe and leaves results and figures in `out`.
pub(super) fn run_into(
    recipe: &Recipe,
    base_dir: &Path,
    out: &Path,
    quiet: bool,
) -> Result<(), Failure> {
    if out.exists() && !out.is_dir() {
        return Err(Failure::Input(format!(
            "--out {} is a file; expected a folder, or a name that is free",
            out.display()
        )));
    }
    let progress = Progress::new(quiet);
    let finished = run_to_end(recipe, base_dir, &CancelToken::new(), &|stage| {
        progress.show(&stage);
    })
    .map_err(|error| match error {
        // What cannot be built was asked for wrongly.
        HeadlessError::Run(_) => Failure::input(error),
        HeadlessError::Cancelled => Failure::work(error),
    })?;
    progress.finish();

    let schema = crate::catalogue::schema();
    let folder = RunFolder::new(out);
    folder.save(&finished, schema).map_err(Failure::work)?;
    for view in figure::View::ALL {
        for extension in ["svg", "png"] {
            let path = folder.figure_path(view.name(), extension);
            figure::write(&finished, view, &path, &figure::Look::default())?;
        }
    }
    for failure in &finished.failures {
        eprintln!("note: {failure}");
    }
    if let Some(divergence) = &finished.divergence {
        eprintln!("note: {}", divergence.explanation);
    }
    if let Some(row) = finished.history.last() {
        let sharpness = row.sharpness.map_or_else(String::new, |sharpness| {
            format!(", sharpness {sharpness:.4}")
        });
        super::say(&format!(
            "{}: step {}, training loss {:.6}{sharpness}\n",
            recipe.name, row.step, row.train_loss
        ));
    }
    super::say(&format!(
        "results are in {}\nfigures are in {}\n",
        out.display(),
        out.join("figures").display()
    ));
    Ok(())
}

/// The progress bar: training first, then one analysis after the other.
struct Progress {
    bar: ProgressBar,
    stage: Mutex<&'static str>,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        if quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:10} {bar:32} {pos:>7}/{len} {msg} {elapsed}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self {
            bar,
            stage: Mutex::new(""),
        }
    }

    fn show(&self, stage: &Stage<'_>) {
        match stage {
            Stage::Training { done, total, row } => {
                self.enter("training");
                self.bar.set_length(*total);
                self.bar.set_position(*done);
                if done.is_multiple_of(50) || done == total {
                    self.bar.set_message(format!("loss {:.5}", row.train_loss));
                }
            }
            Stage::Analysis { name, fraction } => {
                self.enter(name);
                self.bar.set_length(100);
                self.bar.set_position((fraction * 100.0) as u64);
            }
        }
    }

    fn enter(&self, name: &'static str) {
        let mut stage = self
            .stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *stage != name {
            *stage = name;
            self.bar.set_prefix(name);
            self.bar.set_message("");
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
