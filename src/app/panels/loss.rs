//! Loss curves.

use eframe::egui::{self, Ui};

use super::controls::{self, header, toggle};
use super::shown::{Growing, Shown, fingerprint, pixel_columns};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::workspace::{RunRecord, Workspace};
use crate::engine::RunState;
use crate::figure::Figure;
use crate::views::Time;
use crate::views::loss::{self, LossCurves, LossSettings, RunSeries};

#[derive(Default)]
pub(super) struct LossPanel {
    settings: LossSettings,
    curves: Growing<LossCurves>,
    /// Runs and rows, and what part of them is in view.
    shown: Shown<Key>,
}

/// A key and the number of rows of each run, and the window in view.
type Key = (Vec<(u64, usize)>, Option<(u64, u64)>);

/// The metrics of a run as the view takes them.
fn series(run: &RunRecord) -> RunSeries<'_> {
    RunSeries {
        key: run_key(run),
        name: &run.name,
        index: run.color,
        rows: run.history.rows(),
        steps_per_epoch: run.info.steps_per_epoch,
        divergence: match &run.state {
            RunState::Diverged(divergence) => Some(divergence),
            _ => None,
        },
    }
}

/// A number that changes whenever rows of a run were taken back.
pub(super) fn run_key(run: &RunRecord) -> u64 {
    run.id().0 << 32 | (run.generation.0 & 0xffff_ffff)
}

impl LossPanel {
    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let steps_per_epoch = ws.run().map_or(1, |run| run.info.steps_per_epoch);
        header(ui, |ui| {
            let settings = &mut self.settings;
            toggle(
                ui,
                &mut settings.log_loss,
                "log",
                "A logarithmic axis of the loss",
            );
            let mut epochs = settings.time == Time::Epoch;
            if toggle(
                ui,
                &mut epochs,
                "epochs",
                "Count passes over the training set",
            ) {
                settings.time = if epochs { Time::Epoch } else { Time::Step };
            }
            toggle(
                ui,
                &mut settings.accuracy,
                "accuracy",
                "Show the accuracies below",
            );
            if ui.available_width() < 220.0 {
                return;
            }
            let mut smoothing = settings.smoothing_of(steps_per_epoch);
            let response = controls::slider(
                ui,
                "smoothing",
                egui::Slider::new(&mut smoothing, 0.0..=0.99)
                    .fixed_decimals(2)
                    .step_by(0.01),
                64.0,
                "How much of the old value the moving average keeps; the raw curve stays \
                 visible behind it",
            );
            if response.changed() {
                settings.smoothing = Some(smoothing);
            }
        });
    }
}

impl Panel for LossPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Loss
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Loss curves".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        if ws.visible_runs().all(|run| run.history.is_empty()) {
            self.shown.clear();
            controls::nothing_trained(
                ui,
                ws,
                "The loss on the training and on the validation set, step by step.",
            );
            return;
        }
        if let Some(run) = ws.run() {
            self.shown.of_run(run.id());
        }
        self.controls(ui, ws);
        let time = self.settings.time;
        let per_epoch = ws.run().map_or(1, |run| run.info.steps_per_epoch);
        let columns = pixel_columns(ui);
        let window = self.shown.view.zoomed_x(0);
        {
            let runs: Vec<RunSeries<'_>> = ws.visible_runs().map(series).collect();
            let rows = runs
                .iter()
                .map(|run| {
                    let stopped = usize::from(run.divergence.is_some());
                    (
                        run.key ^ fingerprint(&run.name),
                        2 * run.rows.len() + stopped,
                    )
                })
                .collect();
            let key = (rows, window.map(|(a, b)| (a.to_bits(), b.to_bits())));
            let settings = fingerprint(&(&self.settings, columns));
            let (curves, wanted) = (&self.curves, &self.settings);
            self.shown.follow(ui, key, settings, || {
                curves.get().follow(wanted, &runs);
                let curves = curves.clone();
                Some(Box::new(move || curves.get().figure(window, columns)))
            });
        }
        let marked = ws.linked_step().or(ws.selected);
        let cursor = marked.map(|step| time.of_step(step as f64, per_epoch));
        let options = Options {
            cursors: vec![cursor, cursor],
            ..Options::default()
        };
        let response = self.shown.show(ui, "loss curves", &options);
        let step_at = |x: f64| time.to_step(x, per_epoch).round().max(0.0) as u64;
        if let Some(place) = response.hovered {
            ws.cursor_step = Some(step_at(place.x));
        }
        if let Some(place) = response.clicked {
            ws.select_step(step_at(place.x));
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
        let settings = &mut self.settings;
        ui.checkbox(&mut settings.training, "Training loss");
        ui.checkbox(&mut settings.validation, "Validation loss");
        ui.checkbox(&mut settings.log_time, "Logarithmic steps");
        if ui
            .add_enabled(
                settings.smoothing.is_some(),
                egui::Button::new("Automatic smoothing"),
            )
            .on_hover_text("Smooth mini-batches, leave full batches as they are")
            .clicked()
        {
            settings.smoothing = None;
        }
        if ui
            .button("Fit")
            .on_hover_text("Show everything again (double click)")
            .clicked()
        {
            self.shown.view.fit();
            ui.close();
        }
    }

    fn figure(&self, ws: &Workspace) -> Option<Figure> {
        let runs: Vec<RunSeries<'_>> = ws.visible_runs().map(series).collect();
        if runs.iter().all(|run| run.rows.is_empty()) {
            return None;
        }
        Some(self.shown.as_seen(loss::figure(&self.settings, &runs)))
    }

    fn save(&self) -> Option<serde_json::Value> {
        serde_json::to_value(&self.settings).ok()
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value(stored.clone()) {
            self.settings = settings;
        }
    }
}
