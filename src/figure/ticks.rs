//! Round ticks and their labels, for axes and colour bars on every canvas.

use super::model::Ticks;
use super::scale::Scale;

/// One tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where it stands, as a value of the axis.
    pub value: f64,
    /// What is written at it; empty for a minor tick.
    pub label: String,
    /// Whether it is a long, labelled tick.
    pub major: bool,
}

impl Tick {
    fn minor(value: f64) -> Self {
        Self {
            value,
            label: String::new(),
            major: false,
        }
    }
}

/// The ticks within `limits` (in any order), at most about `max_major`
/// labelled ones, in increasing order of value.
pub fn ticks(scale: Scale, limits: (f64, f64), max_major: usize, wanted: &Ticks) -> Vec<Tick> {
    let (low, high) = scale.usable_limits(limits);
    let max_major = max_major.max(2);
    match wanted {
        Ticks::None => Vec::new(),
        Ticks::Named(names) => {
            let slack = (high - low) * 1e-9;
            let mut found: Vec<Tick> = names
                .iter()
                .filter(|(value, _)| *value >= low - slack && *value <= high + slack)
                .map(|(value, label)| Tick {
                    value: *value,
                    label: label.clone(),
                    major: true,
                })
                .collect();
            found.sort_by(|a, b| a.value.total_cmp(&b.value));
            found
        }
        Ticks::Integers => labelled(linear_values(low, high, max_major, 1.0)),
        Ticks::Auto => match scale {
            Scale::Linear => labelled(linear_values(low, high, max_major, 0.0)),
            Scale::Log10 => log_ticks(low, high, max_major),
            Scale::SymLog { linear_threshold } => {
                symlog_ticks(low, high, linear_threshold, max_major)
            }
        },
    }
}

/// Round values (1, 2 or 5 times a power of ten apart) within `[low, high]`
/// and their distance: at most `max_count` of them, or a few more where
/// otherwise fewer than two would be left. `min_step` is the smallest distance
/// allowed: 1 for integers, 0 for none.
pub fn linear_values(low: f64, high: f64, max_count: usize, min_step: f64) -> (Vec<f64>, f64) {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return (Vec::new(), 1.0);
    }
    let max_count = max_count.max(2) as f64;
    let mut exponent = (span / max_count).log10().floor() as i32;
    let slack = 1e-9;
    let values = |mantissa: f64, exponent: i32| -> (Vec<f64>, f64) {
        let step = multiple(1.0, mantissa, exponent);
        let first = (low / step - slack).ceil();
        let last = (high / step + slack).floor();
        let count = (last - first).max(-1.0) as i64 + 1;
        let values = (0..count)
            // Through the index, so that no error accumulates; adding zero
            // turns −0 into 0.
            .map(|i| multiple(first + i as f64, mantissa, exponent) + 0.0)
            .collect();
        (values, step)
    };
    let mut finer = None;
    loop {
        for mantissa in [1.0, 2.0, 5.0] {
            let step = multiple(1.0, mantissa, exponent);
            if step < min_step {
                continue;
            }
            let count = (high / step + slack).floor() - (low / step - slack).ceil() + 1.0;
            if count > max_count {
                finer = Some((mantissa, exponent));
                continue;
            }
            return match finer {
                Some((mantissa, exponent)) if count < 2.0 => values(mantissa, exponent),
                _ => values(mantissa, exponent),
            };
        }
        exponent += 1;
    }
}

/// `mantissa · 10^exponent`, correctly rounded where the power is exact.
fn round_number(mantissa: f64, exponent: i32) -> f64 {
    multiple(1.0, mantissa, exponent)
}

fn multiple(index: f64, mantissa: f64, exponent: i32) -> f64 {
    // Dividing by an exact power gives 0.3, not 0.30000000000000004.
    if exponent < 0 {
        index * mantissa / 10f64.powi(-exponent)
    } else {
        index * mantissa * 10f64.powi(exponent)
    }
}

fn labelled((values, step): (Vec<f64>, f64)) -> Vec<Tick> {
    let labels = format_evenly(&values, step);
    values
        .into_iter()
        .zip(labels)
        .map(|(value, label)| Tick {
            value,
            label,
            major: true,
        })
        .collect()
}

fn power_of_ten(exponent: i32) -> f64 {
    round_number(1.0, exponent)
}

