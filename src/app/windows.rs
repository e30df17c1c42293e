//! Small windows: about the program, all keys, what a view shows, the numbers
//! behind a figure.

use eframe::egui;
use egui::{Context, RichText, ScrollArea, Ui, Window, vec2};
use strum::IntoEnumIterator as _;

use super::commands::{Command, Section, format_shortcut};
use super::panels::PanelKind;
use super::status::Adapter;
use super::theme::{self, HALF, UNIT};
use super::widgets::{right_aligned, thousands};
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

/// The numbers behind a figure: as text to be copied, and row by row.
pub struct Table {
    title: String,
    csv: String,
    header: Vec<String>,
    rows: Vec<csv::StringRecord>,
    /// Rows in the text, of which only the first ones are shown.
    total: usize,
    /// The columns that have a value in some row that is shown.
    columns: Vec<usize>,
}

impl Table {
    /// The numbers of this CSV text. Takes time: not for the window's thread.
    pub fn new(title: String, csv: String) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(csv.as_bytes());
        let header: Vec<String> = reader
            .headers()
            .map(|header| header.iter().map(str::to_owned).collect())
            .unwrap_or_default();
        let mut rows = Vec::new();
        let mut total = 0;
        for record in reader.records().flatten() {
            total += 1;
            if rows.len() < TABLE_ROWS {
                rows.push(record);
            }
        }
        let columns = (0..header.len())
            .filter(|column| {
                rows.iter()
                    .any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty()))
            })
            .collect();
        Self {
            title,
            csv,
            header,
            rows,
            total,
            columns,
        }
    }
}

/// A cell as it is shown: numbers with six digits, the copied text has them all.
fn shown(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(number) if cell.len() > 8 => crate::figure::ticks::format_number(number, 6),
        _ => cell.to_owned(),
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
            self.keys = window(ctx, "All keys", [720.0, 640.0]).show(keys_ui);
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
        let total = thousands(table.total as u64);
        let text = if table.total > table.rows.len() {
            format!(
                "{total} rows, of which the first {} are shown",
                thousands(table.rows.len() as u64)
            )
        } else {
            format!("{total} rows")
        };
        ui.label(theme::small(ui, text));
        right_aligned(ui, |ui| {
            if ui
                .button("Copy as CSV")
                .on_hover_text("All rows with all digits, for a spreadsheet or a script")
                .clicked()
            {
                ui.ctx().copy_text(table.csv.clone());
            }
        });
    });
    let count = table.columns.len().max(1) as f32;
    let width = ((ui.available_width() - UNIT) / count - UNIT).max(48.0);
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
    let header = table
        .columns
        .iter()
        .filter_map(|column| table.header.get(*column));
    cells(ui, &mut header.map(|name| theme::strong(name.as_str())));
    ui.separator();
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show_rows(ui, height, table.rows.len(), |ui, range| {
            for row in &table.rows[range] {
                let line = table.columns.iter().map(|column| row.get(*column));
                cells(
                    ui,
                    &mut line.map(|cell| RichText::new(shown(cell.unwrap_or_default()))),
                );
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_header_rows_and_no_empty_columns() {
        let text = "name,x,y,z\n\"a, b\",1,,0.123456789\nc,2,,3\n";
        let table = Table::new("x".to_owned(), text.to_owned());
        assert_eq!(table.total, 2);
        assert_eq!(table.columns, [0, 1, 3]);
        assert_eq!(table.rows[0].get(0), Some("a, b"));
        assert!(Table::new(String::new(), String::new()).rows.is_empty());
    }

    #[test]
    fn long_numbers_are_shown_short() {
        assert_eq!(shown("0.707200123456"), "0.7072");
        assert_eq!(shown("12"), "12");
        assert_eq!(shown("validation"), "validation");
    }
}
