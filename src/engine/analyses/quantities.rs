//! What a plane of a run shows.

use super::{Excerpt, Precision, SliceSettings, Split};
use crate::engine::job::JobError;
use crate::landscape::{Place, QuantityPlane, SliceQuantity};
use crate::train::Setup;

/// The quantity of these settings on a plane, on `samples` samples only where
/// there is a number: then also how many of how many.
pub(super) fn quantity_plane<T: Precision>(
    setup: &Setup,
    settings: &SliceSettings,
    place: Place<'_, T>,
    samples: Option<usize>,
) -> Result<(QuantityPlane<T>, Option<Excerpt>), JobError> {
    let split = settings.split;
    let (plane, excerpt) = match &settings.quantity {
        SliceQuantity::Loss => {
            let (objective, excerpt) = split.chosen(setup, None, samples)?;
            (QuantityPlane::loss(objective, place)?, excerpt)
        }
        SliceQuantity::Accuracy => {
            if !setup.is_classification() {
                return Err(JobError::Failed(
                    "an accuracy needs classes, and the targets are values".to_owned(),
                ));
            }
            let (objective, excerpt) = split.chosen(setup, None, samples)?;
            (QuantityPlane::accuracy(objective, place)?, excerpt)
        }
        SliceQuantity::ClassLoss { class } => {
            let members = members_of(setup, split, *class)?;
            let (objective, excerpt) = split.chosen(setup, Some(&members), samples)?;
            (QuantityPlane::loss(objective, place)?, excerpt)
        }
        SliceQuantity::SampleLoss { samples: chosen } => {
            let count = split.data(setup)?.len();
            if chosen.is_empty() {
                return Err(JobError::Failed(
                    "the loss of chosen samples needs at least one sample".to_owned(),
                ));
            }
            if let Some(wrong) = chosen.iter().find(|sample| **sample >= count) {
                return Err(JobError::Failed(format!(
                    "there is no sample {wrong}: the set has {count}, numbered from 0"
                )));
            }
            let (objective, excerpt) = split.chosen(setup, Some(chosen), samples)?;
            (QuantityPlane::loss(objective, place)?, excerpt)
        }
        SliceQuantity::GradientNorm => {
            let (objective, excerpt) = split.chosen(setup, None, samples)?;
            (QuantityPlane::gradient_norm(objective, place)?, excerpt)
        }
        SliceQuantity::Convexity => {
            let (objective, excerpt) = split.chosen::<f64>(setup, None, samples)?;
            (QuantityPlane::convexity(objective, place)?, excerpt)
        }
        SliceQuantity::Gap => {
            let (training, excerpt) = Split::Train.chosen(setup, None, samples)?;
            let (validation, _) = Split::Validation.chosen(setup, None, samples)?;
            (QuantityPlane::gap([training, validation], place)?, excerpt)
        }
    };
    Ok(match excerpt {
        Some(excerpt) => (plane.drawn_from(excerpt.population), Some(excerpt)),
        None => (plane, None),
    })
}

/// The numbers of a split's samples of a class.
fn members_of(setup: &Setup, split: Split, class: usize) -> Result<Vec<usize>, JobError> {
    let data = split.data(setup)?;
    let Some(labels) = data.labels() else {
        return Err(JobError::Failed(
            "the loss of a class needs classes, and the targets are values".to_owned(),
        ));
    };
    let names = data.class_names();
    let Some(name) = names.get(class) else {
        return Err(JobError::Failed(format!(
            "there is no class {class}: there are {}, numbered from 0",
            names.len()
        )));
    };
    let members: Vec<usize> = (0..labels.len())
        .filter(|index| labels[*index] as usize == class)
        .collect();
    if members.is_empty() {
        return Err(JobError::Failed(format!(
            "the set has no sample of the class {name}"
        )));
    }
    Ok(members)
}