fn log_ticks(low: f64, high: f64, max_major: usize) -> Vec<Tick> {
    let (a, b) = (low.log10(), high.log10());
    let first = (a - 1e-9).ceil() as i32;
    let last = (b + 1e-9).floor() as i32;
    let powers = (last - first + 1).max(0) as usize;
    if powers < 2 || (powers == 2 && b - a < 2.0 && max_major >= 5) {
        return narrow_log_ticks(low, high, max_major);
    }
    let stride = powers.div_ceil(max_major) as i32;
    let mut found = Vec::new();
    // Powers that are not labelled become minor ticks; those that are are
    // multiples of the stride, so that zooming does not make them jump.
    for exponent in first..=last {
        if exponent.rem_euclid(stride) == 0 {
            found.push(Tick {
                value: power_of_ten(exponent),
                label: power_label(exponent, false),
                major: true,
            });
        } else {
            found.push(Tick::minor(power_of_ten(exponent)));
        }
    }
    if stride == 1 && powers <= 12 {
        for exponent in first - 1..=last {
            found.extend(
                (2..10)
                    .map(|m| round_number(f64::from(m), exponent))
                    .filter(|v| within(*v, low, high))
                    .map(Tick::minor),
            );
        }
    }
    found.sort_by(|a, b| a.value.total_cmp(&b.value));
    found
}

/// Less than about two decades: label 1-2-5 or evenly spaced values.
fn narrow_log_ticks(low: f64, high: f64, max_major: usize) -> Vec<Tick> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let inside = |mantissas: &[f64]| -> Vec<f64> {
        (first..=last)
            .flat_map(|e| mantissas.iter().map(move |&m| round_number(m, e)))
            .filter(|v| within(*v, low, high))
            .collect()
    };
    let all = inside(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    for mantissas in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0][..]] {
        let major = inside(mantissas);
        if major.len() >= 3 && major.len() <= max_major {
            let labels = format_each(&major);
            let mut found: Vec<Tick> = major
                .iter()
                .zip(labels)
                .map(|(&value, label)| Tick {
                    value,
                    label,
                    major: true,
                })
                .collect();
            found.extend(
                all.iter()
                    .filter(|v| !major.contains(v))
                    .map(|&v| Tick::minor(v)),
            );
            found.sort_by(|a, b| a.value.total_cmp(&b.value));
            return found;
        }
    }
    labelled(linear_values(low, high, max_major, 0.0))
}

fn symlog_ticks(low: f64, high: f64, threshold: f64, max_major: usize) -> Vec<Tick> {
    let scale = Scale::SymLog {
        linear_threshold: threshold,
    };
    // The place of ±t is ±1 for every t, also for one that is not usable.
    let threshold = scale.inverse(1.0);
    let start = (threshold.log10() - 1e-9).ceil() as i32;
    let largest = low.abs().max(high.abs());
    let end = (largest.log10() + 1e-9).floor();
    if !end.is_finite() || (end as i32) < start {
        return labelled(linear_values(low, high, max_major, 0.0));
    }
    let end = end as i32;
    let majors = |stride: i32| -> Vec<(f64, i32)> {
        (start..=end)
            .filter(|e| (end - e).rem_euclid(stride) == 0)
            .flat_map(|e| [(power_of_ten(e), e), (-power_of_ten(e), e)])
            .filter(|(v, _)| within(*v, low, high))
            .collect()
    };
    let zero = usize::from(within(0.0, low, high));
    let mut stride = 1;
    while majors(stride).len() + zero > max_major && stride <= end - start {
        stride += 1;
    }
    let major = majors(stride);
    if major.len() + zero < 2 {
        return labelled(linear_values(low, high, max_major, 0.0));
    }
    let mut found: Vec<Tick> = major
        .iter()
        .map(|&(value, exponent)| Tick {
            value,
            label: power_label(exponent, value < 0.0),
            major: true,
        })
        .collect();
    if zero == 1 {
        found.push(Tick {
            value: 0.0,
            label: "0".into(),
            major: true,
        });
    }
    for exponent in start - 1..=end {
        let mantissas: &[i32] = if stride == 1 {
            &[2, 3, 4, 5, 6, 7, 8, 9]
        } else if major.iter().any(|&(_, e)| e == exponent) {
            &[]
        } else {
            &[1]
        };
        for &m in mantissas {
            let value = round_number(f64::from(m), exponent);
            found.extend(
                [value, -value]
                    .into_iter()
                    .filter(|v| value >= threshold && within(*v, low, high))
                    .map(Tick::minor),
            );
        }
    }
    found.sort_by(|a, b| a.value.total_cmp(&b.value));
    found
}

