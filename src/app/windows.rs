//! Small windows: about the program, all keys, what a view shows, the numbers
//! behind a figure.

use eframe::egui;
use egui::{Context, RichText, ScrollArea, Ui, Window, vec2};
use strum::IntoEnumIterator as _;

use super::commands::{Command, Section, format_shortcut};
use super::panels::PanelKind;
use super::status::Adapter;
use super::theme::{self, HALF, UNIT};
use super::widgets::right_aligned;
use super::workbench;

/// The most rows of a table that are shown; all of them can be copied.
const TABLE_ROWS: usize = 20_000;

/// Which windows are open.
#[derive(Default)]
pub struct Windows {
    /// About the program.
    pub about: bool,
    /// All keys.
    pub keys: bool,
    /// What this view shows, and its title.
    pub help: Option<(PanelKind, String)>,
    /// The numbers behind a figure.
    pub table: Option<Table>,
}

/// The numbers behind a figure, as text.
pub struct Table {
    title: String,
    csv: String,
    /// The byte ranges of the rows, without the header.
    rows: Vec<std::ops::Range<usize>>,
    header: Vec<String>,
}

impl Table {
    /// The numbers of this CSV text.
    pub fn new(title: String, csv: String) -> Self {
        let mut rows = Vec::new();
        let mut start = 0;
        for line in csv.split_inclusive('\n') {
            rows.push(start..start + line.trim_end().len());
            start += line.len();
        }
        let header = if rows.is_empty() {
            Vec::new()
        } else {
            let header = rows.remove(0);
            csv[header].split(',').map(str::to_owned).collect()
        };
        Self {
            title,
            csv,
            rows,
            header,
        }
    }
}

impl Windows {
    /// Shows what is open.
    pub fn show(&mut self, ctx: &Context, adapter: &Adapter) {
        if self.about {
            let shown = window(ctx, "About losscape", [440.0, 320.0]);
            self.about = shown.show(|ui| about_ui(ui, adapter));
        }
        if self.keys {
            self.keys = window(ctx, "All keys", [640.0, 620.0]).show(keys_ui);
        }
        if let Some((kind, name)) = &self.help {
            let open = window(ctx, name, [440.0, 240.0]).show(|ui| {
                for paragraph in workbench::help(*kind) {
                    ui.add(egui::Label::new(*paragraph).wrap());
                    ui.add_space(HALF);
                }
            });
            if !open {
                self.help = None;
            }
        }
        if let Some(table) = &self.table {
            let title = format!("Numbers: {}", table.title);
            if !window(ctx, &title, [640.0, 480.0]).show(|ui| table_ui(ui, table)) {
                self.table = None;
            }
        }
    }

    /// Closes the newest of what is open; whether there was something.
    pub fn close_one(&mut self) -> bool {
        if self.table.take().is_some() || self.help.take().is_some() {
            return true;
        }
        let open = self.keys || self.about;
        if self.keys {
            self.keys = false;
        } else {
            self.about = false;
        }
        open
    }
}

/// A window in the middle, about to be shown.
struct Shown<'a> {
    ctx: &'a Context,
    window: Window<'a>,
}

fn window<'a>(ctx: &'a Context, title: &str, size: [f32; 2]) -> Shown<'a> {
    let screen = ctx.content_rect();
    let room = screen.size() - vec2(6.0 * UNIT, 10.0 * UNIT);
    let window = Window::new(theme::strong(title))
        .id(egui::Id::unique(("window", title)))
        .collapsible(false)
        .title_frame(
            egui::Frame::new().inner_margin(egui::Margin::symmetric(2 * UNIT as i8, UNIT as i8)),
        )
        .pivot(egui::Align2::CENTER_CENTER)
        .default_pos(screen.center())
        .default_size(vec2(size[0].min(room.x), size[1].min(room.y)))
        .max_size(room);
    Shown { ctx, window }
}

impl Shown<'_> {
    /// Shows it; whether it stays open.
    fn show(self, content: impl FnOnce(&mut Ui)) -> bool {
        let mut open = true;
        self.window.open(&mut open).show(self.ctx, content);
        open
    }
}

