//! `losscape analyze … signals`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Failure;
use super::super::figure::{Look, check_extension, write_figure};
use super::write_json;
use crate::diagnostics::signals::{SignalSettings, opposing_signals};
use crate::session::signals::SignalsDocument;
use crate::session::{RunFolder, subject};
use crate::views::signals::{Arrangement, SignalData, SignalLook, figure};

/// Updates that are looked at where nothing else is asked for.
const STEPS: u32 = 100;

/// Which steps, and how many samples.
#[derive(Debug, Args)]
pub(super) struct SignalsArgs {
    /// The step that the first update begins at [default: so that the last one
    /// is the run's]
    #[arg(long, value_name = "STEP")]
    from: Option<u64>,

    /// How many updates; fewer where the run ends before
    #[arg(long, value_name = "N", default_value_t = STEPS,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,

    /// Samples of each group, and listed at each step
    #[arg(long, value_name = "K", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    top: u32,

    /// Where to write the JSON
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Also draw groups and samples; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    /// The step whose samples are drawn [default: that of the largest change]
    #[arg(long, value_name = "STEP", requires = "figure")]
    at: Option<u64>,

    /// Draw the losses on a logarithmic axis
    #[arg(long, requires = "figure")]
    log: bool,

    #[command(flatten)]
    look: Look,
}

pub(super) fn analyze(dir: &Path, args: &SignalsArgs) -> Result<(), Failure> {
    args.look.check()?;
    args.figure.as_deref().map(check_extension).transpose()?;
    let folder = RunFolder::new(dir);
    let setup = folder
        .setup(crate::catalogue::schema())
        .map_err(Failure::input)?;
    let history = folder.history().map_err(Failure::input)?;
    let last = history.last().map_or(0, |row| row.step);
    let from = args
        .from
        .unwrap_or_else(|| last.saturating_sub(u64::from(args.steps)));
    if from >= last {
        return Err(Failure::Input(format!(
            "--from is {from}, expected a step before the run's last, {last}"
        )));
    }
    let settings = SignalSettings {
        from,
        steps: (args.steps as usize).min(usize::try_from(last - from).unwrap_or(usize::MAX)),
        top: args.top as usize,
    };
    if let Some(at) = args.at
        && !(from..from + settings.steps as u64).contains(&at)
    {
        return Err(Failure::Input(format!(
            "--at is {at}, expected a step from {from} to {}",
            from + settings.steps as u64 - 1
        )));
    }
    let found =
        opposing_signals(&setup, &[], &[], settings, &(), &mut |_| ()).map_err(Failure::input)?;
    if let Some(path) = &args.figure {
        let data = SignalData {
            found: &found,
            data: &setup.data.train,
            step: args.at,
            marked: true,
        };
        let look = SignalLook {
            log: args.log,
            ..SignalLook::default()
        };
        let figure = figure(&look, Arrangement::Stacked, &data).titled(&setup.recipe.name);
        write_figure(figure, &setup, path, &args.look.or_width(760.0), 820.0)?;
    }
    let subject = subject(&setup, Some(found.end()), "train");
    let document = SignalsDocument::new(subject, &found, &setup.data.train_indices);
    write_json(&args.out, &document)
}
