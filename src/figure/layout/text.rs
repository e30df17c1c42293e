//! Rectangles and placed text.

use crate::figure::fonts::{ASCENT, CAP_HEIGHT, DESCENT, Weight, width};

/// A rectangle in pixels, y pointing down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// A rectangle by its upper left corner and size.
    pub fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The middle.
    pub fn center(&self) -> [f64; 2] {
        [self.x + self.width / 2.0, self.y + self.height / 2.0]
    }

    /// Whether a point lies inside.
    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        x >= self.x && x <= self.right() && y >= self.y && y <= self.bottom()
    }

    /// Whether another rectangle lies inside, up to a hundredth of a pixel.
    pub fn holds(&self, other: &Self) -> bool {
        const SLACK: f64 = 0.01;
        other.x >= self.x - SLACK
            && other.right() <= self.right() + SLACK
            && other.y >= self.y - SLACK
            && other.bottom() <= self.bottom() + SLACK
    }

    /// Whether two rectangles share more than an edge.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// The rectangle without a strip at its top.
    pub(super) fn cut_top(self, height: f64) -> Self {
        Self::new(
            self.x,
            self.y + height,
            self.width,
            (self.height - height).max(1.0),
        )
    }

    /// The rectangle grown by a distance on all sides.
    pub fn grown(self, by: f64) -> Self {
        Self::new(
            self.x - by,
            self.y - by,
            self.width + 2.0 * by,
            self.height + 2.0 * by,
        )
    }
}

/// Which end of a text is at its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Its beginning.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A line of text with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct TextBox {
    /// What is written.
    pub text: String,
    /// Position along the baseline.
    pub x: f64,
    /// Position of the baseline.
    pub y: f64,
    /// Text size in pixels.
    pub size: f64,
    /// Weight.
    pub weight: Weight,
    /// Which end of the text is at (x, y).
    pub align: Align,
    /// Rotation about (x, y) in degrees, clockwise.
    pub angle: f64,
    /// Colour.
    pub color: [u8; 4],
    /// Colour of an outline behind the letters.
    pub halo: Option<[u8; 4]>,
}

impl TextBox {
    /// A text at the origin, to be completed.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            x: 0.0,
            y: 0.0,
            size: 12.0,
            weight: Weight::Regular,
            align: Align::Start,
            angle: 0.0,
            color: [0, 0, 0, 255],
            halo: None,
        }
    }

    /// Width along the baseline.
    pub fn width(&self) -> f64 {
        width(&self.text, self.size, self.weight)
    }

    /// Whether a point lies under the text or within `margin` of it.
    pub fn covers(&self, [x, y]: [f64; 2], margin: f64) -> bool {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (dx, dy) = (x - self.x, y - self.y);
        let (along, down) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let along = along - self.start();
        along >= -margin
            && along <= self.width() + margin
            && down >= -CAP_HEIGHT * self.size - margin
            && down <= margin
    }

    /// Where the text begins along the baseline, from its position.
    fn start(&self) -> f64 {
        match self.align {
            Align::Start => 0.0,
            Align::Middle => -self.width() / 2.0,
            Align::End => -self.width(),
        }
    }

    /// The smallest upright rectangle around the text, turned as it is.
    pub fn bounds(&self) -> Rect {
        let start = self.start();
        // What labels use of the line: capitals, brackets and descenders.
        let (top, bottom) = (-0.8 * ASCENT * self.size, 0.85 * DESCENT * self.size);
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let corners = [
            (start, top),
            (start + self.width(), top),
            (start, bottom),
            (start + self.width(), bottom),
        ]
        .map(|(x, y)| (self.x + x * cos - y * sin, self.y + x * sin + y * cos));
        let (mut low, mut high) = (corners[0], corners[0]);
        for (x, y) in corners {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        Rect::new(low.0, low.1, high.0 - low.0, high.1 - low.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_text_has_turned_bounds() {
        let flat = TextBox {
            align: Align::Middle,
            ..TextBox::plain("training loss")
        };
        let upright = TextBox {
            angle: -90.0,
            ..flat.clone()
        };
        let (a, b) = (flat.bounds(), upright.bounds());
        assert!((a.width - b.height).abs() < 1e-9);
        assert!((a.height - b.width).abs() < 1e-9);
        // Reading upwards, the letters' tops point left.
        assert!(b.x < -6.0 && b.right() < 4.0);
        assert!(upright.covers([-4.0, 0.4 * upright.width()], 0.0));
        assert!(!upright.covers([4.0, 0.0], 2.0));
    }
}
