//! Colour maps: from values to the same colours on screen, in SVG and in PNG.

use std::sync::LazyLock;

use serde::Serialize;

use super::samples::finite_range;
use super::scale::Scale;

/// Entries of a look-up table.
pub const ENTRIES: usize = 256;

/// A look-up table, from the low to the high end.
pub type Lut = [[u8; 3]; ENTRIES];

/// The colour maps on offer. All but [`Colormap::RdBu`] are sequential and
/// increase in lightness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Colormap {
    /// Dark blue over green to yellow; perceptually uniform.
    #[default]
    Viridis,
    /// Dark blue to yellow; the same to people with and without colour-vision
    /// deficiency (Nuñez, Anderton & Renslow 2018).
    Cividis,
    /// Black over red to pale yellow.
    Inferno,
    /// Black over purple to pale pink.
    Magma,
    /// Blue over pink to yellow.
    Plasma,
    /// Diverging, for signed values: blue below, white at, red above the
    /// middle (ColorBrewer's RdBu, with blue at the low end).
    RdBu,
    /// Black to white.
    Greys,
}

impl Colormap {
    /// Every map.
    pub const ALL: [Self; 7] = [
        Self::Viridis,
        Self::Cividis,
        Self::Inferno,
        Self::Magma,
        Self::Plasma,
        Self::RdBu,
        Self::Greys,
    ];

    /// The name to show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
            Self::Inferno => "inferno",
            Self::Magma => "magma",
            Self::Plasma => "plasma",
            Self::RdBu => "RdBu",
            Self::Greys => "greys",
        }
    }

    /// The look-up table, made once.
    pub fn lut(self) -> &'static Lut {
        static TABLES: LazyLock<[Lut; 7]> = LazyLock::new(|| Colormap::ALL.map(bake));
        &TABLES[self as usize]
    }

    /// The colour at a fraction; beyond \[0, 1\] it is that of the nearer end.
    pub fn at(self, fraction: f64) -> [u8; 3] {
        // `as` saturates, and sends not-a-number to zero.
        let index = (fraction * ENTRIES as f64).floor() as i64;
        self.lut()[index.clamp(0, ENTRIES as i64 - 1) as usize]
    }
}

fn bake(map: Colormap) -> Lut {
    let mut table = [[0; 3]; ENTRIES];
    for (i, entry) in table.iter_mut().enumerate() {
        let gradient = match map {
            Colormap::Viridis => colorous::VIRIDIS,
            Colormap::Cividis => colorous::CIVIDIS,
            Colormap::Inferno => colorous::INFERNO,
            Colormap::Magma => colorous::MAGMA,
            Colormap::Plasma => colorous::PLASMA,
            Colormap::RdBu => {
                *entry = colorous::RED_BLUE
                    .eval_rational(ENTRIES - 1 - i, ENTRIES)
                    .into_array();
                continue;
            }
            Colormap::Greys => {
                *entry = [i as u8; 3];
                continue;
            }
        };
        *entry = gradient.eval_rational(i, ENTRIES).into_array();
    }
    table
}

/// Where values lie between the ends of a colour map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Normalization {
    /// How values are spread over the map.
    pub scale: Scale,
    /// The values at its low and high end.
    pub limits: (f64, f64),
}

impl Normalization {
    /// Proportional to the value.
    pub fn linear(low: f64, high: f64) -> Self {
        Self::on(Scale::Linear, low, high)
    }

    /// Proportional to the logarithm; values that are not positive take the
    /// colour of the low end.
    pub fn log(low: f64, high: f64) -> Self {
        Self::on(Scale::Log10, low, high)
    }

    /// Linear within ± the threshold, logarithmic beyond, symmetric about
    /// zero.
    pub fn symlog(linear_threshold: f64, max_abs: f64) -> Self {
        let max_abs = max_abs.abs();
        Self::on(Scale::SymLog { linear_threshold }, -max_abs, max_abs)
    }

    /// Linear and symmetric about zero, for diverging maps.
    pub fn centred(max_abs: f64) -> Self {
        let max_abs = max_abs.abs();
        Self::on(Scale::Linear, -max_abs, max_abs)
    }

    /// Spans the finite values that the scale can show.
    pub fn spanning(scale: Scale, values: &[f64]) -> Self {
        let shown = values.iter().copied().filter(|v| scale.shows(*v));
        let (low, high) = finite_range(shown).unwrap_or((f64::NAN, f64::NAN));
        Self::on(scale, low, high)
    }

    /// Spans the finite values symmetrically about zero.
    pub fn centred_on(values: &[f64]) -> Self {
        let max_abs = finite_range(values.iter().map(|v| v.abs())).map_or(1.0, |r| r.1);
        Self::centred(max_abs)
    }

