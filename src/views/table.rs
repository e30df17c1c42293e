//! The numbers behind a figure as tables.

use crate::figure::{
    Axes, ColorScale, Content, Figure, Layer, Orientation, Samples, Scatter, ScatterColors,
};

/// Rows of cells under named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it lists.
    pub title: String,
    /// The columns' names.
    pub columns: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// A number; not-a-number is one, too.
    Number(f64),
    /// A text.
    Text(String),
}

impl Cell {
    /// The cell as text, with every digit of a number.
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Number(value) => format!("{value}"),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Table {
    /// The table as tab-separated text, for the clipboard.
    pub fn tsv(&self) -> String {
        let mut text = self.columns.join("\t");
        text.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::text).collect();
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
        text
    }
}

/// One table for each layer of marks that carries data, in the figure's order.
pub fn tables(figure: &Figure) -> Vec<Table> {
    let several = figure.panels().count() > 1;
    figure
        .panels()
        .enumerate()
        .flat_map(|(number, panel)| {
            let prefix = if several { format!("Panel {}: ", number + 1) } else { String::new() };
            match &panel.content {
                Content::Axes(axes) => axes
                    .layers
                    .iter()
                    .filter_map(|layer| of_layer(axes, layer, &prefix))
                    .collect::<Vec<Table>>(),
                Content::Mosaic(mosaic) => vec![Table {
                    title: format!("{prefix}images"),
                    columns: vec!["image".to_owned(), "caption".to_owned()],
                    rows: mosaic
                        .tiles
                        .iter()
                        .enumerate()
                        .map(|(index, tile)| {
                            vec![
                                Cell::Number((index + 1) as f64),
                                tile.caption.clone().map_or(Cell::Empty, Cell::Text),
                            ]
                        })
                        .collect(),
                }],
            }
        })
        .collect()
}

fn numbers(columns: &[&Samples]) -> Vec<Vec<Cell>> {
    let n = columns.iter().map(|column| column.len()).min().unwrap_or(0);
    (0..n)
        .map(|i| columns.iter().map(|column| Cell::Number(column[i])).collect())
        .collect()
}

fn of_layer(axes: &Axes, layer: &Layer, prefix: &str) -> Option<Table> {
    let (x, y) = (axes.x.full_label(), axes.y.full_label());
    let table = |name: Option<&str>, what: &str, columns: Vec<String>, rows| Table {
        title: format!("{prefix}{}", name.unwrap_or(what)),
        columns,
        rows,
    };
    Some(match layer {
        Layer::Line(line) => {
            table(line.name.as_deref(), &y, vec![x, y.clone()], numbers(&[&line.x, &line.y]))
        }
        Layer::Stems(stems) => table(
            stems.name.as_deref(),
            &y,
            vec![x, y.clone()],
            numbers(&[&stems.x, &stems.y]),
        ),
        Layer::Band(band) => table(
            band.name.as_deref(),
            &format!("{y}, range"),
            vec![x, format!("{y}, lower"), format!("{y}, upper")],
            numbers(&[&band.x, &band.lower, &band.upper]),
        ),
        Layer::Scatter(scatter) => scatter_table(axes, scatter, &table(None, "", vec![], vec![]).title),
        Layer::Heatmap(map) => {
            let value = axes.color_bar.as_ref().map_or_else(|| "value".to_owned(), |bar| bar.full_label());
            let middle = |edges: &[f64], i: usize| (edges[i] + edges[i + 1]) / 2.0;
            let rows = (0..map.rows())
                .flat_map(|j| (0..map.columns()).map(move |i| (i, j)))
                .map(|(i, j)| {
                    vec![
                        Cell::Number(middle(&map.x_edges, i)),
                        Cell::Number(middle(&map.y_edges, j)),
                        Cell::Number(map.value(i, j)),
                    ]
                })
                .collect();
            table(None, &value, vec![x, y, value.clone()], rows)
        }
        Layer::Bars(bars) => {
            let rows = bars
                .edges
                .windows(2)
                .zip(bars.heights.iter())
                .map(|(edges, &height)| {
                    vec![Cell::Number(edges[0]), Cell::Number(edges[1]), Cell::Number(height)]
                })
                .collect();
            let columns = vec![format!("{x}, from"), format!("{x}, to"), y.clone()];
            table(bars.name.as_deref(), &y, columns, rows)
        }
        Layer::Rule(rule) => {
            let axis = match rule.orientation {
                Orientation::Horizontal => y,
                Orientation::Vertical => x,
            };
            table(
                rule.label.as_deref(),
                "line",
                vec![axis],
                vec![vec![Cell::Number(rule.at)]],
            )
        }
        Layer::Arrow(arrow) => {
            let rows = [arrow.from, arrow.to]
                .map(|p| p.map(Cell::Number).to_vec())
                .to_vec();
            table(arrow.name.as_deref(), "arrow", vec![x, y], rows)
        }
        Layer::Contours(_) | Layer::Text(_) | Layer::Image(_) => return None,
    })
}

fn scatter_table(axes: &Axes, scatter: &Scatter, prefix: &str) -> Table {
    let mut columns = vec![axes.x.full_label(), axes.y.full_label()];
    let mut rows = numbers(&[&scatter.x, &scatter.y]);
    match &scatter.colors {
        ScatterColors::Uniform(_) => {}
        ScatterColors::Classes { classes, names } => {
            columns.push("class".to_owned());
            for (row, class) in rows.iter_mut().zip(classes) {
                let name = names.get(*class).cloned();
                row.push(name.map_or(Cell::Number(*class as f64), Cell::Text));
            }
        }
        ScatterColors::Values { values, scale: ColorScale { .. } } => {
            columns.push(axes.color_bar.as_ref().map_or_else(|| "value".to_owned(), |bar| bar.full_label()));
            for (row, value) in rows.iter_mut().zip(values.iter()) {
                row.push(Cell::Number(*value));
            }
        }
    }
    Table {
        title: format!("{prefix}{}", scatter.name.as_deref().unwrap_or("points")),
        columns,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Line};

    #[test]
    fn every_digit_and_every_gap_is_in_the_table() {
        let axes = Axes::new(Axis::new("step"), Axis::new("loss"))
            .with(Line::new(vec![0.0, 1.0], vec![0.1 + 0.2, f64::NAN]).named("train"))
            .with(Scatter {
                colors: ScatterColors::Classes {
                    classes: vec![1],
                    names: vec!["a".into(), "b".into()],
                },
                ..Scatter::new(vec![5.0], vec![6.0])
            });
        let tables = tables(&Figure::single(axes));
        assert_eq!(tables.len(), 2);
        assert_eq!(tables[0].title, "train");
        assert_eq!(
            tables[0].tsv(),
            "step\tloss\n0\t0.30000000000000004\n1\tNaN\n"
        );
        assert_eq!(tables[1].rows[0][2], Cell::Text("b".to_owned()));
    }
}
