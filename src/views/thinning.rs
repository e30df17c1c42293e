//! Long series made short enough to be drawn many times a second, without
//! losing a spike, and without looking at every point again for it.

use crate::figure::Scale;
use crate::math::chunked::Chunked;

/// Points of a block, and blocks of a larger block.
const BLOCK: usize = 16;

/// The extremes of a growing series, block by block: the lowest and the highest
/// of any stretch are found by looking at a few of them.
#[derive(Clone, Debug, Default)]
pub struct Extremes {
    /// `levels[k]` has a block for each `BLOCK^(k + 1)` points that are complete.
    levels: Vec<Chunked<Block>>,
    seen: usize,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    /// Index of the first of the lowest finite values.
    low: usize,
    /// Index of the first of the highest finite values.
    high: usize,
    /// Those values themselves: in a long series they lie far apart.
    range: [f64; 2],
    /// How many values are finite: all, some, or none.
    finite: Finite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finite {
    All,
    Some,
    None,
}

impl Block {
    fn of_value(values: &Chunked<f64>, index: usize) -> Self {
        let value = values[index];
        Self {
            low: index,
            high: index,
            range: [value; 2],
            finite: if value.is_finite() {
                Finite::All
            } else {
                Finite::None
            },
        }
    }

    /// Both blocks together; `other` follows.
    fn with(self, other: Self) -> Self {
        match (self.finite, other.finite) {
            (Finite::None, Finite::None) => self,
            (Finite::None, _) => Self {
                finite: Finite::Some,
                ..other
            },
            (_, Finite::None) => Self {
                finite: Finite::Some,
                ..self
            },
            (a, b) => {
                let lower = other.range[0] < self.range[0];
                let higher = other.range[1] > self.range[1];
                let low = if lower { other } else { self };
                let high = if higher { other } else { self };
                Self {
                    low: low.low,
                    high: high.high,
                    range: [low.range[0], high.range[1]],
                    finite: if a == b { a } else { Finite::Some },
                }
            }
        }
    }
}

impl Extremes {
    /// Takes in the values that came since the last time. Those before must be
    /// the same still: begin anew where they are not.
    pub fn follow(&mut self, values: &Chunked<f64>) {
        for index in self.seen..values.len() {
            if !(index + 1).is_multiple_of(BLOCK) {
                continue;
            }
            let mut block = joined((index + 1 - BLOCK..=index).map(|i| Block::of_value(values, i)));
            for level in 0.. {
                let Some(complete) = block.take() else { break };
                if self.levels.len() == level {
                    self.levels.push(Chunked::new());
                }
                let blocks = &mut self.levels[level];
                blocks.push(complete);
                if blocks.len().is_multiple_of(BLOCK) {
                    let last = blocks.iter_from(blocks.len() - BLOCK);
                    block = joined(last.copied());
                }
            }
        }
        self.seen = self.seen.max(values.len());
    }

    /// The largest complete block that begins at `from` and ends before `to`,
    /// or the value there, with its length.
    fn block(&self, values: &Chunked<f64>, from: usize, to: usize) -> (Block, usize) {
        let (mut found, mut length) = (None, BLOCK);
        for blocks in &self.levels {
            if !from.is_multiple_of(length) || from + length > to {
                break;
            }
            match blocks.get(from / length) {
                Some(block) => found = Some((*block, length)),
                None => break,
            }
            length *= BLOCK;
        }
        // The value only where it is wanted: in a long series it lies far away.
        found.unwrap_or_else(|| (Block::of_value(values, from), 1))
    }

    /// Indices of the first lowest and of the first highest finite value of a
    /// stretch; nothing where none is finite.
    pub fn within(&self, values: &Chunked<f64>, from: usize, to: usize) -> Option<(usize, usize)> {
        self.whole(values, from, to)
            .filter(|block| block.finite != Finite::None)
            .map(|block| (block.low, block.high))
    }

    /// A stretch as one block; nothing where it is empty.
    fn whole(&self, values: &Chunked<f64>, from: usize, to: usize) -> Option<Block> {
        let to = to.min(values.len());
        let mut whole: Option<Block> = None;
        let mut at = from;
        while at < to {
            let (block, length) = self.block(values, at, to);
            whole = Some(match whole {
                Some(before) => before.with(block),
                None => block,
            });
            at += length;
        }
        whole
    }

    /// The end of the unbroken piece that begins at `from`, at most `to`, with
    /// its extremes as [`Extremes::within`] finds them.
    pub fn piece(
        &self,
        values: &Chunked<f64>,
        from: usize,
        to: usize,
    ) -> (usize, Option<(usize, usize)>) {
        match self.whole(values, from, to) {
            Some(block) if block.finite == Finite::All => (to, Some((block.low, block.high))),
            _ => {
                let end = self.next_break(values, from, to);
                (end, self.within(values, from, end))
            }
        }
    }

