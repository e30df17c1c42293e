//! What the values of a slice are called, and how they are coloured.

use super::{LandscapeSettings, SliceInfo};
use crate::figure::{ColorScale, Colormap, Normalization, Scale};
use crate::landscape::SliceQuantity;

/// What a colour bar says.
pub(super) fn label(info: &SliceInfo<'_>) -> String {
    let split = info.split;
    match info.quantity {
        SliceQuantity::Convexity => format!("{}, {split}", line_label(info)),
        SliceQuantity::GradientNorm => format!("‖∇L‖, {split}"),
        SliceQuantity::Gap => line_label(info),
        _ => format!("{split} {}", line_label(info)),
    }
}

/// The same without the split.
pub(super) fn line_label(info: &SliceInfo<'_>) -> String {
    match info.quantity {
        SliceQuantity::Loss => "loss".to_owned(),
        SliceQuantity::Accuracy => "accuracy".to_owned(),
        SliceQuantity::ClassLoss { class } => match info.class {
            Some(name) => format!("loss of class {name}"),
            None => format!("loss of class {class}"),
        },
        SliceQuantity::SampleLoss { samples } => match samples.as_slice() {
            [one] => format!("loss of sample {one}"),
            several => format!("loss of {} samples", several.len()),
        },
        SliceQuantity::GradientNorm => "‖∇L‖".to_owned(),
        SliceQuantity::Convexity => "|λmin/λmax|".to_owned(),
        SliceQuantity::Gap => "validation − training loss".to_owned(),
    }
}

/// The colours of these values. Signed quantities diverge from zero;
/// logarithmic where wanted and possible; linear colours leave out the highest
/// values where a few of them would hide all others.
pub(super) fn color_scale(
    settings: &LandscapeSettings,
    quantity: &SliceQuantity,
    values: &[f64],
) -> ColorScale {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if quantity.is_signed() {
        let sizes: Vec<f64> = finite.iter().map(|v| v.abs()).collect();
        let mut normalization = Normalization::centred_on(&finite);
        if let Some(high) = cut(&sizes, 0.0, normalization.limits.1) {
            normalization = Normalization::centred(high);
        }
        return ColorScale::new(Colormap::RdBu, normalization);
    }
    let positive = !finite.is_empty() && finite.iter().all(|v| *v > 0.0);
    let map = settings.colors.map();
    if settings.log && positive && quantity.suits_log() {
        return ColorScale::new(map, Normalization::spanning(Scale::Log10, &finite));
    }
    let mut normalization = Normalization::spanning(Scale::Linear, &finite);
    let (low, highest) = normalization.limits;
    if let Some(high) = cut(&finite, low, highest) {
        normalization.limits = (low, high);
    }
    ColorScale::new(map, normalization)
}

/// A lower upper limit, where a few high values would hide all others.
fn cut(finite: &[f64], low: f64, highest: f64) -> Option<f64> {
    let high = crate::math::statistics::quantile(finite, 0.95);
    let middle = crate::math::statistics::median(finite);
    let hides = high.is_finite() && highest - low > 10.0 * (high - low) && high > middle;
    hides.then_some(high)
}
