//! Refusals word for word, reading and writing, comparing.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::words::nearest;
use super::*;

static SPIRALS: Kind = Kind {
    key: "spirals",
    title: "Spirals",
    help: "Arms.",
    fields: &[
        Field::integer("samples", "Samples", "How many.", 300, 2, 1_000_000),
        Field::float("noise", "Noise", "How much.", 0.02, 0.0, 10.0),
    ],
};

static TABLE: Kind = Kind {
    key: "csv",
    title: "Table",
    help: "A file.",
    fields: &[
        Field::path("path", "File", "Which."),
        Field::text("target", "Target", "Which column.", ""),
    ],
};

const DATA_COMMON: &[Field] = &[
    Field::float("validation_fraction", "Validation", "Share.", 0.2, 0.0, 1.0).below_max(),
    Field::boolean("standardize", "Standardize", "Whether.", false),
];

static MLP: Kind = Kind {
    key: "mlp",
    title: "MLP",
    help: "Dense layers.",
    fields: &[
        Field::integer_list("hidden", "Hidden", "Widths.", &[32, 32], 1, 4096),
        Field::choice(
            "activation",
            "Activation",
            "Which.",
            "tanh",
            &[
                Choice {
                    key: "tanh",
                    label: "tanh",
                    help: "S-shaped.",
                },
                Choice {
                    key: "relu",
                    label: "ReLU",
                    help: "Bent.",
                },
            ],
        ),
    ],
};

static CNN: Kind = Kind {
    key: "cnn",
    title: "CNN",
    help: "Convolutions.",
    fields: &[Field::text_list(
        "layers",
        "Layers",
        "One after the other.",
        &["conv 8 3x3"],
    )],
};

static XAVIER: Kind = Kind {
    key: "xavier_normal",
    title: "Xavier",
    help: "Glorot.",
    fields: &[Field::float("gain", "Gain", "Factor.", 1.0, 0.0, 100.0).above_min()],
};

static CROSS_ENTROPY: Kind = Kind {
    key: "cross_entropy",
    title: "Cross-entropy",
    help: "For classes.",
    fields: &[],
};

static SQUARED: Kind = Kind {
    key: "mean_squared_error",
    title: "Mean squared error",
    help: "For numbers.",
    fields: &[Field::boolean("half", "Half", "Whether.", false)],
};

const fn learning_rate(default: f64) -> Field {
    Field::float("learning_rate", "η", "Step.", default, 0.0, 10.0)
        .above_min()
        .logarithmic()
        .live()
}

static SGD: Kind = Kind {
    key: "sgd",
    title: "SGD",
    help: "Plain.",
    fields: &[learning_rate(0.1)],
};

static ADAM: Kind = Kind {
    key: "adam",
    title: "Adam",
    help: "Adaptive.",
    fields: &[
        learning_rate(0.001),
        Field::float("beta1", "β₁", "Memory.", 0.9, 0.0, 1.0).below_max(),
    ],
};

const OPTIMIZER_COMMON: &[Field] =
    &[Field::float("clip_norm", "Clip", "0 never.", 0.0, 0.0, 1e9).live()];

static CONSTANT: Kind = Kind {
    key: "constant",
    title: "Constant",
    help: "Always.",
    fields: &[],
};

fn section(
    key: &'static str,
    kinds: Vec<&'static Kind>,
    common: &'static [Field],
    default_kind: Option<&'static str>,
) -> Section {
    Section {
        key,
        title: key,
        help: key,
        kinds,
        common,
        default_kind,
        restarts: true,
        check: None,
    }
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let mut sections = vec![
        section("data", vec![&SPIRALS, &TABLE], DATA_COMMON, None),
        section("model", vec![&MLP, &CNN], &[], None),
        section("initialization", vec![&XAVIER], &[], Some("xavier_normal")),
        section("loss", vec![&CROSS_ENTROPY, &SQUARED], &[], None),
        section("optimizer", vec![&SGD, &ADAM], OPTIMIZER_COMMON, None),
        section("schedule", vec![&CONSTANT], &[], Some("constant")),
        training_section(),
    ];
    sections.extend(analysis_sections());
    Schema { sections }
});

const GOOD: &str = r#"name = "Two spirals"
seed = 7

[data]
kind = "spirals"
noise = 0

