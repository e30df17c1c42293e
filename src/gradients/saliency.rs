//! Which parts of an input speak for an output: |∂f_c/∂x| (Simonyan, Vedaldi
//! and Zisserman 2014).

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, InputShape};
use crate::diagnostics::decide;
use crate::objective::{Objective, Sensitivity};

/// The saliency of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaliencyMap {
    /// The sample's number in its data set.
    pub sample: usize,
    /// The input as the network sees it.
    pub input: Vec<f32>,
    /// |∂f_c/∂x| for each number of the input.
    pub saliency: Vec<f32>,
    /// c: the output that is explained.
    pub output: usize,
    /// All outputs of the network.
    pub outputs: Vec<f32>,
    /// The class that the network decides for, where there are classes.
    pub predicted: Option<u32>,
    /// The sample's own class, where there are classes.
    pub label: Option<u32>,
}

/// The saliency of several samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaliencyMaps {
    /// Channels, height and width of the inputs; a vector has one row.
    pub shape: [usize; 3],
    /// One for each sample.
    pub samples: Vec<SaliencyMap>,
}

/// The saliency of the chosen samples of a data set. `output` names the output
/// to explain; nothing means, for each sample, the one that the network decides
/// for (its only one, where it has one). Numbers that the data set does not
/// have are left out.
pub fn saliency(
    objective: &Objective<f32>,
    theta: &[f32],
    data: &Dataset,
    samples: &[usize],
    output: Option<usize>,
) -> SaliencyMaps {
    let samples: Vec<usize> = samples
        .iter()
        .copied()
        .filter(|s| *s < data.len())
        .collect();
    let inputs: Vec<f32> = samples
        .iter()
        .flat_map(|sample| data.input(*sample))
        .map(|value| *value as f32)
        .collect();
    let mut workspace = objective.workspace();
    let outputs = objective.predict(theta, &inputs, &mut workspace);
    let width = outputs.len() / samples.len().max(1);
    let length = data.shape.len();
    let labels = data.labels();
    let decided: Vec<Option<u32>> = (0..samples.len())
        .map(|index| labels.map(|_| decide(&outputs[index * width..(index + 1) * width])))
        .collect();
    let explained: Vec<usize> = decided
        .iter()
        .map(|decided| output.unwrap_or_else(|| decided.map_or(0, |class| class as usize)))
        .map(|output| output.min(width.saturating_sub(1)))
        .collect();
    let which = Sensitivity::Output(&explained);
    let derivatives = objective.input_gradient(theta, &inputs, which, &mut workspace);
    let maps = samples.iter().enumerate().map(|(index, sample)| {
        let part = index * length..(index + 1) * length;
        SaliencyMap {
            sample: *sample,
            saliency: derivatives[part.clone()].iter().map(|d| d.abs()).collect(),
            input: inputs[part].to_vec(),
            output: explained[index],
            outputs: outputs[index * width..(index + 1) * width].to_vec(),
            predicted: decided[index],
            label: labels.and_then(|labels| labels.get(*sample).copied()),
        }
    });
    SaliencyMaps {
        samples: maps.collect(),
        shape: match data.shape {
            InputShape::Vector(length) => [1, 1, length],
            InputShape::Image {
                channels,
                height,
                width,
            } => [channels, height, width],
        },
    }
}

/// The first samples of a data set, going round its classes, so that few samples
/// show many classes.
pub fn choose_samples(data: &Dataset, count: usize) -> Vec<usize> {
    let Some(labels) = data.labels() else {
        return (0..data.len().min(count)).collect();
    };
    let mut queues: Vec<Vec<usize>> = vec![Vec::new(); data.outputs()];
    for (sample, label) in labels.iter().enumerate() {
        if let Some(queue) = queues.get_mut(*label as usize) {
            queue.push(sample);
        }
    }
    let longest = queues.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|round| queues.iter().filter_map(move |queue| queue.get(round)))
        .copied()
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::recipe::Component;
    use crate::train::Setup;
    use crate::train::testing::recipe;

    #[test]
    fn few_samples_show_many_classes() {
        let mut digits = recipe();
        digits.data = crate::data::section().component("digits").unwrap();
        let setup = Setup::new(digits.into(), Path::new(".")).unwrap();
        let data = &setup.data.train;
        let chosen = choose_samples(data, 10);
        let labels: Vec<u32> = chosen.iter().map(|s| data.labels().unwrap()[*s]).collect();
        assert_eq!(labels, (0..10).collect::<Vec<_>>());
        assert_eq!(choose_samples(data, usize::MAX).len(), data.len());
    }

    #[test]
    fn the_saliency_of_a_linear_network_is_its_weights() {
        let mut linear = recipe();
        linear.model.set("hidden", Vec::<i64>::new());
        let setup = Setup::new(linear.into(), Path::new(".")).unwrap();
        let theta = &setup.initial.theta;
        let data = &setup.data.train;
        let maps = saliency(&setup.training, theta, data, &[3, 0, usize::MAX], Some(1));
        assert_eq!(maps.shape, [1, 1, 2]);
        assert_eq!(maps.samples.len(), 2);
        for map in &maps.samples {
            // Row 1 of the 2×2 weight matrix.
            assert_eq!(map.saliency, [theta[2].abs(), theta[3].abs()]);
            assert_eq!(map.output, 1);
            assert_eq!(map.predicted, Some(decide(&map.outputs)));
            assert!(map.label.is_some());
        }
    }

    #[test]
    fn differences_agree_and_the_decided_output_is_explained() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let (objective, theta) = (&setup.training, &setup.initial.theta);
        let maps = saliency(objective, theta, &setup.data.train, &[5], None);
        let map = &maps.samples[0];
        assert_eq!(Some(map.output as u32), map.predicted);
        let output =
            |input: &[f32]| objective.predict(theta, input, &mut objective.workspace())[map.output];
        for index in 0..2 {
            let (mut up, mut down) = (map.input.clone(), map.input.clone());
            up[index] += 1e-2;
            down[index] -= 1e-2;
            let slope = ((output(&up) - output(&down)) / 2e-2).abs();
            assert!((slope - map.saliency[index]).abs() < 1e-3);
        }
    }

    #[test]
    fn values_have_no_classes() {
        let mut curve = recipe();
        curve.data = crate::data::section().component("function").unwrap();
        curve.loss = Component::new("mean_squared_error").with("half", false);
        let setup = Setup::new(curve.into(), Path::new(".")).unwrap();
        let data = &setup.data.train;
        let samples = choose_samples(data, 2);
        let maps = saliency(&setup.training, &setup.initial.theta, data, &samples, None);
        assert_eq!(
            (maps.samples[1].predicted, maps.samples[1].output),
            (None, 0)
        );
    }
}
