//! The controls above the figure.

use eframe::egui::{self, RichText, Ui};

use super::readout;
use super::settings::Directions;
use super::{LandscapePanel, slot};
use crate::app::panels::controls::{self, choice, header, segments, toggle};
use crate::app::theme::Palette;
use crate::app::workspace::Workspace;
use crate::landscape::SliceQuantity;
use crate::views::landscape::SliceKind;

/// Room that the read-out of the directions takes.
const READOUT: f32 = 150.0;

/// What is shown, on which samples.
type Shown = (SliceQuantity, &'static str);

impl LandscapePanel {
    pub(super) fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        header(ui, |ui| {
            segments(
                ui,
                "Slice",
                &mut self.settings.look.kind,
                &[
                    (SliceKind::Plane, "2-D", "A plane"),
                    (
                        SliceKind::Surface,
                        "3-D",
                        "A plane as a surface; drag to turn it",
                    ),
                    (SliceKind::Line, "1-D", "A line along the first direction"),
                ],
            );
            self.quantity(ui, ws);
            if self.settings.shown_quantity(ws).suits_log() {
                let mut log = ws.recipe.slice.boolean("log_scale");
                if toggle(
                    ui,
                    &mut log,
                    "log",
                    "Colours and contours follow the logarithm of the values",
                ) {
                    ws.recipe.slice.set("log_scale", log);
                }
            }
            let directions = Directions::ALL.map(|(key, text)| (key, text.to_owned()));
            choice(
                ui,
                "Directions",
                &mut self.settings.directions,
                &directions,
                "Which directions span the slice",
            );
            if self.settings.directions == Directions::Random {
                self.reroll(ui, ws);
            }
            grid(ui, ws);
            self.extent(ui, ws);
            self.section_control(ui, ws);
            controls::moment(ui, ws);
            controls::progress(ui, ws, &slot());
            // Never a row of its own: the menu has it, too.
            let room = ui.available_size_before_wrap().x > READOUT;
            if room && let Some(kept) = &self.kept {
                let info = &kept.result.value.info;
                let weak = Palette::of(ui.visuals()).weak;
                let text = RichText::new(readout::short(info)).color(weak);
                ui.add(egui::Label::new(text).extend())
                    .on_hover_text(readout::full(info).join("\n"));
            }
        });
    }

    /// What is shown, and on which samples.
    fn quantity(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let Some(run) = ws.run() else { return };
        let setup = &run.info.setup;
        let validated = run.info.validation.is_some();
        let classes = setup.data.train.class_names();
        let line = self.settings.look.kind == SliceKind::Line;
        let mut options: Vec<(Shown, String)> = Vec::new();
        let mut add = |quantity: SliceQuantity, text: &str| {
            if quantity == SliceQuantity::Gap {
                options.push(((quantity, "train"), text.to_owned()));
                return;
            }
            let splits: &[(&str, &str)] = match (line, validated) {
                // Both are drawn.
                (true, _) => &[("train", "")],
                (false, false) => &[("train", "training ")],
                (false, true) => &[("train", "training "), ("validation", "validation ")],
            };
            for (key, name) in splits {
                options.push(((quantity.clone(), key), format!("{name}{text}")));
            }
        };
        add(SliceQuantity::Loss, "loss");
        if setup.is_classification() {
            add(SliceQuantity::Accuracy, "accuracy");
        }
        if validated {
            add(SliceQuantity::Gap, "validation − training loss");
        }
        add(SliceQuantity::GradientNorm, "‖∇L‖");
        add(SliceQuantity::Convexity, "|λmin/λmax|");
        for (class, name) in classes.iter().enumerate().take(20) {
            add(
                SliceQuantity::ClassLoss { class },
                &format!("loss of {name}"),
            );
        }
        // Several samples are those that are brushed.
        if let SliceQuantity::SampleLoss { samples } = &mut self.settings.quantity
            && samples.len() != 1
        {
            *samples = ws.brushed.clone();
            if samples.is_empty() {
                self.settings.quantity = SliceQuantity::Loss;
            }
        }
        let shown = self.settings.shown_quantity(ws);
        let loss_of = |samples: Vec<usize>| (SliceQuantity::SampleLoss { samples }, "train");
        match &shown {
            SliceQuantity::SampleLoss { samples } if samples.len() == 1 => {
                let text = format!("loss of sample {}", samples[0]);
                options.push((loss_of(samples.clone()), text));
            }
            _ => options.push((loss_of(vec![0]), "loss of one sample".to_owned())),
        }
        if ws.brushed.len() > 1 {
            let text = format!("loss of {} brushed samples", ws.brushed.len());
            options.insert(1, (loss_of(ws.brushed.clone()), text));
        }
        let both = matches!(shown, SliceQuantity::Gap | SliceQuantity::SampleLoss { .. });
        let split = match ws.recipe.slice.text("split") {
            "validation" if !line && !both => "validation",
            _ => "train",
        };
        let mut chosen = (shown, split);
        if choice(ui, "Shown", &mut chosen, &options, "What the slice shows") {
            let (quantity, split) = chosen;
            if !line && !matches!(quantity, SliceQuantity::Gap) {
                ws.recipe.slice.set("split", split);
            }
            self.settings.quantity = quantity;
        }
        if let SliceQuantity::SampleLoss { samples } = &mut self.settings.quantity
            && samples.len() == 1
        {
            let count = ws.run().map_or(1, |run| run.info.setup.data.train.len());
            let mut sample = samples.first().copied().unwrap_or(0);
            let drag = egui::DragValue::new(&mut sample).range(0..=count.saturating_sub(1));
            let drag = ui.add(drag).on_hover_text("Which training sample");
            drag.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Sample"));
            *samples = vec![sample];
        }
    }

    fn reroll(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        if ui
            .button("Re-roll")
            .on_hover_text("Draw other random directions")
            .clicked()
        {
            let seed = ws.recipe.slice.integer("seed");
            ws.recipe.slice.set("seed", seed.wrapping_add(1).max(0));
        }
        let mut twelve = self.twelve.is_open();
        if toggle(
            ui,
            &mut twelve,
            "×12",
            "Re-roll twelve: planes of twelve seeds side by side; a click on one takes its seed",
        ) {
            if twelve {
                self.twelve.open();
            } else {
                self.twelve.close();
            }
        }
    }

    fn extent(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        toggle(
            ui,
            &mut self.settings.fit,
            "fit",
            "The slice reaches as far as the path of training does",
        );
        let mut extent = ws.recipe.slice.float("extent");
        let speed = 0.01 * extent.max(0.01);
        let drag = egui::DragValue::new(&mut extent)
            .range(1e-4..=1000.0)
            .speed(speed)
            .max_decimals(4)
            .prefix("±");
        let drag = ui
            .add_enabled(!self.settings.fit, drag)
            .on_hover_text("How far the slice reaches along each direction; drag to change");
        drag.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Extent of the slice")
        });
        if drag.changed() {
            ws.recipe.slice.set("extent", extent);
        }
    }
}

fn grid(ui: &mut Ui, ws: &mut Workspace) {
    let grid = ws.recipe.slice.count("grid");
    let mut chosen = grid;
    let mut grids: Vec<usize> = vec![17, 33, 65, 129, 257];
    if !grids.contains(&grid) {
        grids.push(grid);
        grids.sort_unstable();
    }
    let grids: Vec<(usize, String)> = grids.into_iter().map(|g| (g, format!("{g}×{g}"))).collect();
    if choice(ui, "Points", &mut chosen, &grids, "Points of the slice") {
        ws.recipe.slice.set("grid", chosen as i64);
    }
}