/// Within limits, forgiving rounding at the ends.
fn within(value: f64, low: f64, high: f64) -> bool {
    let slack = 1e-9 * value.abs();
    value >= low - slack && value <= high + slack
}

// ---------------------------------------------------------------- labels

const MINUS: char = '\u{2212}';
/// Narrow no-break space between groups of three figures.
const GROUP: char = '\u{202f}';

/// `10ⁿ`, or `−10ⁿ`.
pub fn power_label(exponent: i32, negative: bool) -> String {
    let sign = if negative { "\u{2212}" } else { "" };
    format!("{sign}10{}", superscript(exponent))
}

/// A whole number as superscript figures: `⁻³`.
pub fn superscript(number: i32) -> String {
    number
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            digit => char::from_u32(0x2070 + digit as u32 - '0' as u32).unwrap_or(digit),
        })
        .collect()
}

/// A whole number as subscript figures: `₁₂`.
pub fn subscript(number: usize) -> String {
    number
        .to_string()
        .chars()
        .map(|c| char::from_u32(0x2080 + c as u32 - '0' as u32).unwrap_or(c))
        .collect()
}

/// Labels of evenly spaced values, `step` apart: all with the same precision,
/// no more than the step needs.
pub fn format_evenly(values: &[f64], step: f64) -> Vec<String> {
    let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if largest == 0.0 {
        return values.iter().map(|_| "0".into()).collect();
    }
    let exponent = largest.log10().floor() as i32;
    if (-3..6).contains(&exponent) {
        let decimals = decimals_for(step);
        values
            .iter()
            .map(|&v| decimal(v, decimals, largest >= 1e4))
            .collect()
    } else {
        let unit = 10f64.powi(exponent);
        let decimals = decimals_for(step / unit);
        values
            .iter()
            .map(|&v| {
                if v == 0.0 {
                    "0".into()
                } else {
                    scientific(v / unit, decimals, exponent)
                }
            })
            .collect()
    }
}

fn format_each(values: &[f64]) -> Vec<String> {
    values.iter().map(|&v| format_number(v, 3)).collect()
}

/// How many decimals a step needs: 0.25 needs two, 20 none. Steps are round,
/// so at most one decimal more than the order of magnitude.
fn decimals_for(step: f64) -> usize {
    (0..=15)
        .find(|&d| {
            let scaled = step * 10f64.powi(d);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1e-300)
        })
        .unwrap_or(15) as usize
}

/// One number for people, with `significant` figures, trailing zeros dropped:
/// `0.025`, `12 800`, `1.2×10⁻⁵`, `−3`, `∞`, `not a number`.
pub fn format_number(value: f64, significant: usize) -> String {
    if value.is_nan() {
        return "not a number".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "\u{2212}∞" }.into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let significant = significant.clamp(1, 17);
    // Rounding first decides the exponent: 9.996 with three figures is 10.
    let rounded: f64 = format!("{:.*e}", significant - 1, value)
        .parse()
        .unwrap_or(value);
    let exponent = rounded.abs().log10().floor() as i32;
    if (-4..6).contains(&exponent) {
        let decimals = (significant as i32 - 1 - exponent).max(0) as usize;
        trimmed(&decimal(rounded, decimals, rounded.abs() >= 1e4))
    } else {
        let mantissa = rounded / 10f64.powi(exponent);
        let text = trimmed(&decimal(mantissa, significant - 1, false));
        match text.as_str() {
            "1" => power_label(exponent, false),
            "\u{2212}1" => power_label(exponent, true),
            _ => format!("{text}×10{}", superscript(exponent)),
        }
    }
}

fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text.into()
    }
}

fn scientific(mantissa: f64, decimals: usize, exponent: i32) -> String {
    let text = decimal(mantissa, decimals, false);
    format!("{text}×10{}", superscript(exponent))
}

