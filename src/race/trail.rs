//! The points of a run on a plane, few enough to be kept and drawn.

/// Points kept at most, apart from the last.
const MOST: usize = 8192;

/// Where a run was after so many steps: every step at first, then every
/// second, every fourth and so on, so that there are never more than some
/// thousands. The first and the last point are always there.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    points: Vec<(u64, [f64; 2])>,
    stride: u64,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            stride: 1,
        }
    }
}

impl Trail {
    /// Adds the point of a later step than all before.
    pub fn push(&mut self, step: u64, at: [f64; 2]) {
        if let Some((last, _)) = self.points.last()
            && !last.is_multiple_of(self.stride)
        {
            self.points.pop();
        }
        self.points.push((step, at));
        if self.points.len() > MOST {
            self.stride *= 2;
            let stride = self.stride;
            self.points
                .retain(|(kept, _)| kept.is_multiple_of(stride) || *kept == step);
        }
    }

    /// The points by rising step.
    pub fn points(&self) -> &[(u64, [f64; 2])] {
        &self.points
    }

    /// The newest point at or before this step.
    pub fn at_or_before(&self, step: u64) -> Option<(u64, [f64; 2])> {
        let after = self.points.partition_point(|(kept, _)| *kept <= step);
        after
            .checked_sub(1)
            .and_then(|index| self.points.get(index))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trail_keeps_its_ends_and_thins_evenly() {
        let mut trail = Trail::default();
        for step in 0..=100_001 {
            trail.push(step, [step as f64, 0.0]);
            assert!(trail.points().len() <= MOST + 1);
        }
        let points = trail.points();
        assert_eq!(points[0].0, 0);
        assert_eq!(points[points.len() - 1].0, 100_001);
        assert!(points.len() > MOST / 2);
        for pair in points[..points.len() - 1].windows(2) {
            assert_eq!(pair[1].0 - pair[0].0, trail.stride);
        }
        assert_eq!(trail.at_or_before(17), Some((16, [16.0, 0.0])));
        assert_eq!(trail.at_or_before(200_000).unwrap().0, 100_001);
        assert_eq!(Trail::default().at_or_before(3), None);
    }
}
