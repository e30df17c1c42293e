//! `losscape race`: several optimizers from one start, side by side.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use crate::engine::race::{EndError, Finish, FinishedRace, run_to_end};
use crate::figure::{Figure, SvgOptions, png, svg};
use crate::functions;
use crate::math::CancelToken;
use crate::race::{
    Entry, Ground, GroundSettings, Lockstep, RaceSettings, Status, parse_value, split_pairs,
};
use crate::recipe::{Component, Value};
use crate::session::race::RaceDocument;
use crate::session::write_atomically;
use crate::views::landscape::LandscapeSettings;
use crate::views::loss::DEFAULT_SMOOTHING;
use crate::views::race::{self as view, RaceLossSettings, RunnerSeries};
use crate::views::table::{Cell, Table};

/// Who races, on what, and where the results go.
#[derive(Debug, Args)]
pub(super) struct RaceArgs {
    /// What the runners have in common: a built-in recipe's name or a TOML file;
    /// can be left out with --function
    recipe: Option<String>,

    /// A runner and what it changes: `NAME: section.key=value, …`; 2 to 8 times
    #[arg(long, value_name = "RUNNER", required = true)]
    runner: Vec<String>,

    /// Race on a closed-form function: `NAME` or `NAME: key=value, …`
    /// (see `losscape list functions`)
    #[arg(long, value_name = "FUNCTION")]
    function: Option<String>,

    /// Where all start on the function [default: the function's own start]
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true)]
    start: Option<String>,

    /// Steps of every runner [default: the recipe's, or 1000 on a function]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: Option<u32>,

    /// What is equal between the runners: updates, accumulated learning rate, or
    /// wall time; by the last two the race ends with the first who has made all
    /// steps
    #[arg(long, value_enum, default_value_t = LockstepArg::Step)]
    lockstep: LockstepArg,

    /// The plane of the landscape: `joint`, or a runner's name for its own
    #[arg(long, value_name = "joint|RUNNER", default_value = "joint")]
    plane: String,

    /// Points on a side of the landscape [default: 65, or 257 on a function]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=2049))]
    grid: Option<u16>,

    /// Measure λ₁ at the end
    #[arg(long)]
    sharpness: bool,

    /// Use this seed instead of the recipe's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// The folder for the results; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Show no progress
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LockstepArg {
    Step,
    Eta,
    Time,
}

pub(super) fn race(args: &RaceArgs) -> Result<(), Failure> {
    if args.out.exists() && !args.out.is_dir() {
        return Err(Failure::Input(format!(
            "--out {} is a file; expected a folder, or a name that is free",
            args.out.display()
        )));
    }
    let settings = settings(args)?;
    let on_function = matches!(settings.ground, GroundSettings::Function { .. });
    let finish = Finish {
        plane: (args.plane != "joint").then(|| args.plane.clone()),
        grid: args
            .grid
            .map_or(if on_function { 257 } else { 65 }, usize::from),
        sharpness: args.sharpness,
    };
    let bar = progress_bar(args.quiet);
    let finished = run_to_end(
        settings,
        crate::catalogue::schema(),
        &finish,
        &CancelToken::new(),
        &|done, total| {
            bar.set_length(total);
            bar.set_position(done);
        },
    )
    .map_err(|error| match error {
        // What cannot be built was asked for wrongly.
        EndError::Race(_) => Failure::input(error),
        EndError::Cancelled => Failure::work(error),
    })?;
    bar.finish_and_clear();
    write(&finished, &args.out)?;
    for failure in &finished.failures {
        eprintln!("note: {failure}");
    }
    for runner in finished.race.runners() {
        if let Status::Diverged(divergence) = runner.status() {
            eprintln!("note: {}: {}", runner.entry.name, divergence.explanation);
        }
    }
    tell(&finished, &args.out);
    Ok(())
}