[model]
kind = "mlp"
hidden = [16, 8]

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.01

[training]
batch_size = 32

[analyses.slice]
grid = 33
"#;

fn parse(text: &str) -> Result<Recipe, RecipeError> {
    Recipe::parse(text, "spirals.toml", &SCHEMA)
}

fn good() -> Recipe {
    parse(GOOD).unwrap()
}

/// The refusal of the good recipe after replacing one piece of it.
#[track_caller]
fn refusal(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from} is not in the recipe");
    parse(&GOOD.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn the_schema_is_sound() {
    assert_eq!(SCHEMA.faults(), Vec::<String>::new());
}

#[test]
fn a_faulty_schema_says_so() {
    static WRONG: Kind = Kind {
        key: "wrong",
        title: "Wrong",
        help: "",
        fields: &[
            Field::integer("Size", "Size", "How large.", 5, 10, 20),
            Field::boolean("clip_norm", "Clip", "Whether.", true),
        ],
    };
    let schema = Schema {
        sections: vec![
            section("data", vec![&WRONG, &WRONG], OPTIMIZER_COMMON, Some("none")),
            section("date", vec![&SGD], &[], None),
        ],
    };
    let faults = schema.faults().join("\n");
    for part in [
        "no recipe has a section date",
        "default kind none of data does not exist",
        "kind data.wrong is there twice",
        "kind data.wrong lacks a title or help",
        "key data.wrong.Size is not in snake case",
        "default 5 of data.wrong.Size is not a whole number from 10 to 20",
        "key data.wrong.clip_norm is there twice",
    ] {
        assert!(faults.contains(part), "{part} is missing in:\n{faults}");
    }
}

#[test]
fn a_good_recipe_is_complete() {
    let recipe = good();
    assert_eq!(recipe.name, "Two spirals");
    assert_eq!(recipe.seed, 7);
    assert_eq!(recipe.data.kind, "spirals");
    assert_eq!(recipe.data.count("samples"), 300);
    assert_eq!(
        recipe.data.get("noise"),
        Some(&Value::Float(0.0)),
        "a whole number becomes a float where a float is meant"
    );
    assert_eq!(recipe.model.integers("hidden"), [16, 8]);
    assert_eq!(recipe.model.text("activation"), "tanh");
    assert_eq!(recipe.initialization.kind, "xavier_normal");
    assert_eq!(recipe.optimizer.float("learning_rate"), 0.01);
    assert_eq!(recipe.optimizer.float("clip_norm"), 0.0);
    assert_eq!(recipe.training.integer("batch_size"), 32);
    assert_eq!(recipe.slice.integer("grid"), 33);
    assert_eq!(recipe.slice.text("normalization"), "filter");
    assert_eq!(recipe.spectrum.integer("top"), 3);
    assert_eq!(recipe.validate(&SCHEMA), []);
}

#[test]
fn a_recipe_without_a_name_is_called_like_its_file() {
    let recipe = parse(&GOOD.replace("name = \"Two spirals\"\n", "")).unwrap();
    assert_eq!(recipe.name, "spirals");
}

#[test]
fn keys_that_are_not_known() {
    assert_eq!(
        refusal("learning_rate", "learning_rte"),
        "spirals.toml, line 17: optimizer.learning_rte is not a key of adam; did you mean \
         learning_rate?"
    );
    assert_eq!(
        refusal("noise = 0", "beta1 = 0"),
        "spirals.toml, line 6: data.beta1 is not a key of spirals; expected samples, noise, \
         validation_fraction or standardize"
    );
    assert_eq!(
        refusal(
            "kind = \"cross_entropy\"",
            "kind = \"cross_entropy\"\nhalf = true"
        ),
        "spirals.toml, line 14: loss.half is not a key of cross_entropy; it belongs to \
         mean_squared_error"
    );
    assert_eq!(
        refusal(
            "kind = \"cross_entropy\"",
            "kind = \"cross_entropy\"\nfoo = 1"
        ),
        "spirals.toml, line 14: loss.foo is not a key of cross_entropy, which has no keys"
    );
    assert_eq!(
        refusal("batch_size", "kind"),
        "spirals.toml, line 20: training.kind is not a key of [training]; expected batch_size, \
         steps, validation_every, snapshot_memory_mb or steps_per_second"
    );
    assert_eq!(
        refusal("seed", "sed"),
        "spirals.toml, line 2: sed is not a key or section of a recipe; did you mean seed?"
    );
}

#[test]
fn sections_that_are_not_known_or_missing() {
    assert_eq!(
        refusal("[optimizer]", "[optimiser]"),
        "spirals.toml, line 15: optimiser is not a key or section of a recipe; did you mean \
         optimizer?"
    );
    assert_eq!(
        refusal("[analyses.slice]", "[analyses.slize]"),
        "spirals.toml, line 22: analyses.slize is not a key or section of a recipe; did you mean \
         analyses.slice?"
    );
    assert_eq!(
        refusal("[analyses.slice]", "[slice]"),
        "spirals.toml, line 22: slice is not a key or section of a recipe; did you mean \
         analyses.slice?"
    );
    assert_eq!(
        refusal("[loss]\nkind = \"cross_entropy\"\n", ""),
        "spirals.toml: [loss] is missing, expected this section with kind = cross_entropy or \
         mean_squared_error"
    );
    let zebra = refusal("[training]", "[zebra]");
    assert!(
        zebra.starts_with(
            "spirals.toml, line 19: zebra is not a key or section of a recipe; expected name, \
             description, look_at, seed, data, model"
        ),
        "{zebra}"
    );
    assert_eq!(
        refusal("seed = 7\n", "seed = 7\nanalyses = 3\n"),
        "spirals.toml, line 23: this is not valid TOML: cannot extend value of type integer with \
         a dotted key"
    );
    let text = GOOD.replace("[analyses.slice]\ngrid = 33\n", "");
    assert_eq!(
        parse(&text.replace("seed = 7", "analyses = 3"))
            .unwrap_err()
            .to_string(),
        "spirals.toml, line 2: analyses is 3, expected tables like [analyses.slice]"
    );
    assert_eq!(
        parse(
            &text
                .replace("[training]\nbatch_size = 32", "")
                .replace("seed = 7", "training = 3")
        )
        .unwrap_err()
        .to_string(),
        "spirals.toml, line 2: training is 3, expected a section [training]"
    );
    assert_eq!(
        refusal("[training]", "[[training]]"),
        "spirals.toml, line 19: training is a list with other things than values, expected a \
         section [training]"
    );
}

#[test]
fn kinds_that_are_missing_or_not_known() {
    assert_eq!(
        refusal("kind = \"adam\"\n", ""),
        "spirals.toml, line 15: optimizer.kind is missing, expected sgd or adam"
    );
    assert_eq!(
        refusal("\"adam\"", "\"adamm\""),
        "spirals.toml, line 16: optimizer.kind is \"adamm\", which is not known; did you mean \
         adam? It can be sgd or adam"
    );
    assert_eq!(
        refusal("\"adam\"", "\"lion\""),
        "spirals.toml, line 16: optimizer.kind is \"lion\", which is not known; expected sgd or \
         adam"
    );
    assert_eq!(
        refusal("\"adam\"", "3"),
        "spirals.toml, line 16: optimizer.kind is 3, expected sgd or adam"
    );
}

#[test]
fn keys_given_twice() {
    assert_eq!(
        refusal(
            "learning_rate = 0.01",
            "learning_rate = 0.01\nlearning_rate = 0.1"
        ),
        "spirals.toml, line 18: learning_rate is given twice, expected once"
    );
    assert_eq!(
        refusal("[training]", "[optimizer]"),
        "spirals.toml, line 19: optimizer is given twice, expected once"
    );
}

#[test]
fn values_of_a_wrong_type() {
    assert_eq!(
        refusal("0.01", "\"fast\""),
        "spirals.toml, line 17: optimizer.learning_rate is \"fast\", expected a number above 0 \
         and at most 10"
    );
    assert_eq!(
        refusal("batch_size = 32", "batch_size = 32.0"),
        "spirals.toml, line 20: training.batch_size is 32.0, expected a whole number from 0 to \
         1000000 (0: full batch)"
    );
    assert_eq!(
        refusal("[16, 8]", "[16, 8.5]"),
        "spirals.toml, line 10: model.hidden is [16, 8.5], expected a list of whole numbers from \
         1 to 4096"
    );
    assert_eq!(
        refusal("[16, 8]", "16"),
        "spirals.toml, line 10: model.hidden is 16, expected a list of whole numbers from 1 to \
         4096"
    );
    assert_eq!(
        refusal("noise = 0", "standardize = 1"),
        "spirals.toml, line 6: data.standardize is 1, expected true or false"
    );
    assert_eq!(
        refusal("noise = 0", "noise = 1979-05-27"),
        "spirals.toml, line 6: data.noise is the date 1979-05-27, expected a number from 0 to 10"
    );
    assert_eq!(
        refusal("noise = 0", "noise = { a = 1 }"),
        "spirals.toml, line 6: data.noise is a table, expected a number from 0 to 10"
    );
    assert_eq!(
        refusal("\"Two spirals\"", "2"),
        "spirals.toml, line 1: name is 2, expected a text"
    );
    assert_eq!(
        refusal(
            "kind = \"mlp\"\nhidden = [16, 8]",
            "kind = \"cnn\"\nlayers = [\"relu\", 2]"
        ),
        "spirals.toml, line 10: model.layers is [\"relu\", 2], expected a list of texts"
    );
}

#[test]
fn values_that_are_impossible() {
    for (value, shown) in [
        ("nan", "nan"),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ("1e999", "inf"),
        ("0.0", "0.0"),
        ("0", "0"),
        ("-1", "-1"),
        ("10.5", "10.5"),
    ] {
        let message = refusal("0.01", value);
        let found = message.contains("is not valid TOML") && value == "1e999";
        assert!(
            found
                || message
                    == format!(
                        "spirals.toml, line 17: optimizer.learning_rate is {shown}, expected a \
                         number above 0 and at most 10"
                    ),
            "{message}"
        );
    }
    assert_eq!(
        refusal("noise = 0", "validation_fraction = 1"),
        "spirals.toml, line 6: data.validation_fraction is 1, expected a number of at least 0 \
         and below 1"
    );
    assert_eq!(
        refusal("noise = 0", "samples = 99999999999999999999"),
        "spirals.toml, line 6: data.samples is 99999999999999999999, expected a whole number \
         from 2 to 1000000"
    );
    assert_eq!(
        refusal("[16, 8]", "[16, 0]"),
        "spirals.toml, line 10: model.hidden is [16, 0], expected a list of whole numbers from 1 \
         to 4096"
    );
    assert_eq!(
        refusal("hidden = [16, 8]", "activation = \"tahn\""),
        "spirals.toml, line 10: model.activation is \"tahn\", expected tanh or relu; did you \
         mean tanh?"
    );
    assert_eq!(
        refusal("seed = 7", "seed = -7"),
        "spirals.toml, line 2: seed is -7, expected a whole number from 0 to 18446744073709551615"
    );
    assert_eq!(
        refusal("grid = 33", "grid = 34"),
        "spirals.toml, line 23: analyses.slice.grid is 34, expected an odd number, so that one \
         point is the centre"
    );
}

#[test]
fn paths_have_to_be_given() {
    let spirals = "kind = \"spirals\"\nnoise = 0";
    assert_eq!(
        refusal(spirals, "kind = \"csv\""),
        "spirals.toml, line 4: data.path is missing, expected the path of a file"
    );
    assert_eq!(
        refusal(spirals, "kind = \"csv\"\npath = \" \""),
        "spirals.toml, line 6: data.path is missing, expected the path of a file"
    );
    let recipe = parse(&GOOD.replace(spirals, "kind = \"csv\"\npath = \"a.csv\"")).unwrap();
    assert_eq!(
        recipe.data.path("path", std::path::Path::new("/runs")),
        std::path::Path::new("/runs/a.csv")
    );
}

#[test]
fn text_that_is_not_toml() {
    let message = refusal("[model]", "[model");
    assert!(
        message.starts_with("spirals.toml, line 8: this is not valid TOML: "),
        "{message}"
    );
    assert!(!message.contains('\n'));
    assert_eq!(parse("\u{feff}").unwrap_err().file, "spirals.toml");
}

#[test]
fn the_first_refusal_comes_first() {
    let text = GOOD
        .replace("noise = 0", "nose = 0")
        .replace("grid = 33", "gird = 33");
    let error = parse(&text).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (Some(6), "data.nose"));
}

