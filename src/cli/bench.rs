//! `losscape bench`: the suite of [`crate::benchmark`] as a table and as JSON.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::benchmark::{self, BenchmarkError, Clock, Options, Report};
use crate::session::write_atomically;

/// Which works, for how long, where to write the numbers.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Only works whose name contains this, such as `slice`, `gradient` or `LeNet`
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Threads of each work; the comparisons of one thread with two have their own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,

    /// Also write all numbers as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// How long each work is repeated
    #[arg(long, value_name = "S", default_value = "1", allow_negative_numbers = true, value_parser = seconds)]
    seconds: f64,

    /// Count processor time instead of elapsed time, for a machine that others use too
    #[cfg(target_os = "linux")]
    #[arg(long)]
    processor_time: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0 to 3600".to_owned()),
    }
}

pub(super) fn bench(args: &BenchArgs) -> Result<(), Failure> {
    let options = Options {
        filter: args.filter.clone(),
        threads: usize::from(args.threads),
        seconds: args.seconds,
        clock: clock(args),
    };
    // Hidden where standard error is no terminal.
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let report = benchmark::run(&options, &mut |work| {
        bar.set_message(format!("measuring {work}"));
        bar.tick();
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        BenchmarkError::NoWork { .. } => Failure::input(error),
        _ => Failure::work(error),
    })?;
    if let Some(path) = &args.json {
        let text = serde_json::to_vec_pretty(&report).map_err(Failure::work)?;
        write_atomically(path, &text).map_err(Failure::work)?;
    }
    super::say(&table(&report));
    Ok(())
}

#[cfg(target_os = "linux")]
fn clock(args: &BenchArgs) -> Clock {
    if args.processor_time {
        Clock::Processor
    } else {
        Clock::Elapsed
    }
}

#[cfg(not(target_os = "linux"))]
fn clock(_: &BenchArgs) -> Clock {
    Clock::Elapsed
}

/// Everything that was measured, for reading.
fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} on {}", report.program, report.processor);
    for peak in &report.peaks {
        let _ = writeln!(
            text,
            "peak of one core in {}: {:.0} GFLOP/s in fused multiply-adds, {:.0} in a 512x512 product",
            peak.precision.name(),
            peak.fma,
            peak.product,
        );
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    for row in &report.rows {
        lines.push(vec![
            row.work.to_owned(),
            row.network.to_owned(),
            row.samples.to_string(),
            row.precision.name().to_owned(),
            number(row.timing.microseconds),
            number(row.timing.median),
            number(row.operations / 1e3),
            number(row.gflops),
            format!("{:.0} %", 100.0 * row.share_of_peak),
            format!("{:.6}", row.loss),
        ]);
    }
    let heading = [
        "work", "network", "samples", "type", "µs", "median", "kFLOP", "GFLOP/s", "of peak", "loss",
    ];
    columns(&mut text, &heading, &lines);
    let mut lines: Vec<Vec<String>> = Vec::new();
    for row in &report.scaling {
        lines.push(vec![
            row.work.to_owned(),
            row.network.to_owned(),
            number(row.one.microseconds / 1e3),
            number(row.two.microseconds / 1e3),
            format!("{:.2}", row.ratio),
        ]);
    }
    let heading = ["work", "network", "one, ms", "two, ms", "ratio"];
    columns(&mut text, &heading, &lines);
    text
}

/// Three significant digits, or whole numbers where there are more.
fn number(x: f64) -> String {
    let digits = match x {
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        _ => 3,
    };
    format!("{x:.digits$}")
}

/// An aligned table: the first two columns to the left, numbers to the right.
/// Nothing for a table without lines.
fn columns(text: &mut String, heading: &[&str], lines: &[Vec<String>]) {
    if lines.is_empty() {
        return;
    }
    let heading: Vec<String> = heading.iter().map(|&cell| cell.to_owned()).collect();
    let all = || std::iter::once(&heading).chain(lines);
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            let widths = all().map(|line| line[column].chars().count());
            widths.max().unwrap_or(0)
        })
        .collect();
    text.push('\n');
    for line in all() {
        let mut cells = line.iter().zip(&widths).enumerate();
        let joined = cells.try_fold(String::new(), |mut out, (column, (cell, width))| {
            let written = if column < 2 {
                write!(out, "{cell:<width$}  ")
            } else {
                write!(out, "{cell:>width$}  ")
            };
            written.map(|()| out)
        });
        text.push_str(joined.unwrap_or_default().trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(number(12345.6), "12346");
        assert_eq!(number(12.345), "12.3");
        assert_eq!(number(1.2345), "1.23");
        assert_eq!(number(0.012_345), "0.012");
    }

    #[test]
    fn columns_are_aligned() {
        let mut text = String::new();
        let line = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        columns(
            &mut text,
            &["a", "b", "µs"],
            &[line(["x", "long", "1"]), line(["yy", "z", "100"])],
        );
        assert_eq!(text, "\na   b      µs\nx   long    1\nyy  z     100\n");
    }

    #[test]
    fn impossible_seconds_are_refused() {
        assert!(seconds("0.01").is_ok());
        for text in ["-1", "NaN", "x", "1e9"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