fn settings(args: &RaceArgs) -> Result<RaceSettings, Failure> {
    let schema = crate::catalogue::schema();
    let entries = args
        .runner
        .iter()
        .map(|text| Entry::parse(text, schema))
        .collect::<Result<Vec<Entry>, String>>()
        .map_err(Failure::Input)?;
    let function = args.function.as_deref().map(read_function).transpose()?;
    let mut settings = match (&args.recipe, function) {
        (None, None) => {
            return Err(Failure::Input(
                "there is nothing to race on; expected a recipe or --function".to_owned(),
            ));
        }
        (None, Some(function)) => {
            let mut settings =
                RaceSettings::on_function(function, entries, schema).map_err(Failure::Input)?;
            settings.base.training.set("steps", 1000i64);
            settings
        }
        (Some(recipe), function) => {
            let (base, _, base_dir) = super::read_recipe(recipe)?;
            RaceSettings {
                base,
                base_dir,
                ground: function.map_or(GroundSettings::Network, |function| {
                    GroundSettings::Function {
                        function,
                        start: None,
                    }
                }),
                entries,
                lockstep: Lockstep::Step,
            }
        }
    };
    settings.lockstep = match args.lockstep {
        LockstepArg::Step => Lockstep::Step,
        LockstepArg::Eta => Lockstep::Eta,
        LockstepArg::Time => Lockstep::Time,
    };
    if let Some(steps) = args.steps {
        settings
            .base
            .training
            .set("steps", Value::Integer(i64::from(steps)));
    }
    if let Some(seed) = args.seed {
        settings.base.seed = seed;
    }
    if let Some(text) = &args.start {
        let GroundSettings::Function { start, .. } = &mut settings.ground else {
            return Err(Failure::Input(
                "--start was given without --function; a network starts from its recipe's initialization".to_owned(),
            ));
        };
        *start = Some(read_point(text)?);
    }
    Ok(settings)
}

/// A point written as `x,y`.
fn read_point(text: &str) -> Result<[f64; 2], Failure> {
    let numbers: Vec<f64> = text
        .split(',')
        .filter_map(|part| part.trim().parse().ok())
        .filter(|number: &f64| number.is_finite())
        .collect();
    match (numbers.as_slice(), text.split(',').count()) {
        (&[x, y], 2) => Ok([x, y]),
        _ => Err(Failure::Input(format!(
            "--start is {text:?}; expected two numbers such as -1.2,1"
        ))),
    }
}

/// A function written as `NAME` or `NAME: key=value, …`.
fn read_function(text: &str) -> Result<Component, Failure> {
    let (name, values) = text.split_once(':').unwrap_or((text, ""));
    let name = name.trim();
    let section = functions::section();
    let mut component = section
        .component(name)
        .unwrap_or_else(|| Component::new(name));
    for pair in split_pairs(values) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure::Input(format!(
                "--function {name} has {pair:?}; expected key=value, such as condition=100"
            )));
        };
        let (key, value) = (key.trim(), parse_value(value));
        let accepted = section
            .kind(name)
            .and_then(|kind| section.field(kind, key))
            .and_then(|field| field.accept(&value));
        component.set(key, accepted.unwrap_or(value));
    }
    match section.problems(&component).into_iter().next() {
        Some(problem) => Err(Failure::Input(problem.message)),
        None => Ok(component),
    }
}