#[test]
fn long_values_are_cut_in_refusals() {
    let message = refusal("0.01", &format!("\"{}\"", "x".repeat(500)));
    assert!(message.len() < 250, "{message}");
    assert!(message.contains("xxx…"));
}

#[test]
fn writing_and_reading_gives_the_same_recipe() {
    let mut recipe = good();
    recipe.description = "With \"quotes\", a\nnew line, a tab\t and λ₁".to_owned();
    recipe.seed = u64::MAX;
    recipe.optimizer.set("learning_rate", 1.0 / 3.0);
    recipe.optimizer.set("clip_norm", 1e-300);
    assert_eq!(parse(&recipe.to_toml(&SCHEMA)).unwrap(), recipe);
    let cnn = Component::new("cnn").with("layers", vec!["conv 8 3x3 pad 1"; 12]);
    recipe.model = cnn;
    let text = recipe.to_toml(&SCHEMA);
    assert_eq!(parse(&text).unwrap(), recipe);
    assert!(text.lines().all(|line| line.len() <= 120), "{text}");
}

#[test]
fn the_written_recipe_is_in_the_schema_order() {
    let text = good().to_toml(&SCHEMA);
    let expected = "name = \"Two spirals\"\nseed = 7\n\n[data]\nkind = \"spirals\"\nsamples = \
                    300\nnoise = 0.0\nvalidation_fraction = 0.2\nstandardize = \
                    false\n\n[model]\nkind = \"mlp\"\nhidden = [16, 8]\nactivation = \
                    \"tanh\"\n\n[initialization]\nkind = \"xavier_normal\"\ngain = 1.0\n";
    assert!(text.starts_with(expected), "{text}");
    let headers: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'))
        .collect();
    assert_eq!(headers, SECTIONS);
}

