use super::*;
use crate::data::InputShape;
use crate::nn::losses;
use crate::objective::Objective;
use crate::recipe::Component;
use crate::{data::Targets, nn::oracle};

fn graph(layers: &[&str], shape: InputShape) -> (Graph, Vec<f32>) {
    let model = Component::new("sequential").with("layers", layers.to_vec());
    let network = Arc::new(Network::build(&model, &shape, 3).unwrap());
    let theta: Vec<f32> = oracle::theta(&network, 0.2)
        .into_iter()
        .map(|value| value as f32)
        .collect();
    let loss = losses::build(&Component::new("cross_entropy")).unwrap();
    (Graph::new(network, loss, &theta).unwrap(), theta)
}

const LAYERS: [&str; 5] = [
    "conv 3 3x3 pad 1",
    "gelu",
    "max-pool 2",
    "layer-norm",
    "dense 5",
];

fn image(channels: usize) -> InputShape {
    InputShape::Image {
        channels,
        height: 6,
        width: 5,
    }
}

/// A batch with these inputs and classes 0, 1, 2, 0, ….
fn batch(shape: InputShape, samples: usize) -> (Vec<f32>, BatchTargets, crate::data::Dataset) {
    let data = oracle::data(shape, samples, 3, false);
    let Targets::Classes { labels, .. } = &data.targets else {
        panic!()
    };
    let inputs = data.inputs.iter().map(|x| *x as f32).collect();
    (inputs, BatchTargets::Classes(labels.clone()), data)
}

#[test]
fn the_gradient_is_the_objective_s_whatever_the_batch() {
    for (layers, shape) in [
        (&LAYERS[..], image(2)),
        (&["dense 7", "tanh"][..], InputShape::Vector(30)),
        (&["dense 7", "tanh"][..], InputShape::Vector(3)),
        (&["tanh", "dense 7"][..], InputShape::Vector(40)),
    ] {
        let (mut graph, mut theta) = graph(layers, shape);
        for samples in [5, 1, 33, 5] {
            let (inputs, targets, data) = batch(shape, samples);
            let loss = losses::build(&Component::new("cross_entropy")).unwrap();
            let network = Arc::clone(graph.network());
            let objective = Objective::<f32>::new(network, loss, &data).unwrap();
            let mut expected = vec![0.0; theta.len()];
            let value = objective.gradient(&theta, &mut objective.workspace(), &mut expected);
            let mut gradient = vec![f32::NAN; theta.len()];
            graph.set_parameters(&theta).unwrap();
            let found = graph
                .loss_and_gradient(&inputs, &targets, &mut gradient)
                .unwrap();
            assert!((found - value).abs() < 1e-6);
            for (found, expected) in gradient.iter().zip(&expected) {
                assert!((found - expected).abs() < 2e-6, "{found} {expected}");
            }
            // Every tensor receives a gradient.
            for tensor in graph.network().layout().iter() {
                let part = &gradient[tensor.range.clone()];
                assert!(part.iter().any(|g| *g != 0.0), "{}", tensor.name);
            }
            for (theta, gradient) in theta.iter_mut().zip(&gradient) {
                *theta -= 0.05 * gradient;
            }
        }
    }
}

#[test]
fn a_run_repeats_bit_for_bit() {
    let run = || {
        let (mut graph, mut theta) = graph(&LAYERS, image(1));
        let (inputs, targets, _) = batch(image(1), 12);
        let mut gradient = vec![0.0; theta.len()];
        let losses: Vec<f64> = (0..30)
            .map(|_| {
                graph.set_parameters(&theta).unwrap();
                let loss = graph
                    .loss_and_gradient(&inputs, &targets, &mut gradient)
                    .unwrap();
                for (theta, gradient) in theta.iter_mut().zip(&gradient) {
                    *theta -= 0.1 * gradient;
                }
                loss
            })
            .collect();
        (losses, theta)
    };
    let first = run();
    assert!(first.0[29] < first.0[0]);
    assert_eq!(first, run());
}

#[test]
fn what_does_not_fit_is_refused() {
    let (mut graph, theta) = graph(&["dense 7", "tanh"], InputShape::Vector(4));
    let mut gradient = vec![0.0; theta.len()];
    let (inputs, targets, _) = batch(InputShape::Vector(4), 5);
    let error = graph.set_parameters(&theta[1..]).unwrap_err().to_string();
    assert!(
        error.starts_with("parameters: 58 numbers, expected 59"),
        "{error}"
    );
    let error = graph.loss_and_gradient(&inputs[1..], &targets, &mut gradient);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("19 numbers, expected 20")
    );
    let error = graph.loss_and_gradient(&inputs, &targets, &mut gradient[1..]);
    assert!(error.unwrap_err().to_string().starts_with("gradient"));
    let wrong = BatchTargets::Classes(vec![0, 1, 3, 0, 1]);
    let error = graph.loss_and_gradient(&inputs, &wrong, &mut gradient);
    assert!(error.unwrap_err().to_string().contains("class 3"));
    let values = BatchTargets::Values(vec![0.0; 14]);
    let error = graph.loss_and_gradient(&inputs, &values, &mut gradient);
    assert!(error.is_err());
    let none = BatchTargets::Classes(Vec::new());
    let error = graph.loss_and_gradient(&[], &none, &mut gradient);
    assert!(matches!(error, Err(GraphError::Empty)));
    // Nothing is left behind.
    assert!(
        graph
            .loss_and_gradient(&inputs, &targets, &mut gradient)
            .is_ok()
    );
}

#[test]
fn a_loss_that_is_no_number_comes_back_as_such() {
    let (mut graph, theta) = graph(&["dense 7", "relu"], InputShape::Vector(4));
    graph.set_parameters(&vec![f32::NAN; theta.len()]).unwrap();
    let (inputs, targets, _) = batch(InputShape::Vector(4), 5);
    let mut gradient = vec![0.0; theta.len()];
    let loss = graph
        .loss_and_gradient(&inputs, &targets, &mut gradient)
        .unwrap();
    assert!(loss.is_nan());
}