fn progress_bar(quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if quiet {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("race       {bar:32} {pos:>7}/{len} {elapsed}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// The runners as the views take them.
fn series(finished: &FinishedRace) -> Vec<RunnerSeries<'_>> {
    finished
        .race
        .runners()
        .iter()
        .enumerate()
        .map(|(index, runner)| RunnerSeries {
            name: &runner.entry.name,
            index,
            curve: runner.curve(),
            steps_done: runner.steps_done(),
            status: runner.status(),
        })
        .collect()
}

fn score_table(finished: &FinishedRace) -> Table {
    let names: Vec<&str> = finished
        .race
        .runners()
        .iter()
        .map(|runner| runner.entry.name.as_str())
        .collect();
    view::score_table(&names, &finished.board)
}

fn write(finished: &FinishedRace, out: &Path) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(&RaceDocument::new(finished)).map_err(Failure::work)?;
    write_atomically(&out.join("race.json"), &json).map_err(Failure::work)?;
    let scores = csv(&score_table(finished))?;
    write_atomically(&out.join("scores.csv"), &scores).map_err(Failure::work)?;

    let race = &finished.race;
    let series = series(finished);
    let noisy = race
        .runners()
        .iter()
        .filter_map(|runner| runner.run())
        .any(|run| run.setup().steps_per_epoch > 1);
    let losses = view::losses(
        &RaceLossSettings {
            smoothing: if noisy { DEFAULT_SMOOTHING } else { 0.0 },
            clock: race.lockstep(),
            ..RaceLossSettings::default()
        },
        &series,
        None,
    );
    let function = match race.ground() {
        Ground::Function(function, _) => Some(&**function),
        Ground::Network(_) => None,
    };
    let landscape = view::landscape(
        &LandscapeSettings::default(),
        finished.landscape.as_ref(),
        &series,
        function,
        race.lockstep(),
        None,
    );
    for (name, figure, height) in [("losses", losses, 480.0), ("landscape", landscape, 620.0)] {
        write_figure(finished, figure, height, &out.join("figures"), name)?;
    }
    Ok(())
}

fn write_figure(
    finished: &FinishedRace,
    figure: Figure,
    height: f64,
    folder: &Path,
    name: &str,
) -> Result<(), Failure> {
    let settings = finished.race.settings();
    let figure = view::with_settings(figure.titled(&settings.base.name), settings);
    let options = SvgOptions::new(720.0, height);
    let path = folder.join(format!("{name}.svg"));
    write_atomically(&path, svg::write(&figure, &options).as_bytes()).map_err(Failure::work)?;
    let path = folder.join(format!("{name}.png"));
    let pixels = png::write(&figure, &options, 1440).map_err(Failure::work)?;
    write_atomically(&path, &pixels).map_err(Failure::work)
}

fn csv(table: &Table) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&table.columns).map_err(Failure::work)?;
    for row in &table.rows {
        let cells = row.iter().map(Cell::text);
        writer.write_record(cells).map_err(Failure::work)?;
    }
    writer.into_inner().map_err(Failure::work)
}

/// The score board on standard output.
fn tell(finished: &FinishedRace, out: &Path) {
    let mut text = String::new();
    let runners = finished.race.runners();
    let width = runners
        .iter()
        .map(|runner| runner.entry.name.chars().count())
        .max()
        .unwrap_or(0);
    for (index, (runner, score)) in runners.iter().zip(&finished.board.scores).enumerate() {
        let best = if finished.board.best == Some(index) {
            "  best"
        } else {
            ""
        };
        text.push_str(&format!(
            "{:width$}  {:8}  step {}, loss {:.6e}{best}\n",
            runner.entry.name,
            runner.status().word(),
            score.step,
            score.train_loss,
        ));
    }
    text.push_str(&format!("results are in {}\n", out.display()));
    super::say(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Input(sentence)) => sentence,
            Err(Failure::Work(sentence)) => panic!("not the user's: {sentence}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[test]
    fn points_and_functions_are_read() {
        assert!(matches!(read_point("-1.2, 1"), Ok([x, y]) if x == -1.2 && y == 1.0));
        for wrong in ["1", "1,2,3", "a,b", "1,inf", ""] {
            assert!(sentence(read_point(wrong)).contains("expected two numbers"));
        }
        let Ok(component) = read_function("quadratic: condition=100, noise=0.1") else {
            panic!()
        };
        assert_eq!(component.float("condition"), 100.0);
        assert!(sentence(read_function("quadratik")).contains("did you mean quadratic?"));
        assert!(sentence(read_function("quadratic: kappa=3")).contains("function.kappa"));
        assert!(sentence(read_function("beale: 3")).contains("expected key=value"));
        assert!(sentence(read_function("quadratic: condition=0")).contains("is 0"));
    }
}
