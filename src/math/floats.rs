//! Real numbers of either width, and how not-a-number and the infinities are
//! written to files (JSON has no word for them).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A real number that is read as double precision: `f32` or `f64`.
pub trait Real: Copy + Send + Sync + 'static {
    /// The same number in double precision (exact).
    fn to_f64(self) -> f64;
}

impl Real for f64 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
}

impl Real for f32 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

/// One number of a file: finite numbers as they are, not-a-number as `null`,
/// the infinities as `"inf"` and `"-inf"`, so that reading gives back what was
/// written.
#[derive(Debug, Clone, Copy)]
pub struct Cell(pub f64);

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else if self.0.is_nan() {
            serializer.serialize_none()
        } else if self.0 > 0.0 {
            serializer.serialize_str("inf")
        } else {
            serializer.serialize_str("-inf")
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellVisitor;

        impl serde::de::Visitor<'_> for CellVisitor {
            type Value = Cell;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, null, \"inf\" or \"-inf\"")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell(value as f64))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
                Ok(Cell(value as f64))
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell(f64::NAN))
            }

            fn visit_none<E>(self) -> Result<Cell, E> {
                Ok(Cell(f64::NAN))
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Cell, E> {
                match value {
                    "inf" => Ok(Cell(f64::INFINITY)),
                    "-inf" => Ok(Cell(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(value), &self)),
                }
            }
        }

        deserializer.deserialize_any(CellVisitor)
    }
}

/// `#[serde(with = "floats::cell")]` for one number that may not be finite.
pub mod cell {
    use super::{Cell, Deserialize, Deserializer, Serialize, Serializer};

    /// Write one number, see [`Cell`].
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Cell(*value).serialize(serializer)
    }

    /// Read one number, see [`Cell`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Cell::deserialize(deserializer)?.0)
    }
}

/// `#[serde(with = "floats::cells")]` for a vector of numbers that may not be
/// finite.
pub mod cells {
    use super::{Cell, Deserialize, Deserializer, Serializer};

    /// Write the numbers, see [`Cell`].
    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| Cell(*value)))
    }

    /// Read the numbers, see [`Cell`].
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let cells = Vec::<Cell>::deserialize(deserializer)?;
        Ok(cells.into_iter().map(|cell| cell.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Row {
        #[serde(with = "cells")]
        values: Vec<f64>,
        #[serde(with = "cell")]
        one: f64,
    }

    #[test]
    fn what_is_not_finite_survives_a_file() {
        let row = Row {
            values: vec![1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -2.0],
            one: f64::NAN,
        };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(
            text,
            r#"{"values":[1.5,null,"inf","-inf",-2.0],"one":null}"#
        );
        let back: Row = serde_json::from_str(&text).unwrap();
        assert!(back.one.is_nan() && back.values[1].is_nan());
        assert_eq!(back.values[2], f64::INFINITY);
        assert_eq!(back.values[3], f64::NEG_INFINITY);
        assert_eq!((back.values[0], back.values[4]), (1.5, -2.0));
        assert!(serde_json::from_str::<Cell>("\"big\"").is_err());
    }
}
