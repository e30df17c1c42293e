//! Numbers as tables.

use eframe::egui::{self, RichText, Ui};

use crate::figure::ticks::format_number;
use crate::views::table::{Cell, Table};

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Number(value) if value.is_nan() => "–".to_owned(),
        Cell::Number(value) => format_number(*value, 4),
        Cell::Text(text) => text.clone(),
    }
}

fn copy_button(ui: &mut Ui, table: &Table) {
    let hint = "Copy all rows, to be pasted into a spreadsheet";
    if ui.button("Copy").on_hover_text(hint).clicked() {
        ui.copy_text(table.tsv());
    }
}

fn grid(ui: &mut Ui, table: &Table) {
    egui::Grid::new(&table.title)
        .striped(true)
        .spacing(egui::vec2(16.0, 6.0))
        .show(ui, |ui| {
            for column in &table.columns {
                ui.strong(column);
            }
            ui.end_row();
            for row in &table.rows {
                for (column, cell) in row.iter().enumerate() {
                    let text = RichText::new(text(cell));
                    let weak = column == 0;
                    ui.label(if weak { text.weak() } else { text });
                }
                ui.end_row();
            }
        });
}

/// A table in a menu.
pub(super) fn popup(ui: &mut Ui, table: &Table) {
    ui.set_min_width(320.0);
    copy_button(ui, table);
    egui::ScrollArea::both()
        .max_height(320.0)
        .show(ui, |ui| grid(ui, table));
}

/// A table over the room of the panel.
pub(super) fn summary(ui: &mut Ui, table: &Table) {
    egui::ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            grid(ui, table);
            ui.add_space(8.0);
            ui.horizontal(|ui| copy_button(ui, table));
        });
}