fn about_ui(ui: &mut Ui, adapter: &Adapter) {
    ui.heading(concat!("losscape ", env!("CARGO_PKG_VERSION")));
    ui.label(env!("CARGO_PKG_DESCRIPTION"));
    ui.add_space(UNIT);
    egui::Grid::new("about")
        .num_columns(2)
        .spacing([2.0 * UNIT, HALF])
        .show(ui, |ui| {
            let processor = std::thread::available_parallelism().map_or(1, usize::from);
            for (name, value) in [
                ("Graphics", adapter.label()),
                ("Driver interface", adapter.backend.clone()),
                ("Processor cores", processor.to_string()),
                ("Licence", "MIT or Apache-2.0, as you like".to_owned()),
            ] {
                ui.label(theme::small(ui, name));
                ui.add(egui::Label::new(value).wrap());
                ui.end_row();
            }
        });
    ui.add_space(UNIT);
    ui.add(
        egui::Label::new(
            "Inter by Rasmus Andersson and the Noto fonts by Google are under the SIL Open Font \
             License 1.1. The handwritten digits are from the UCI Machine Learning Repository \
             (Alpaydin and Kaynak, 1998), under CC BY 4.0. Colour maps: viridis and cividis; line \
             colours: Okabe and Ito.",
        )
        .wrap(),
    );
}

fn keys_ui(ui: &mut Ui) {
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for section in Section::iter() {
                ui.label(theme::strong(section.title()));
                egui::Grid::new(section.title())
                    .num_columns(2)
                    .spacing([3.0 * UNIT, HALF])
                    .min_col_width(176.0)
                    .show(ui, |ui| {
                        for command in Command::iter()
                            .filter(|command| command.section() == section)
                            .filter(|command| !command.shortcuts().is_empty())
                        {
                            let keys: Vec<String> = command
                                .shortcuts()
                                .iter()
                                .map(|shortcut| format_shortcut(ui.ctx(), shortcut))
                                .collect();
                            ui.label(keys.join("  or  "));
                            ui.label(command.tooltip());
                            ui.end_row();
                        }
                    });
                ui.add_space(UNIT);
            }
            ui.label(theme::strong("In a view"));
            egui::Grid::new("view keys")
                .num_columns(2)
                .spacing([3.0 * UNIT, HALF])
                .min_col_width(176.0)
                .show(ui, |ui| {
                    for (keys, what) in [
                        ("Drag", "Move the picture"),
                        ("Wheel", "Zoom at the pointer"),
                        ("Double-click", "Fit everything"),
                        ("Shift", "Keep to one direction"),
                        ("Esc", "Leave a mode or a window"),
                    ] {
                        ui.label(keys);
                        ui.label(what);
                        ui.end_row();
                    }
                });
        });
}

fn table_ui(ui: &mut Ui, table: &Table) {
    ui.horizontal(|ui| {
        let rows = super::widgets::thousands(table.rows.len() as u64);
        ui.label(theme::small(ui, format!("{rows} rows")));
        right_aligned(ui, |ui| {
            if ui
                .button("Copy as CSV")
                .on_hover_text("All rows, for a spreadsheet or a script")
                .clicked()
            {
                ui.ctx().copy_text(table.csv.clone());
            }
        });
    });
    let columns = table.header.len().max(1);
    let width = (ui.available_width() / columns as f32 - UNIT).max(64.0);
    let height = ui.text_style_height(&egui::TextStyle::Body);
    let cells = |ui: &mut Ui, line: &mut dyn Iterator<Item = RichText>| {
        ui.horizontal(|ui| {
            for cell in line {
                ui.allocate_ui(vec2(width, height), |ui| {
                    ui.set_min_width(width);
                    ui.add(egui::Label::new(cell).truncate());
                });
            }
        });
    };
    cells(
        ui,
        &mut table.header.iter().map(|name| theme::strong(name.as_str())),
    );
    ui.separator();
    let shown = table.rows.len().min(TABLE_ROWS);
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show_rows(ui, height, shown, |ui, range| {
            for row in &table.rows[range] {
                cells(
                    ui,
                    &mut table.csv[row.clone()].split(',').map(RichText::new),
                );
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_header_and_rows() {
        let table = Table::new("x".to_owned(), "a,b\n1,2\n3,4\n".to_owned());
        assert_eq!(table.header, ["a", "b"]);
        let rows: Vec<&str> = table
            .rows
            .iter()
            .map(|row| &table.csv[row.clone()])
            .collect();
        assert_eq!(rows, ["1,2", "3,4"]);
        assert!(Table::new(String::new(), String::new()).rows.is_empty());
    }
}
