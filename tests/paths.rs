//! Paths between solutions from the command line: keys, files, figures, and
//! what is refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Trains in well under a second; the network of the second is the same.
const SMALL: &str = r#"
name = "Small"
seed = 3

[data]
kind = "moons"
samples = 60
validation_fraction = 0.25

[model]
kind = "mlp"
hidden = [6, 5]
activation = "tanh"

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[training]
batch_size = 15
steps = 60
validation_every = 0

[analyses.slice]
grid = 3

[analyses.spectrum]
every = 0
top = 1
probes = 1
lanczos_steps = 4
"#;

fn losscape(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(arguments)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the program starts")
}

fn succeed(arguments: &[&str]) {
    let output = losscape(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn refused(arguments: &[&str]) -> String {
    let output = losscape(arguments);
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

struct Folder {
    folder: tempfile::TempDir,
    run: PathBuf,
}

impl Folder {
    fn new(recipe: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("small.toml");
        std::fs::write(&file, recipe).unwrap();
        let run = folder.path().join("run");
        succeed(&["run", text(&file), "--out", text(&run), "--quiet"]);
        Self { folder, run }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `analyze` with these arguments; the document.
    fn analyze(&self, arguments: &[&str]) -> Value {
        let out = self.at("out.json");
        let all = [
            &["analyze", text(&self.run)],
            arguments,
            &["--out", text(&out)],
        ]
        .concat();
        succeed(&all);
        serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let out = self.at("never.json");
        let all = [
            &["analyze", text(&self.run)],
            arguments,
            &["--out", text(&out)],
        ]
        .concat();
        let said = refused(&all);
        assert!(!out.exists());
        said
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// What every line has; its losses.
fn line(value: &Value, points: usize) -> Vec<f64> {
    let losses: Vec<f64> = value["loss"]
        .as_array()
        .unwrap()
        .iter()
        .map(number)
        .collect();
    assert_eq!(losses.len(), points);
    let lambda = value["lambda"].as_array().unwrap();
    assert_eq!(
        (number(&lambda[0]), number(&lambda[points - 1])),
        (0.0, 1.0)
    );
    // The barrier is what its definition says, at least at the points.
    let chord = |l: f64| (1.0 - l) * losses[0] + l * losses[points - 1];
    let highest = lambda
        .iter()
        .zip(&losses)
        .map(|(l, x)| x - chord(number(l)))
        .fold(f64::NEG_INFINITY, f64::max);
    assert!(number(&value["barrier"]) >= highest);
    assert!((0.0..=1.0).contains(&number(&value["barrier_at"])));
    for key in [
        "barrier_over_mean",
        "highest",
        "mean",
        "mean_by_length",
        "stretch",
    ] {
        number(&value[key]);
    }
    losses
}

#[test]
fn a_run_is_connected_with_its_beginning_and_with_others() {
    let folder = Folder::new(SMALL);
    let figure = folder.at("line.svg");
    let found = folder.analyze(&["interpolate", "--figure", text(&figure)]);
    let losses = line(&found["train"], 25);
    line(&found["validation"], 25);
    assert_eq!(found["train"]["accuracy"].as_array().unwrap().len(), 25);
    assert!(losses[24] > losses[0], "the run has learnt");
    assert_eq!(
        (&found["from"], &found["to"]),
        (&"step 60".into(), &"initial".into())
    );
    assert_eq!(found["split"], "both");
    assert_eq!(
        (&found["samples"], &found["validation_samples"]),
        (&45.into(), &15.into())
    );
    assert!(
        found["barrier_definition"]
            .as_str()
            .unwrap()
            .starts_with("max over t")
    );
    assert!(number(&found["distance"]) > 0.1);
    let drawn = std::fs::read_to_string(&figure).unwrap();
    assert!(drawn.contains("<svg") && drawn.contains("straight, train"));

    // Beyond the ends as well, as densely.
    let arguments = ["interpolate", "--points", "5", "--range", "-0.25", "1.5"];
    let beyond = folder.analyze(&arguments);
    let outside = &beyond["outside"];
    assert_eq!(
        outside["train"]["lambda"],
        serde_json::json!([-0.25, 1.25, 1.5])
    );
    assert_eq!(outside["validation"]["loss"].as_array().unwrap().len(), 3);
    assert!(found.get("outside").is_none());

    // Another run's folder and its file are the same end; so is a twin of the
    // same seed.
    let file = folder.run.join("parameters.safetensors");
    for to in [text(&folder.run), text(&file), "seed:3"] {
        let found = folder.analyze(&["interpolate", "--to", to, "--points", "5"]);
        assert!(number(&found["distance"]) < 1e-6, "{to}");
        assert!(number(&found["train"]["barrier"]).abs() < 1e-9);
    }

    let found = folder.analyze(&["interpolate", "--to", "seed:4", "--points", "5", "--layers"]);
    let paths = found["layers"]["train"].as_array().unwrap();
    assert_eq!(paths.len(), 9);
    assert_eq!(found["layers"]["validation"].as_array().unwrap().len(), 9);
    let groups: Vec<&str> = paths.iter().map(|p| p["group"].as_str().unwrap()).collect();
    assert_eq!(
        (groups[0], groups[5], groups[6]),
        ("single", "shallow", "deep")
    );
    assert_eq!(paths[5]["barrier"], found["train"]["barrier"]);
    assert_eq!(paths[5]["parameters"], found["parameters"]);
    assert_eq!(paths[1]["layer"], "2");
}

#[test]
fn networks_are_aligned_and_the_aligned_one_is_written() {
    let folder = Folder::new(SMALL);
    let saved = folder.at("aligned.safetensors");
    for method in ["weights", "activations"] {
        let found = folder.analyze(&[
            "align",
            "--to",
            "seed:4",
            "--method",
            method,
            "--save",
            text(&saved),
            "--points",
            "7",
        ]);
        let alignment = &found["alignment"];
        assert_eq!(alignment["method"], method);
        assert_eq!(alignment["groups"], serde_json::json!(["0", "2"]));
        for (group, units) in [6u64, 5].into_iter().enumerate() {
            let mut units_found: Vec<u64> = alignment["permutations"][group]
                .as_array()
                .unwrap()
                .iter()
                .map(|unit| unit.as_u64().unwrap())
                .collect();
            units_found.sort_unstable();
            assert_eq!(units_found, (0..units).collect::<Vec<_>>());
        }
        if method == "weights" {
            assert!(number(&alignment["similarity"]) >= number(&alignment["similarity_before"]));
        }
        let sweeps = alignment["sweeps"].as_array().unwrap();
        assert_eq!(
            sweeps.last().unwrap()["similarity"],
            alignment["similarity"]
        );
        let aligned = line(&alignment["profiles"]["train"], 7);
        let naive = line(&found["train"], 7);
        // The permuted network is the same function.
        assert!((aligned[6] - naive[6]).abs() < 1e-12);
        // The file holds it.
        let again = folder.analyze(&["interpolate", "--to", text(&saved), "--points", "7"]);
        for (again, aligned) in line(&again["train"], 7).iter().zip(&aligned) {
            assert!((again - aligned).abs() < 1e-12);
        }
    }
}

#[test]
fn curves_are_trained_and_forks_made() {
    let folder = Folder::new(SMALL);
    let (saved, figure) = (folder.at("bends.safetensors"), folder.at("curve.png"));
    let found = folder.analyze(&[
        "bezier",
        "--to",
        "seed:4",
        "--iterations",
        "120",
        "--save",
        text(&saved),
        "--figure",
        text(&figure),
    ]);
    let curve = &found["curve"];
    assert_eq!(
        (&curve["kind"], &curve["bends"]),
        (&"bezier".into(), &1.into())
    );
    assert_eq!(curve["losses"].as_array().unwrap().len(), 120);
    let on_curve = &curve["profiles"]["train"];
    line(on_curve, 25);
    assert!(number(&on_curve["mean"]) < number(&found["train"]["mean"]));
    assert!(number(&on_curve["stretch"]) > 1.0);
    assert!(
        std::fs::read(&saved)
            .unwrap()
            .windows(11)
            .any(|w| w == b"w1.0.weight")
    );
    assert!(std::fs::read(&figure).unwrap().starts_with(b"\x89PNG"));
    let found = folder.analyze(&["bezier", "--chain", "--bends", "2", "--iterations", "5"]);
    assert_eq!(found["curve"]["kind"], "chain");

    let found = folder.analyze(&["fork", "--at", "0,30", "--points", "5"]);
    let points = found["fork"]["points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    assert_eq!(points[1]["step"], 30);
    assert_eq!(found["fork"]["seeds"], serde_json::json!([3, 4]));
    line(&points[0]["train"], 5);
    line(&points[0]["validation"], 5);
    assert!(found.get("train").is_none());
}

#[test]
fn a_plane_goes_through_three_points() {
    let folder = Folder::new(SMALL);
    let figure = folder.at("plane.svg");
    let found = folder.analyze(&[
        "plane",
        "--through",
        "seed:4",
        "initial",
        "--grid",
        "9",
        "--margin",
        "0",
        "--figure",
        text(&figure),
    ]);
    let points = found["points"].as_array().unwrap();
    assert_eq!(points.len(), 3);
    assert_eq!(found["directions"]["source"], "points");
    // Without a margin the corners are the points.
    for (point, (j, i)) in points.iter().zip([(0, 0), (0, 8), (8, 0)]) {
        let corner = number(&found["loss"][j][i]);
        assert!((corner - number(&point["loss"])).abs() < 1e-9);
    }
    assert!(std::fs::read_to_string(&figure).unwrap().contains("seed 4"));
}

#[test]
fn what_is_no_path_is_refused() {
    let folder = Folder::new(SMALL);
    for (arguments, word) in [
        (&["interpolate", "--to", "nowhere"][..], "nowhere"),
        (&["interpolate", "--to", "seed:x"], "seed:x"),
        (&["interpolate", "--points", "2"], "--points"),
        (&["interpolate", "--range", "0.2", "1.5"], "--range"),
        (&["interpolate", "--figure", "x.bmp"], "x.bmp"),
        (&["bezier", "--learning-rate", "-1"], "--learning-rate"),
        (&["fork", "--at", "60"], "step 60"),
        (&["plane", "--through", "initial", "initial"], "one line"),
    ] {
        let said = folder.refused(arguments);
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    let full = SMALL.replace("batch_size = 15", "batch_size = 0");
    assert!(Folder::new(&full).refused(&["fork"]).contains("batch_size"));
    let linear = SMALL.replace("hidden = [6, 5]", "hidden = []");
    let said = Folder::new(&linear).refused(&["align", "--to", "seed:4"]);
    assert!(said.contains("no hidden units"), "{said}");
    let other = Folder::new(&SMALL.replace("[6, 5]", "[4, 5]"));
    let said = folder.refused(&["interpolate", "--to", text(&other.run)]);
    assert!(said.contains("model.hidden"), "{said}");
    // The same shapes, but another function.
    let relu = Folder::new(&SMALL.replace("\"tanh\"", "\"relu\""));
    let said = folder.refused(&["interpolate", "--to", text(&relu.run)]);
    assert!(said.contains("model.activation"), "{said}");
    for (arguments, word) in [
        (
            &["slice", "--directions", "path", "--seed", "3"][..],
            "--seed",
        ),
        (
            &[
                "slice",
                "--directions",
                "gradient",
                "--normalization",
                "layer",
            ],
            "--normalization",
        ),
    ] {
        let said = folder.refused(arguments);
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}
