//! Numbers as tables.

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
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A number; not-a-number is one, too.
    Number(f64),
    /// A text.
    Text(String),
}

impl Cell {
    /// The cell as text, with every digit of a number.
    pub fn text(&self) -> String {
        match self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_in_the_text() {
        let table = Table {
            title: "t".to_owned(),
            columns: vec!["step".to_owned(), "loss".to_owned()],
            rows: vec![
                vec![Cell::Number(0.0), Cell::Number(0.1 + 0.2)],
                vec![Cell::Text("last".to_owned()), Cell::Number(f64::NAN)],
            ],
        };
        assert_eq!(
            table.tsv(),
            "step\tloss\n0\t0.30000000000000004\nlast\tNaN\n"
        );
    }
}