fn decimal(value: f64, decimals: usize, grouped: bool) -> String {
    let plain = format!("{:.*}", decimals, value.abs());
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::with_capacity(plain.len() + 4);
    // A value that rounds to zero has no sign.
    if value < 0.0 && plain.chars().any(|c| ('1'..='9').contains(&c)) {
        text.push(MINUS);
    }
    for (i, digit) in whole.chars().enumerate() {
        if grouped && i > 0 && (whole.len() - i) % 3 == 0 {
            text.push(GROUP);
        }
        text.push(digit);
    }
    if !rest.is_empty() {
        text.push('.');
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(scale: Scale, limits: (f64, f64), max: usize) -> Vec<String> {
        ticks(scale, limits, max, &Ticks::Auto)
            .into_iter()
            .filter(|t| t.major)
            .map(|t| t.label)
            .collect()
    }

    #[test]
    fn labels_have_one_precision_and_a_real_minus() {
        assert_eq!(
            labels(Scale::Linear, (-1.0, 1.0), 6),
            ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(
            labels(Scale::Linear, (0.0, 20_000.0), 6),
            [
                "0",
                "5\u{202f}000",
                "10\u{202f}000",
                "15\u{202f}000",
                "20\u{202f}000"
            ]
        );
        assert_eq!(
            labels(Scale::Linear, (0.0, 3e-5), 4),
            ["0", "1×10⁻⁵", "2×10⁻⁵", "3×10⁻⁵"]
        );
    }

    #[test]
    fn log_axes_show_decades_with_minor_ticks() {
        let all = ticks(Scale::Log10, (1e-3, 10.0), 8, &Ticks::Auto);
        let major: Vec<_> = all.iter().filter(|t| t.major).map(|t| &t.label).collect();
        assert_eq!(major, ["10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹"]);
        assert_eq!(all.iter().filter(|t| !t.major).count(), 4 * 8);
        assert_eq!(labels(Scale::Log10, (1e-12, 1.0), 5).len(), 5);
        assert_eq!(labels(Scale::Log10, (0.4, 6.0), 6), ["0.5", "1", "2", "5"]);
    }

    #[test]
    fn symlog_is_symmetric_about_zero() {
        let scale = Scale::SymLog {
            linear_threshold: 0.01,
        };
        assert_eq!(
            labels(scale, (-1.0, 1.0), 9),
            ["−10⁰", "−10⁻¹", "−10⁻²", "0", "10⁻²", "10⁻¹", "10⁰"]
        );
        assert!(labels(scale, (-0.005, 0.005), 6).len() >= 3);
    }

    #[test]
    fn numbers_for_people() {
        for (value, text) in [
            (0.0, "0"),
            (0.025, "0.025"),
            (-3.0, "−3"),
            (12_800.0, "12\u{202f}800"),
            (1.2e-5, "1.2×10⁻⁵"),
            (1e-7, "10⁻⁷"),
            (9.996, "10"),
            (1_284.0, "1284"),
            (-0.0, "0"),
        ] {
            assert_eq!(format_number(value, 3.max(text.len().min(4))), text);
        }
        assert_eq!(format_number(f64::NAN, 3), "not a number");
        assert_eq!(format_number(f64::NEG_INFINITY, 3), "−∞");
    }

    #[test]
    fn integers_never_fall_between() {
        for tick in ticks(Scale::Linear, (0.2, 3.4), 20, &Ticks::Integers) {
            assert_eq!(tick.value, tick.value.round());
            assert!(!tick.label.contains('.'));
        }
    }

    proptest! {
        #[test]
        fn ticks_are_within_the_limits_and_increase(
            centre in -1e3..1e3f64, exponent in -6.0..6.0f64, max in 2usize..12
        ) {
            let span = 10f64.powf(exponent);
            for scale in [Scale::Linear, Scale::Log10, Scale::SymLog { linear_threshold: 0.1 }] {
                let limits = match scale {
                    Scale::Log10 => (10f64.powf(centre / 300.0), 10f64.powf(centre / 300.0) * (1.0 + span)),
                    _ => (centre, centre + span),
                };
                let found = ticks(scale, limits, max, &Ticks::Auto);
                let slack = (limits.1 - limits.0) * 1e-6 + limits.1.abs() * 1e-8;
                for t in &found {
                    prop_assert!(t.value >= limits.0 - slack && t.value <= limits.1 + slack);
                }
                for pair in found.windows(2) {
                    prop_assert!(pair[0].value < pair[1].value);
                }
                let labels: Vec<_> = found.iter().filter(|t| t.major).map(|t| t.label.clone()).collect();
                prop_assert!(labels.len() <= max.max(5), "{labels:?}");
                let mut unique = labels.clone();
                unique.dedup();
                prop_assert_eq!(labels, unique);
            }
        }

        #[test]
        fn linear_steps_are_round(low in -1e4..1e4f64, exponent in -5.0..5.0f64, max in 2usize..12) {
            let (values, step) = linear_values(low, low + 10f64.powf(exponent), max, 0.0);
            let mantissa = step / 10f64.powf(step.log10().floor());
            prop_assert!([1.0, 2.0, 5.0, 10.0].iter().any(|m| (mantissa - m).abs() < 1e-6));
            prop_assert!(values.len() <= max.max(5));
            prop_assert!(values.len() >= 2);
        }
    }
}