    /// The first index in a stretch whose value is finite (or is not); its end
    /// where there is none.
    fn next(&self, values: &Chunked<f64>, from: usize, to: usize, finite: bool) -> usize {
        let without = if finite { Finite::None } else { Finite::All };
        let mut at = from;
        while at < to {
            let (block, length) = self.block(values, at, to);
            if block.finite == without {
                at += length;
            } else if values[at].is_finite() == finite {
                return at;
            } else {
                at += 1;
            }
        }
        to
    }

    /// The first index in a stretch whose value is not finite; its end where
    /// all are.
    pub fn next_break(&self, values: &Chunked<f64>, from: usize, to: usize) -> usize {
        self.next(values, from, to.min(values.len()), false)
    }
}

fn joined(blocks: impl Iterator<Item = Block>) -> Option<Block> {
    blocks.reduce(Block::with)
}

/// The end of the stretch from `from` for which `same` holds: it holds up to
/// some index and not after it. Looks first near the end of a stretch that is
/// as long as the one before, `likely`.
pub fn stretch(from: usize, to: usize, likely: usize, same: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from, 1);
    // `same` holds at `low`. Columns of equal width differ in length by one.
    let near = from + likely.saturating_sub(2);
    if near > from && near < to && same(near) {
        low = near;
    }
    while low + step < to && same(low + step) {
        low += step;
        step *= 2;
    }
    let mut high = (low + step).min(to);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if same(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// A series over the steps, and the extremes of its values.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The steps, never falling.
    pub steps: &'a Chunked<f64>,
    /// The values at the steps.
    pub values: &'a Chunked<f64>,
    /// What has followed the values.
    pub extremes: &'a Extremes,
}

/// Indices of the points that matter within a window of x (`time` of a step,
/// non-decreasing): for each of about `columns` columns the first, the lowest,
/// the highest and the last point of every unbroken piece, every break, and one
/// neighbour on either side of the window. `scale` is that of the x axis.
///
/// Looks at a few points for each column, however many there are.
pub fn indices(
    series: Series<'_>,
    time: impl Fn(f64) -> f64,
    window: Option<(f64, f64)>,
    columns: usize,
    scale: Scale,
) -> Vec<usize> {
    let Series {
        steps,
        values,
        extremes,
    } = series;
    let n = steps.len().min(values.len());
    let (from, to) = match window {
        Some((low, high)) => (
            steps.partition_point(|&s| time(s) < low).min(n),
            steps.partition_point(|&s| time(s) <= high).min(n),
        ),
        None => (0, n),
    };
    // The neighbours are of no column: a higher one would hide what is inside.
    let (before, after) = (from.checked_sub(1), (to < n).then_some(to));
    if to <= from + 4 * columns.max(1) {
        let inside = from..to.max(from);
        return before.into_iter().chain(inside).chain(after).collect();
    }
    let place = |i: usize| scale.forward(time(steps[i]));
    // What the scale cannot show, such as step 0 on a logarithm, stays: it is
    // a break there.
    let unshown = steps.partition_point(|&s| !scale.forward(time(s)).is_finite());
    let shown = unshown.clamp(from, to);
    let first = if shown < to { place(shown) } else { 0.0 };
    let span = place(to - 1) - first;
    let per_column = if span > 0.0 {
        columns.max(1) as f64 / span
    } else {
        0.0
    };
    let column = |i: usize| ((place(i) - first) * per_column).floor();
    let mut kept = Vec::with_capacity(4 * columns.saturating_add(2).min(to - from));
    kept.extend(before);
    let (mut at, mut length) = (from, 0);
    while at < to {
        if at < shown || !values[at].is_finite() {
            kept.push(at);
            at = extremes.next(values, at.max(shown), to, true);
            continue;
        }
        let here = column(at);
        let end = stretch(at, to, length, |i| column(i) == here);
        length = end - at;
        let (end, found) = extremes.piece(values, at, end);
        let (low, high) = found.unwrap_or((at, at));
        let mut of_column = [at, low, high, end - 1];
        of_column.sort_unstable();
        for index in of_column {
            if kept.last() != Some(&index) {
                kept.push(index);
            }
        }
        at = end;
    }
    if kept.last() != Some(&(to - 1)) {
        kept.push(to - 1);
    }
    kept.extend(after);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::figure::decimate;

    fn thinned(
        steps: &[f64],
        values: &[f64],
        window: Option<(f64, f64)>,
        columns: usize,
        scale: Scale,
    ) -> Vec<usize> {
        let mut extremes = Extremes::default();
        let mut known = Chunked::new();
        // As they come while training: a few at a time.
        for few in values.chunks(37) {
            known.extend(few.iter().copied());
            extremes.follow(&known);
        }
        let series = Series {
            steps: &steps.iter().copied().collect(),
            values: &known,
            extremes: &extremes,
        };
        indices(series, |step| step / 2.0, window, columns, scale)
    }

    /// The same by looking at every point.
    fn by_every_point(steps: &[f64], values: &[f64], columns: usize, scale: Scale) -> Vec<usize> {
        if steps.len() <= 4 * columns {
            return (0..steps.len()).collect();
        }
        let on_scale: Vec<f64> = steps.iter().map(|s| scale.forward(s / 2.0)).collect();
        let first = on_scale.iter().copied().find(|v| v.is_finite()).unwrap();
        let per_column = columns as f64 / (on_scale.last().unwrap() - first);
        let places: Vec<f64> = on_scale.iter().map(|v| (v - first) * per_column).collect();
        decimate::columns(&places, values)
    }

    proptest! {
        #[test]
        fn extremes_of_a_window_survive(
            y in prop::collection::vec(-1e3..1e3f64, 1..3000),
            low in 0.0..500.0f64,
            width in 1.0..1000.0f64,
        ) {
            let steps: Vec<f64> = (0..y.len()).map(|i| i as f64).collect();
            let window = (low, low + width);
            let kept = thinned(&steps, &y, Some(window), 40, Scale::Linear);
            prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(kept.len() <= 4 * 43);
            let inside = |i: &usize| steps[*i] / 2.0 >= window.0 && steps[*i] / 2.0 <= window.1;
            let highest = (0..y.len()).filter(inside).map(|i| y[i]).fold(f64::MIN, f64::max);
            let kept_highest = kept.iter().filter(|i| inside(i)).map(|&i| y[i]).fold(f64::MIN, f64::max);
            prop_assert_eq!(highest, kept_highest);
            let first = (0..y.len()).find(|i| inside(i));
            if let Some(before) = first.and_then(|i| i.checked_sub(1)) {
                prop_assert_eq!(kept[0], before);
            }
        }

        #[test]
        fn blocks_find_what_looking_at_every_point_finds(
            values in prop::collection::vec(
                prop_oneof![20 => (-50..50i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)],
                1..5000,
            ),
            columns in 1..60usize,
            logarithmic in any::<bool>(),
        ) {
            let steps: Vec<f64> = (0..values.len()).map(|i| 3.0 * i as f64).collect();
            let scale = if logarithmic { Scale::Log10 } else { Scale::Linear };
            prop_assert_eq!(
                thinned(&steps, &values, None, columns, scale),
                by_every_point(&steps, &values, columns, scale)
            );
        }

        #[test]
        fn a_long_break_is_one_point(hole in 1..4000usize) {
            let mut values = vec![1.0; 6000];
            values[1000..1000 + hole].fill(f64::NAN);
            let steps: Vec<f64> = (0..6000).map(f64::from).collect();
            let kept = thinned(&steps, &values, None, 20, Scale::Linear);
            prop_assert_eq!(kept.iter().filter(|&&i| values[i].is_nan()).count(), 1);
        }
    }

    #[test]
    fn a_higher_neighbour_hides_nothing_inside() {
        let steps: Vec<f64> = (0..2000).map(f64::from).collect();
        let mut values = vec![0.0; 2000];
        // Just before the window, first inside, last inside, just after it.
        (values[99], values[101], values[1898], values[1901]) = (9.0, 1.0, 1.0, 9.0);
        let kept = thinned(&steps, &values, Some((50.0, 950.0)), 40, Scale::Linear);
        assert!(kept.contains(&101) && kept.contains(&1898));
        assert_eq!((kept[0], kept[kept.len() - 1]), (99, 1901));
        // Between two points the line still crosses the window.
        let between = thinned(&steps, &values, Some((50.1, 50.4)), 40, Scale::Linear);
        assert_eq!(between, [100, 101]);
    }

    #[test]
    fn breaks_and_short_series_stay() {
        let x = [0.0, 1.0, 2.0];
        assert_eq!(
            thinned(&x, &[1.0, f64::NAN, 2.0], None, 1, Scale::Linear),
            [0, 1, 2]
        );
        assert!(thinned(&[], &[], None, 10, Scale::Log10).is_empty());
        assert!(thinned(&x, &x, Some((5.0, 6.0)), 10, Scale::Linear).len() <= 1);
        let x: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut y = vec![0.0; 10_000];
        y[5000] = f64::INFINITY;
        assert!(thinned(&x, &y, None, 100, Scale::Log10).contains(&5000));
    }

    #[test]
    fn one_spike_in_a_million_is_found_without_looking_at_them() {
        let n = 1_000_000;
        let mut y: Chunked<f64> = std::iter::repeat_n(0.0, n).collect();
        y[777_777] = 9.0;
        let mut extremes = Extremes::default();
        extremes.follow(&y);
        let steps: Chunked<f64> = (0..n).map(|i| i as f64).collect();
        let series = Series {
            steps: &steps,
            values: &y,
            extremes: &extremes,
        };
        let looked = std::cell::Cell::new(0usize);
        let time = |step: f64| {
            looked.set(looked.get() + 1);
            step
        };
        let kept = indices(series, time, None, 500, Scale::Linear);
        assert!(kept.contains(&777_777) && kept.len() <= 4 * 502);
        assert!(looked.get() < 50_000, "{}", looked.get());
    }
}
