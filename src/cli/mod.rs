//! The command line: the same work as the window's, for scripts and clusters.
//!
//! Whatever the user wrote wrongly ends with one sentence on standard error and
//! exit code 2; a failure that is not the user's ends with exit code 1.

mod analyze;
mod bench;
mod ends;
mod figure;
mod list;
mod open;
mod paths;
mod race;
mod run;
mod slice;
mod views;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::recipe::{PRESETS, Recipe, presets};

/// See what training does to a neural network.
///
/// Without a command, losscape opens its window, already training. Where there
/// is no display, or no graphics adapter, it does the same job headless and names
/// the folder that holds the figures.
#[derive(Debug, Parser)]
#[command(name = "losscape", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// The recipe to open: a built-in name (see `losscape list recipes`) or a TOML file
    #[arg(long, value_name = "RECIPE", default_value = "spirals")]
    recipe: String,

    /// Where to leave the results when there is no display [default: losscape-RECIPE]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a recipe, run its analyses and write results and figures
    Run(run::RunArgs),
    /// Compute one analysis of a finished run and write it as JSON
    Analyze(analyze::AnalyzeArgs),
    /// Write one figure of a finished run as SVG or PNG
    Figure(figure::FigureArgs),
    /// Race several optimizers from one start, on a network or a closed-form function
    Race(race::RaceArgs),
    /// List what recipes can name: data sets, models, losses, optimizers, …
    List(list::ListArgs),
    /// Measure how fast this machine computes losses, gradients and curvature
    Bench(bench::BenchArgs),
}

/// The two parts of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitArg {
    Train,
    Validation,
}

/// Whose mistake a failure is, which decides the exit code.
#[derive(Debug)]
enum Failure {
    /// The user asked for something that cannot be: exit code 2.
    Input(String),
    /// Something else went wrong: exit code 1.
    Work(String),
}

impl Failure {
    fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(format!("{error:#}"))
    }

    fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(format!("{error:#}"))
    }
}

/// Parses the arguments, does the work and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error),
    };
    init_logging();
    let outcome = match cli.command {
        None => open::open(&cli.recipe, cli.out),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Analyze(args)) => analyze::analyze(&args),
        Some(Command::Figure(args)) => figure::figure(&args),
        Some(Command::Race(args)) => race::race(&args),
        Some(Command::List(args)) => list::list(&args),
        Some(Command::Bench(args)) => bench::bench(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Input(sentence)) => {
            eprintln!("losscape: {sentence}");
            ExitCode::from(2)
        }
        Err(Failure::Work(sentence)) => {
            eprintln!("losscape: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Prints help as clap writes it, and everything else as one sentence.
fn refuse_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nothing is left to report to if standard output is closed.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let rendered = error.render().to_string();
    eprintln!("losscape: {}", one_sentence(&rendered));
    ExitCode::from(2)
}

/// Joins clap's message and its tip, leaves its usage lines out.
fn one_sentence(rendered: &str) -> String {
    let parts: Vec<&str> = rendered
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:"))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    parts
        .join("; ")
        .trim_start_matches("error: ")
        .replace(":; ", ": ")
        .replace("tip: ", "")
}

fn init_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new(
            "warn,wgpu_core=error,wgpu_hal=error,naga=error,usvg=error",
        )
    });
    // A second initialisation (in tests) is harmless.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

/// Writes to standard output. Whoever closed it does not want to read more.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Reads the recipe called `name`: a built-in one, or else a file.
///
/// Returns it with its stem (for folder names) and the folder that relative
/// paths in it start from.
fn read_recipe(name: &str) -> Result<(Recipe, String, PathBuf), Failure> {
    let schema = crate::catalogue::schema();
    let path = PathBuf::from(name);
    // `./spirals` or `spirals.toml` is a file, `spirals` the built-in recipe.
    let looks_like_a_file = path.extension().is_some() || path.components().count() > 1;
    if !looks_like_a_file && let Some(text) = presets::preset(name) {
        let file = format!("{name}.toml");
        let recipe = Recipe::parse(text, &file, schema).map_err(Failure::input)?;
        return Ok((recipe, name.to_owned(), PathBuf::from(".")));
    }
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) if !looks_like_a_file => {
            let known: Vec<&str> = PRESETS.iter().map(|(stem, _)| *stem).collect();
            return Err(Failure::Input(format!(
                "there is no recipe called {name:?}: expected a TOML file or one of {}",
                known.join(", ")
            )));
        }
        Err(error) => {
            return Err(Failure::Input(format!(
                "cannot read the recipe {name:?}: {error}"
            )));
        }
    };
    let file_name = path.display().to_string();
    let recipe = Recipe::parse(&text, &file_name, schema).map_err(Failure::input)?;
    let stem = path.file_stem().map_or_else(
        || "run".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let base = path
        .parent()
        .map_or_else(|| PathBuf::from("."), PathBuf::from);
    Ok((recipe, stem, base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_argument_is_refused_in_one_line() {
        let error = Cli::try_parse_from(["losscape", "trian", "x"]).unwrap_err();
        let sentence = one_sentence(&error.render().to_string());
        assert!(!sentence.contains('\n'));
        assert!(sentence.contains("trian"), "{sentence}");
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
