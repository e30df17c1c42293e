//! As many ticks as fit without their labels touching.

use super::AxisView;
use crate::figure::fonts::{Weight, width};
use crate::figure::model::{Axis, Ticks};
use crate::figure::theme::FigureTheme;
use crate::figure::ticks::{Tick, ticks};

/// Ticks of a horizontal axis, as many as fit without touching.
pub(super) fn x_ticks(axis: &Axis, view: &AxisView, theme: &FigureTheme) -> Vec<Tick> {
    let length = (view.pixels.1 - view.pixels.0).abs();
    let distance = 0.9 * theme.label_size;
    let mut wanted = (length / (3.6 * theme.label_size)).clamp(2.0, 11.0) as usize;
    loop {
        let mut found = ticks(axis.scale, view.limits, wanted, &axis.ticks);
        if !touching(&found, view, distance, theme) {
            return found;
        }
        if wanted > 2 && !matches!(axis.ticks, Ticks::Named(_)) {
            wanted -= 1;
            continue;
        }
        thin_out(&mut found, |labels| touching(labels, view, distance, theme));
        return found;
    }
}

fn touching(found: &[Tick], view: &AxisView, distance: f64, theme: &FigureTheme) -> bool {
    let mut last_end = f64::NEG_INFINITY;
    for tick in found.iter().filter(|t| !t.label.is_empty()) {
        let half = width(&tick.label, theme.label_size, Weight::Regular) / 2.0;
        let at = view.pixel(tick.value);
        if at - half < last_end + distance {
            return true;
        }
        last_end = at + half;
    }
    false
}

/// Ticks of a vertical axis or a colour bar.
pub(super) fn y_ticks(wanted: &Ticks, view: &AxisView, theme: &FigureTheme) -> Vec<Tick> {
    let length = (view.pixels.1 - view.pixels.0).abs();
    let count = (length / (2.3 * theme.label_size)).clamp(3.0, 9.0) as usize;
    let mut found = ticks(view.scale, view.limits, count, wanted);
    thin_out(&mut found, |labels| {
        let mut last = f64::INFINITY;
        labels.iter().filter(|t| !t.label.is_empty()).any(|t| {
            let at = view.pixel(t.value);
            let close = last.is_finite() && (last - at).abs() < 1.15 * theme.label_size;
            last = at;
            close
        })
    });
    found
}

/// Keeps every second, third, … label until they no longer touch.
fn thin_out(found: &mut [Tick], touch: impl Fn(&[Tick]) -> bool) {
    let labels: Vec<String> = found.iter().map(|t| t.label.clone()).collect();
    let mut stride = 1;
    while touch(found) && stride <= labels.len() {
        stride += 1;
        let mut seen = 0;
        for (tick, label) in found.iter_mut().zip(&labels) {
            if label.is_empty() {
                continue;
            }
            tick.label = if seen % stride == 0 {
                label.clone()
            } else {
                String::new()
            };
            seen += 1;
        }
    }
}

/// Width of the widest label.
pub(super) fn widest(found: &[Tick], theme: &FigureTheme) -> f64 {
    found
        .iter()
        .map(|t| width(&t.label, theme.label_size, Weight::Regular))
        .fold(0.0, f64::max)
}
