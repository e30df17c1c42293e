//! Sections: what a plane shows along any straight line on it.

use std::sync::Arc;

use super::quantities::quantity_plane;
use super::{Precision, SliceSettings, Split};
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, ResultKind};
use crate::landscape::{
    Directions, GridAxis, Place, Slice1d, SliceQuantity, StraightLine, evaluate_slice1d,
};
use crate::math::Progress;
use crate::math::progress::Part;
use crate::train::{Setup, Snapshot};

/// Which section of which plane.
#[derive(Clone, Debug)]
pub struct SectionRequest {
    /// The parameters in the middle of the plane.
    pub centre: Arc<Snapshot>,
    /// The plane's directions.
    pub directions: Arc<Directions>,
    /// What is shown, on which samples, is that of the plane.
    pub slice: SliceSettings,
    /// α and β of the line's beginning and end.
    pub ends: [[f64; 2]; 2],
    /// Points on it, both ends among them.
    pub points: usize,
}

/// What a plane shows along a straight line from one of its places to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// α and β of the line's beginning and end.
    pub ends: [[f64; 2]; 2],
    /// Its length in the space of the parameters, ‖θ_B − θ_A‖.
    pub length: f64,
    /// What is shown.
    pub quantity: SliceQuantity,
    /// The values at shares of the way from 0 to 1 on the training set (a
    /// difference between both sets is here, too).
    pub training: Slice1d,
    /// The same on the validation set, where there is one and the quantity has a
    /// value on it alone.
    pub validation: Option<Slice1d>,
}

/// Measures a section, in single precision as slices are shown: where the line
/// meets a point of the plane's grid, both have the same value.
///
/// # Errors
/// [`JobError`].
pub fn section(
    setup: &Setup,
    request: &SectionRequest,
    progress: &dyn Progress,
) -> Result<Section, JobError> {
    let place = Place {
        centre: &request.centre.theta[..],
        directions: &request.directions,
    };
    let SectionRequest {
        slice,
        ends,
        points,
        ..
    } = request;
    section_in(setup, place, slice, *ends, *points, progress)
}

/// The same in double precision, on the plane of `directions` around any
/// parameters.
///
/// # Errors
/// [`JobError`].
pub fn section_double(
    setup: &Setup,
    place: Place<'_, f64>,
    slice: &SliceSettings,
    ends: [[f64; 2]; 2],
    points: usize,
    progress: &dyn Progress,
) -> Result<Section, JobError> {
    section_in(setup, place, slice, ends, points, progress)
}

fn section_in<T: Precision>(
    setup: &Setup,
    place: Place<'_, T>,
    slice: &SliceSettings,
    ends: [[f64; 2]; 2],
    points: usize,
    progress: &dyn Progress,
) -> Result<Section, JobError> {
    let [a, b] = ends;
    let axis = GridAxis::new(0.0, 1.0, points)?;
    let one_set = matches!(
        slice.quantity,
        SliceQuantity::Gap | SliceQuantity::SampleLoss { .. }
    );
    let both = setup.validation.is_some() && !one_set;
    let along = |split: Split, from: f64, to: f64| -> Result<Slice1d, JobError> {
        let settings = SliceSettings {
            split,
            ..slice.clone()
        };
        let (plane, _) = quantity_plane::<T>(setup, &settings, place, settings.samples)?;
        let line = StraightLine::between(a, b);
        let part = Part::new(progress, from, to);
        let found = evaluate_slice1d(&plane, &axis, line, &part, &mut |_| ())?;
        Ok(Arc::unwrap_or_clone(found))
    };
    let training = along(Split::Train, 0.0, if both { 0.5 } else { 1.0 })?;
    let validation = if both {
        Some(along(Split::Validation, 0.5, 1.0)?)
    } else {
        None
    };
    let [first, second] = place.directions.norms();
    let (x, y) = (first * (b[0] - a[0]), second * (b[1] - a[1]));
    let square = x * x + y * y + 2.0 * place.directions.cosine * x * y;
    Ok(Section {
        ends,
        length: square.max(0.0).sqrt(),
        quantity: slice.quantity.clone(),
        training,
        validation,
    })
}

/// A section as a job.
pub fn section_job(setup: Arc<Setup>, request: SectionRequest) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let found = section(&setup, &request, context)?;
        Ok(AnalysisResult {
            step: request.centre.step,
            kind: ResultKind::Section(Arc::new(found)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::trained;
    use super::super::{slice, slice_directions};
    use super::*;
    use crate::engine::SliceShape;
    use crate::math::vector;
    use crate::train::testing::recipe;

    fn request(points: usize, ends: [[f64; 2]; 2]) -> (crate::train::Run, SectionRequest) {
        let run = trained();
        let mut settings = SliceSettings::from_recipe(&recipe().slice);
        settings.grid = points;
        let centre = run.snapshot();
        let directions = slice_directions(run.setup(), &centre.theta, &[], &settings).unwrap();
        let request = SectionRequest {
            centre,
            directions,
            slice: settings,
            ends,
            points,
        };
        (run, request)
    }

    #[test]
    fn a_diagonal_section_has_the_values_of_the_plane() {
        let (run, mut asked) = request(9, [[0.0; 2]; 2]);
        let plane = slice(
            run.setup(),
            &asked.centre,
            &[],
            &asked.slice,
            &(),
            &mut |_| (),
        )
        .unwrap();
        let SliceShape::Plane(plane) = plane.shape else {
            panic!("no plane");
        };
        let (low, high) = (plane.alpha[0], plane.alpha[8]);
        asked.ends = [[low, low], [high, high]];
        let found = section(run.setup(), &asked, &()).unwrap();
        for k in 0..9 {
            let (on_line, on_plane) = (found.training.loss[k], plane.at(k, k).unwrap());
            assert!((on_line - on_plane).abs() <= 1e-5 * on_plane);
        }
        assert!(found.validation.is_some());
        // The same length as measured between the ends themselves.
        let end = |at: f64| {
            let theta = asked.directions.point(&asked.centre.theta[..], at, at);
            theta.unwrap()
        };
        let apart: Vec<f64> = end(high).iter().zip(end(low)).map(|(b, a)| b - a).collect();
        assert!((found.length - vector::norm(&apart)).abs() < 1e-4 * found.length);
    }

    #[test]
    fn what_both_sets_make_up_has_one_curve() {
        let (run, mut asked) = request(5, [[0.0, 0.0], [0.5, -0.2]]);
        asked.slice.quantity = SliceQuantity::Gap;
        let found = section(run.setup(), &asked, &()).unwrap();
        assert!(found.validation.is_none());
        asked.slice.quantity = SliceQuantity::Loss;
        let loss = section(run.setup(), &asked, &()).unwrap();
        let validation = loss.validation.unwrap();
        for k in 0..5 {
            let gap = validation.loss[k] - loss.training.loss[k];
            assert!((found.training.loss[k] - gap).abs() < 1e-6);
        }
    }
}
