use super::*;

fn names(network: &Network) -> Vec<(&str, &[usize])> {
    network
        .layout()
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice()))
        .collect()
}

fn mlp() -> Component {
    Component::new("mlp")
        .with("hidden", vec![4i64, 4])
        .with("activation", "relu")
        .with("bias", true)
        .with("residual", false)
        .with("layer_norm", false)
}

#[test]
fn an_mlp_has_the_names_of_a_sequential() {
    let network = Network::build(&mlp(), &InputShape::Vector(2), 3).unwrap();
    assert_eq!(
        names(&network),
        [
            ("0.weight", &[4, 2][..]),
            ("0.bias", &[4]),
            ("2.weight", &[4, 4]),
            ("2.bias", &[4]),
            ("4.weight", &[3, 4]),
            ("4.bias", &[3]),
        ]
    );
    assert_eq!(network.outputs(), 3);
    assert_eq!(
        network.describe(),
        "2 features – dense 4 – relu – dense 4 – relu – dense 3; 47 parameters"
    );
}

#[test]
fn layer_norm_residual_and_bias_are_options() {
    let model = mlp()
        .with("layer_norm", true)
        .with("residual", true)
        .with("bias", false);
    let image = InputShape::Image {
        channels: 1,
        height: 2,
        width: 1,
    };
    let network = Network::build(&model, &image, 1).unwrap();
    assert_eq!(
        names(&network),
        [
            ("0.weight", &[4, 2][..]),
            ("1.weight", &[4]),
            ("1.bias", &[4]),
            ("3.weight", &[4, 4]),
            ("4.weight", &[4]),
            ("4.bias", &[4]),
            ("6.weight", &[1, 4]),
        ]
    );
    let adds = network
        .operations()
        .iter()
        .filter(|operation| matches!(operation.operator, super::super::Operator::Add(_)));
    assert_eq!(adds.count(), 1);
}

#[test]
fn a_cnn_has_the_names_of_a_sequential() {
    let layers = [
        "conv 3 3x3",
        "gelu",
        "max-pool 2",
        "conv 4 2x2",
        "tanh",
        "flatten",
    ];
    let model = Component::new("cnn").with("layers", layers.to_vec());
    let image = InputShape::Image {
        channels: 1,
        height: 8,
        width: 8,
    };
    let network = Network::build(&model, &image, 4).unwrap();
    assert_eq!(
        names(&network),
        [
            ("0.weight", &[3, 1, 3, 3][..]),
            ("0.bias", &[3]),
            ("3.weight", &[4, 3, 2, 2]),
            ("3.bias", &[4]),
            ("6.weight", &[4, 16]),
            ("6.bias", &[4]),
        ]
    );
    // The flattening before a dense layer counts as a module anyway.
    let model = Component::new("cnn").with("layers", layers[..5].to_vec());
    let same = Network::build(&model, &image, 4).unwrap();
    assert_eq!(names(&same), names(&network));
}

#[test]
fn a_list_of_layers_mixes_activations() {
    let layers = vec!["dense 10", "tanh", "dense 8", "relu"];
    let model = Component::new("sequential").with("layers", layers);
    let network = Network::build(&model, &InputShape::Vector(2), 3).unwrap();
    assert_eq!(network.layout().len(), 145);
    assert_eq!(network.layout().tensors[4].name, "4.weight");
}

#[test]
fn strides_and_paddings_give_the_right_sizes() {
    let layers = vec!["conv 2 3x5 pad 2 stride 2", "avg-pool 2", "layer-norm"];
    let model = Component::new("cnn").with("layers", layers);
    let image = InputShape::Image {
        channels: 3,
        height: 9,
        width: 8,
    };
    let network = Network::build(&model, &image, 2).unwrap();
    // (9+4−3)/2+1 = 6, (8+4−5)/2+1 = 4.
    assert_eq!(
        *network.shape(1),
        InputShape::Image {
            channels: 2,
            height: 6,
            width: 4
        }
    );
    assert_eq!(network.layout().get("2.weight").unwrap().shape, [2, 3, 2]);
    assert_eq!(network.layout().get("4.weight").unwrap().shape, [2, 12]);
}

#[test]
fn errors_name_the_entry_and_what_was_expected() {
    let image = InputShape::Image {
        channels: 1,
        height: 8,
        width: 8,
    };
    let message = |layers: Vec<&str>, input: &InputShape| {
        let model = Component::new("sequential").with("layers", layers);
        Network::build(&model, input, 2).unwrap_err().to_string()
    };
    let unknown = message(vec!["relu", "pool 2"], &image);
    assert!(unknown.starts_with("layers[1] = \"pool 2\": expected conv, max-pool"));
    for bad in [
        "conv",
        "conv 3",
        "conv 3 3",
        "conv 3 3x",
        "conv 3 3x3 pad",
        "conv 3 3x3 by 2",
    ] {
        assert!(
            message(vec![bad], &image).contains("\"conv CHANNELS HEIGHTxWIDTH\""),
            "{bad}"
        );
    }
    assert!(message(vec!["conv 0 3x3"], &image).contains("out of range"));
    assert!(message(vec!["conv 3 9x9"], &image).contains("9×9 kernel does not fit on a 8×8"));
    assert!(message(vec!["conv 3 3x3 pad 3"], &image).contains("beyond the 3×3 kernel"));
    assert!(message(vec!["max-pool 9"], &image).contains("does not fit"));
    assert!(message(vec!["dense"], &image).contains("\"dense UNITS\""));
    assert!(message(vec!["relu 3"], &image).contains("expected \"relu\" alone"));
    assert!(message(vec!["conv 3 3x3"], &InputShape::Vector(5)).contains("needs images"));

    let cnn = Component::new("cnn").with("layers", vec!["relu"]);
    let vectors = Network::build(&cnn, &InputShape::Vector(2), 2).unwrap_err();
    assert!(vectors.to_string().contains("vectors of 2 numbers"));
    let model = mlp().with("activation", "swish");
    let unknown = Network::build(&model, &InputShape::Vector(2), 2).unwrap_err();
    assert!(unknown.to_string().contains("expected one of tanh, relu"));
    let model = Component::new("transformer");
    let unknown = Network::build(&model, &InputShape::Vector(2), 2).unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("expected one of mlp, cnn, sequential")
    );
}
