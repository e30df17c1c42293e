use super::*;
use crate::data::InputShape;
use crate::nn::checkpoint;

fn network() -> Network {
    let model = Component::new("sequential").with(
        "layers",
        vec!["conv 40 3x3", "relu", "layer-norm", "dense 300", "tanh"],
    );
    let image = InputShape::Image {
        channels: 20,
        height: 4,
        width: 4,
    };
    Network::build(&model, &image, 50).unwrap()
}

fn weights<'a>(network: &Network, theta: &'a [f64], name: &str) -> &'a [f64] {
    &theta[network.layout().get(name).unwrap().range.clone()]
}

#[test]
fn variances_are_those_of_the_papers() {
    let network = network();
    for (kind, numerator, both) in [
        ("lecun", 1.0, false),
        ("xavier", 2.0, true),
        ("he", 2.0, false),
    ] {
        for shape in ["normal", "uniform"] {
            let component = Component::new(&format!("{kind}_{shape}")).with("gain", 1.5);
            let theta = initialize_f64(&network, &component, 3, Path::new("")).unwrap();
            // (inputs, outputs) of a unit.
            for (name, fans) in [
                ("0.weight", (180.0, 360.0)),
                ("4.weight", (160.0, 300.0)),
                ("6.weight", (300.0, 50.0)),
            ] {
                let values = weights(&network, &theta, name);
                let expected = 2.25 * numerator / if both { fans.0 + fans.1 } else { fans.0 };
                let n = values.len() as f64;
                let mean = values.iter().sum::<f64>() / n;
                let variance = values.iter().map(|value| value * value).sum::<f64>() / n;
                // Four standard errors; a uniform distribution has fewer.
                assert!(
                    mean.abs() < 4.0 * (expected / n).sqrt(),
                    "{kind} {shape} {name}"
                );
                assert!(
                    (variance / expected - 1.0).abs() < 4.0 * (2.0 / n).sqrt(),
                    "{kind} {shape} {name}: {variance} {expected}"
                );
                if shape == "uniform" {
                    let bound = (3.0 * expected).sqrt();
                    assert!(values.iter().all(|value| value.abs() <= bound));
                }
            }
            for name in ["0.bias", "2.bias", "4.bias", "6.bias"] {
                assert!(
                    weights(&network, &theta, name)
                        .iter()
                        .all(|value| *value == 0.0)
                );
            }
            assert!(
                weights(&network, &theta, "2.weight")
                    .iter()
                    .all(|value| *value == 1.0)
            );
        }
    }
}

#[test]
fn orthogonal_matrices_are_orthogonal() {
    let network = network();
    let component = Component::new("orthogonal").with("gain", 2.0);
    let theta = initialize_f64(&network, &component, 3, Path::new("")).unwrap();
    for (name, rows, columns) in [
        ("0.weight", 40, 180),
        ("4.weight", 300, 160),
        ("6.weight", 50, 300),
    ] {
        let w = weights(&network, &theta, name);
        let dot = |i: usize, j: usize| -> f64 {
            if rows <= columns {
                (0..columns)
                    .map(|k| w[i * columns + k] * w[j * columns + k])
                    .sum()
            } else {
                (0..rows)
                    .map(|k| w[k * columns + i] * w[k * columns + j])
                    .sum()
            }
        };
        for i in 0..rows.min(columns) {
            for j in 0..=i {
                let expected = if i == j { 4.0 } else { 0.0 };
                assert!((dot(i, j) - expected).abs() < 1e-13, "{name} {i} {j}");
            }
        }
    }
}

#[test]
fn a_seed_repeats_and_another_differs() {
    let network = network();
    let component = Component::new("he_normal").with("gain", 1.0);
    let draw = |seed| initialize(&network, &component, seed, Path::new("")).unwrap();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let unknown = initialize(&network, &Component::new("zeros"), 0, Path::new(""));
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("expected one of xavier_normal")
    );
}

#[test]
fn parameters_come_from_a_file() {
    let network = network();
    let folder = tempfile::tempdir().unwrap();
    let theta: Vec<f64> = (0..network.layout().len()).map(|i| i as f64).collect();
    let path = folder.path().join("start.safetensors");
    checkpoint::save(&path, network.layout(), &theta, &[]).unwrap();
    let component = Component::new("file").with("path", "start.safetensors");
    let loaded = initialize_f64(&network, &component, 0, folder.path()).unwrap();
    assert_eq!(loaded, theta);
    let component = Component::new("file").with("path", "none.safetensors");
    let missing = initialize(&network, &component, 0, folder.path()).unwrap_err();
    assert!(missing.to_string().contains("none.safetensors"));
}