#[test]
fn a_recipe_survives_json() {
    let recipe = good();
    let json = serde_json::to_string(&recipe).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
}

#[test]
fn validation_finds_what_the_editor_left() {
    let mut recipe = good();
    recipe.optimizer.set("learning_rate", f64::NAN);
    recipe.model.kind = "nothing".to_owned();
    recipe.data.values.remove("noise");
    recipe.training.set("color", "red");
    recipe.slice.set("grid", 50);
    let messages: Vec<String> = recipe
        .validate(&SCHEMA)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(messages.len(), 5, "{messages:?}");
    assert_eq!(
        messages[0],
        "data.noise is missing, expected a number from 0 to 10"
    );
    assert!(messages[1].starts_with("model.kind is \"nothing\""));
    assert!(messages[2].starts_with("optimizer.learning_rate is nan"));
    assert!(messages[3].starts_with("training.color is not a key of [training]"));
    assert!(messages[4].starts_with("analyses.slice.grid is 50"));
    // Nothing of it is lost in writing.
    let text = recipe.to_toml(&SCHEMA);
    for line in [
        "color = \"red\"",
        "learning_rate = nan",
        "kind = \"nothing\"",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn switching_the_kind_keeps_common_values() {
    let mut recipe = good();
    let section = SCHEMA.section("optimizer").unwrap();
    let optimizer = recipe.section_mut("optimizer").unwrap();
    optimizer.set("clip_norm", 2.5);
    assert!(section.switch_kind(optimizer, "sgd"));
    assert_eq!(
        *optimizer,
        Component::new("sgd")
            .with("learning_rate", 0.1)
            .with("clip_norm", 2.5)
    );
    assert!(!section.switch_kind(optimizer, "lion"));
    assert_eq!(optimizer.kind, "sgd");
}

#[test]
fn defaults_make_a_valid_recipe() {
    let recipe = Recipe::defaults(&SCHEMA);
    assert_eq!(recipe.validate(&SCHEMA), []);
    assert_eq!(parse(&recipe.to_toml(&SCHEMA)).unwrap(), recipe);
}

#[test]
fn differences_tell_whether_to_restart() {
    let before = good();
    assert!(before.diff(&before, &SCHEMA).is_empty());

    let mut after = before.clone();
    after.optimizer.set("learning_rate", 0.02);
    after.training.set("steps", 9000);
    after.slice.set("grid", 21);
    let difference = before.diff(&after, &SCHEMA);
    assert!(!difference.needs_restart());
    let live: Vec<(&str, &str)> = difference.live_keys().collect();
    assert_eq!(
        live,
        [
            ("optimizer", "learning_rate"),
            ("training", "steps"),
            ("analyses.slice", "grid")
        ]
    );

    after.optimizer.set("beta1", 0.5);
    let difference = before.diff(&after, &SCHEMA);
    assert!(difference.needs_restart());
    assert_eq!(difference.sections[0].keys, ["beta1", "learning_rate"]);

    let mut after = before.clone();
    after.optimizer = SCHEMA
        .section("optimizer")
        .unwrap()
        .component("sgd")
        .unwrap();
    let difference = before.diff(&after, &SCHEMA);
    assert!(difference.sections[0].kind_changed && difference.needs_restart());

    let mut after = before.clone();
    after.name = "Other".to_owned();
    let difference = before.diff(&after, &SCHEMA);
    assert!(difference.text && !difference.needs_restart() && !difference.is_empty());
    after.seed = 8;
    assert!(before.diff(&after, &SCHEMA).needs_restart());
}

#[test]
fn sections_are_found_by_name() {
    let mut recipe = good();
    for name in SECTIONS {
        let component = recipe.section(name).unwrap().clone();
        assert_eq!(*recipe.section_mut(name).unwrap(), component);
    }
    assert_eq!(recipe.section("slice"), None);
}

#[test]
fn absent_values_are_harmless() {
    let component = Component::new("x").with("text", "a");
    assert!(component.float("text").is_nan());
    assert_eq!(component.integer("none"), 0);
    assert_eq!(component.count("none"), 0);
    assert!(!component.boolean("none"));
    assert_eq!(component.text("none"), "");
    assert!(component.list("none").is_empty());
    assert!(component.texts("none").is_empty());
}

#[test]
fn the_nearest_word_is_found() {
    let words = [
        "learning_rate",
        "momentum",
        "beta1",
        "beta2",
        "weight_decay",
    ];
    for (typed, meant) in [
        ("lerning_rate", Some("learning_rate")),
        ("learning-rate", Some("learning_rate")),
        ("learningRate", Some("learning_rate")),
        ("Momentum", Some("momentum")),
        ("beta_1", Some("beta1")),
        ("weight", Some("weight_decay")),
        ("x", None),
        ("", None),
        ("temperature", None),
    ] {
        assert_eq!(nearest(typed, words.into_iter()), meant, "{typed}");
    }
}

#[test]
fn every_preset_explains_itself() {
    assert_eq!(PRESETS[0].0, "spirals");
    for (name, text) in PRESETS {
        let table: toml::Table = text.parse().unwrap();
        for key in ["name", "description", "look_at", "seed"] {
            assert!(table.contains_key(key), "{name} has no {key}");
        }
        assert_eq!(presets::preset(name), Some(*text));
    }
    assert_eq!(presets::preset("spirals.toml"), Some(PRESETS[0].1));
    assert_eq!(presets::preset("nothing"), None);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_toml_like_text_makes_the_reader_panic(
        text in r#"(\[{0,2}[a-z.]{0,12}\]{0,2}|[a-z_.]{0,8} ?= ?([0-9.eE+_-]{0,6}|"[ -~]{0,6}"|\[[0-9, ]{0,6}\]|nan)|[\n\t "'#={}]){0,30}"#
    ) {
        let _ = parse(&text);
    }

    #[test]
    fn no_damage_makes_the_reader_panic(at in 0..GOOD.len(), cut in 0..20_usize, insert in "[ -~\n]{0,4}") {
        let end = (at + cut).min(GOOD.len());
        let text = format!("{}{insert}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(error) = parse(&text) {
            let sentence = error.to_string();
            prop_assert!(!sentence.contains('\n'), "{sentence}");
            prop_assert!(sentence.starts_with("spirals.toml"), "{sentence}");
        }
    }

    #[test]
    fn every_number_is_written_exactly(rate in 1e-300..10.0_f64, seed in any::<u64>()) {
        let mut recipe = good();
        recipe.seed = seed;
        recipe.optimizer.set("learning_rate", rate);
        prop_assert_eq!(parse(&recipe.to_toml(&SCHEMA)).unwrap(), recipe);
    }
}