    fn on(scale: Scale, low: f64, high: f64) -> Self {
        Self {
            scale,
            limits: scale.usable_limits((low, high)),
        }
    }

    /// 0 at the low end, 1 at the high end, beyond them outside; not-a-number
    /// only for not-a-number.
    pub fn fraction(&self, value: f64) -> f64 {
        if value.is_nan() || value == f64::INFINITY {
            value
        } else if value == f64::NEG_INFINITY || (self.scale == Scale::Log10 && value <= 0.0) {
            f64::NEG_INFINITY
        } else {
            self.scale.fraction(value, self.limits)
        }
    }
}

/// A colour map with its normalization: what a heat map and its colour bar
/// share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ColorScale {
    /// The colours.
    pub map: Colormap,
    /// Which values they stand for.
    pub normalization: Normalization,
}

/// The colour of not-a-number: none, so that the canvas's hatching shows.
pub const MISSING: [u8; 4] = [0; 4];

impl ColorScale {
    /// A colour map with its normalization.
    pub fn new(map: Colormap, normalization: Normalization) -> Self {
        Self { map, normalization }
    }

    /// The colour of a value. Values beyond the limits, infinities included,
    /// take the colour of the nearer end; not-a-number is [`MISSING`], that is
    /// transparent.
    pub fn rgba(&self, value: f64) -> [u8; 4] {
        let fraction = self.normalization.fraction(value);
        if fraction.is_nan() {
            return MISSING;
        }
        let [red, green, blue] = self.map.at(fraction);
        [red, green, blue, 255]
    }

    /// Whether values lie below and above the limits, which a colour bar marks
    /// with pointed ends.
    pub fn exceeded_by(&self, values: &[f64]) -> (bool, bool) {
        values.iter().fold((false, false), |(below, above), &v| {
            let fraction = self.normalization.fraction(v);
            (below || fraction < -1e-9, above || fraction > 1.0 + 1e-9)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::theme::luminance;

    #[test]
    fn ends_are_the_published_ones() {
        assert_eq!(Colormap::Viridis.lut()[0], [68, 1, 84]);
        assert_eq!(Colormap::Viridis.lut()[255], [253, 231, 37]);
        assert_eq!(Colormap::Inferno.lut()[0], [0, 0, 4]);
        assert_eq!(Colormap::Greys.at(0.0), [0; 3]);
        assert_eq!(Colormap::Greys.at(1.0), [255; 3]);
        let [red, _, blue] = Colormap::RdBu.at(0.0);
        assert!(blue > red, "negative is blue");
        assert!(
            Colormap::RdBu.at(0.5).iter().all(|&c| c > 235),
            "zero is white"
        );
    }

    #[test]
    fn sequential_maps_grow_lighter() {
        for map in Colormap::ALL {
            if map == Colormap::RdBu {
                continue;
            }
            let light: Vec<f64> = map
                .lut()
                .iter()
                .map(|&[r, g, b]| luminance([r, g, b, 255]))
                .collect();
            for (i, pair) in light.windows(9).enumerate() {
                assert!(pair[8] >= pair[0] - 1e-3, "{} at {i}", map.name());
            }
        }
    }

    #[test]
    fn values_without_a_colour_are_defined() {
        let scale = ColorScale::new(Colormap::Viridis, Normalization::log(0.1, 10.0));
        assert_eq!(scale.rgba(f64::NAN), MISSING);
        let low = scale.rgba(0.1);
        let high = scale.rgba(10.0);
        for below in [0.01, 0.0, -3.0, f64::NEG_INFINITY] {
            assert_eq!(scale.rgba(below), low);
        }
        for above in [11.0, f64::INFINITY] {
            assert_eq!(scale.rgba(above), high);
        }
        assert_eq!(scale.exceeded_by(&[1.0, f64::NAN]), (false, false));
        assert_eq!(scale.exceeded_by(&[0.0, f64::INFINITY]), (true, true));
    }

    #[test]
    fn normalizations_put_values_in_place() {
        assert_eq!(Normalization::linear(0.0, 4.0).fraction(1.0), 0.25);
        assert!((Normalization::log(1e-2, 1e2).fraction(1.0) - 0.5).abs() < 1e-12);
        assert_eq!(Normalization::centred(3.0).fraction(0.0), 0.5);
        assert_eq!(Normalization::symlog(0.1, 10.0).fraction(0.0), 0.5);
        let constant = Normalization::spanning(Scale::Linear, &[2.0, f64::NAN, 2.0]);
        assert!((constant.fraction(2.0) - 0.5).abs() < 1e-9);
        let nothing = Normalization::spanning(Scale::Log10, &[f64::NAN, -1.0]);
        assert!(nothing.limits.0 < nothing.limits.1);
    }
}
