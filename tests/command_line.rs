//! The command line from outside: what it writes, what it refuses, and whether
//! networks made with PyTorch give PyTorch's numbers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Trains in well under a second.
const SMALL: &str = r#"
name = "Small"
description = "A small run for tests."
look_at = "Nothing."
seed = 3

[data]
kind = "moons"
samples = 60
validation_fraction = 0.25

[model]
kind = "mlp"
hidden = [6]
activation = "tanh"

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[training]
batch_size = 15
steps = 40
validation_every = 5

[analyses.slice]
grid = 9

[analyses.spectrum]
every = 10
top = 2
probes = 2
lanczos_steps = 8

[analyses.gradients]
samples = 4
"#;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn losscape(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_losscape"))
        .args(arguments)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the program starts")
}

fn succeed(arguments: &[&str]) -> Output {
    let output = losscape(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs the program with arguments that it must refuse; the sentence that it
/// says.
fn refused(arguments: &[&str]) -> String {
    let output = losscape(arguments);
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("JSON")
}

/// A finished run of [`SMALL`] in a folder of its own.
fn small_run() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("small.toml");
    std::fs::write(&recipe, SMALL).unwrap();
    let out = folder.path().join("run");
    succeed(&["run", text(&recipe), "--out", text(&out), "--quiet"]);
    (folder, out)
}

#[test]
fn bench_measures_what_the_filter_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.json");
    let arguments = ["bench", "--seconds", "0.01", "--filter", "Slice"];
    let output = succeed(&[&arguments[..], &["--json", text(&file)]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    let report = json(&file);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{table}");
    for row in rows {
        assert_eq!(row["work"], "slice point");
        assert_eq!(
            (&row["precision"], &row["threads"]),
            (&"f32".into(), &1.into())
        );
        for key in [
            "microseconds",
            "median",
            "operations",
            "gflops",
            "share_of_peak",
        ] {
            assert!(row[key].as_f64().unwrap() > 0.0, "{key} of {row}");
        }
        // Random parameters: a little above the logarithm of the classes.
        let classes = if row["network"].as_str().unwrap().ends_with("-2") {
            2.0
        } else {
            10.0f64
        };
        let loss = row["loss"].as_f64().unwrap();
        assert!((loss - classes.ln()).abs() < 0.2, "{loss}");
        assert!(table.contains(row["network"].as_str().unwrap()));
    }
    let scaling = report["scaling"].as_array().unwrap();
    assert_eq!(scaling.len(), 1);
    assert!(scaling[0]["ratio"].as_f64().unwrap() > 0.0);
    for peak in report["peaks"].as_array().unwrap() {
        assert!(peak["fma"].as_f64().unwrap() > 0.0 && peak["product"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn bench_refuses_what_it_does_not_have() {
    let said = refused(&["bench", "--filter", "warp drive"]);
    assert!(
        said.contains("warp drive") && said.contains("slice point"),
        "{said}"
    );
    assert!(refused(&["bench", "--seconds", "-3"]).contains("--seconds"));
    assert!(refused(&["bench", "--threads", "0"]).contains("--threads"));
}

#[test]
fn a_run_leaves_everything_that_was_promised() {
    let (folder, out) = small_run();
    for file in [
        "recipe.toml",
        "metrics.csv",
        "layers.csv",
        "parameters.safetensors",
        "snapshots.safetensors",
        "results/slice.json",
        "results/spectrum.json",
        "results/gradients.json",
    ] {
        assert!(out.join(file).is_file(), "{file} is missing");
    }
    for view in ["loss", "landscape", "spectrum", "gradients", "data"] {
        let svg = std::fs::read_to_string(out.join(format!("figures/{view}.svg"))).unwrap();
        assert!(svg.contains("<text"), "{view}.svg has no text");
        let png = std::fs::read(out.join(format!("figures/{view}.png"))).unwrap();
        let recipe = losscape::figure::read_embedded_recipe(&png).unwrap();
        assert!(recipe.unwrap().contains("name = \"Small\""));
    }
    let metrics = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    let mut lines = metrics.lines();
    assert_eq!(
        lines.next(),
        Some(
            "step,train_loss,val_loss,train_accuracy,val_accuracy,learning_rate,gradient_norm,\
             update_norm,parameter_norm,sharpness"
        )
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 41);
    for (step, row) in rows.iter().enumerate() {
        assert_eq!(row.len(), 10);
        assert_eq!(row[0], step.to_string());
        assert_eq!(row[2].is_empty(), step % 5 != 0, "validation at {step}");
        assert_eq!(row[9].is_empty(), step % 10 != 0, "sharpness at {step}");
    }
    // The recipe in the folder is the same run again.
    let again = folder.path().join("again");
    let recipe = out.join("recipe.toml");
    succeed(&["run", text(&recipe), "--out", text(&again), "--quiet"]);
    assert_eq!(
        std::fs::read(out.join("metrics.csv")).unwrap(),
        std::fs::read(again.join("metrics.csv")).unwrap()
    );
}

#[test]
fn numbers_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("small.toml");
    std::fs::write(&recipe, SMALL).unwrap();
    let mut written = Vec::new();
    for threads in ["1", "2"] {
        let out = folder.path().join(threads);
        let status = Command::new(env!("CARGO_BIN_EXE_losscape"))
            .args(["run", text(&recipe), "--quiet", "--out", text(&out)])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        let read = |file: &str| std::fs::read(out.join(file)).unwrap();
        written.push([
            read("metrics.csv"),
            read("parameters.safetensors"),
            read("results/slice.json"),
            read("results/spectrum.json"),
        ]);
    }
    assert!(written[0] == written[1]);
}

#[test]
fn analyses_are_written_with_the_documented_keys() {
    let (folder, out) = small_run();
    let slice = folder.path().join("slice.json");
    succeed(&[
        "analyze",
        text(&out),
        "slice",
        "--grid",
        "7",
        "--extent",
        "0.5",
        "--seed",
        "4",
        "--split",
        "validation",
        "--out",
        text(&slice),
    ]);
    let slice = json(&slice);
    let alpha = slice["alpha"].as_array().unwrap();
    assert_eq!(alpha.len(), 7);
    assert_eq!(alpha[0], -0.5);
    assert_eq!(alpha[3], 0.0);
    assert_eq!(slice["loss"].as_array().unwrap().len(), 7);
    assert_eq!(slice["loss"][0].as_array().unwrap().len(), 7);
    assert_eq!(slice["split"], "validation");
    assert_eq!(slice["samples"], 15);
    // The middle of the slice is the loss that training measured.
    let metrics = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    let last: Vec<&str> = metrics.lines().last().unwrap().split(',').collect();
    let recorded: f64 = last[2].parse().unwrap();
    let centre = slice["loss"][3][3].as_f64().unwrap();
    assert!(
        (centre - recorded).abs() <= 1e-5 * recorded,
        "{centre} {recorded}"
    );
    // The deepest basin's minimum is the smallest loss of the grid.
    let rows = slice["loss"].as_array().unwrap();
    let losses = rows.iter().flat_map(|row| row.as_array().unwrap());
    let lowest = losses
        .filter_map(|loss| loss.as_f64())
        .fold(f64::MAX, f64::min);
    let deepest = &slice["basins"][0];
    assert_eq!(deepest["minimum"]["loss"], lowest);
    assert_eq!(deepest["persistence"], "inf");
    assert!(deepest["saddle"].is_null() && deepest["on_rim"].is_boolean());

    let spectrum = folder.path().join("spectrum.json");
    succeed(&[
        "analyze",
        text(&out),
        "spectrum",
        "--top",
        "3",
        "--probes",
        "3",
        "--steps",
        "12",
        "--out",
        text(&spectrum),
    ]);
    let spectrum = json(&spectrum);
    let eigenvalues = spectrum["eigenvalues"].as_array().unwrap();
    assert_eq!(eigenvalues.len(), 3);
    for eigenvalue in eigenvalues {
        assert!(eigenvalue["value"].is_f64() && eigenvalue["residual"].is_f64());
    }
    assert!(spectrum["trace"]["value"].is_f64() && spectrum["trace"]["stderr"].is_f64());
    let (x, y) = (&spectrum["density"]["x"], &spectrum["density"]["y"]);
    assert_eq!(x.as_array().unwrap().len(), y.as_array().unwrap().len());
    assert!(spectrum["trace"]["method"].is_string());
    assert!(spectrum["summary"]["negative_mass"]["stderr"].is_f64());
    assert_eq!(spectrum["matrix"], "hessian");
    assert!(spectrum.get("exact").is_none() && spectrum.get("layers").is_none());
}

#[test]
fn the_whole_spectrum_its_layers_and_its_classes() {
    let (folder, out) = small_run();
    let file = folder.path().join("spectrum.json");
    let analyze = |options: &[&str]| {
        let common = ["analyze", text(&out), "spectrum", "--out", text(&file)];
        succeed(&[&common[..], options].concat());
        json(&file)
    };
    let hessian = analyze(&["--exact", "--layers", "--classes"]);
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let exact = hessian["exact"]["eigenvalues"].as_array().unwrap();
    assert_eq!(exact.len() as u64, hessian["parameters"].as_u64().unwrap());
    let largest = number(&hessian["eigenvalues"][0]["value"]);
    assert!((number(&exact[0]) - largest).abs() < 1e-7 * largest);
    let trace = number(&hessian["exact"]["trace"]);
    let layers = hessian["layers"].as_array().unwrap();
    let sum: f64 = layers.iter().map(|l| number(&l["trace"]["value"])).sum();
    let errors: f64 = layers.iter().map(|l| number(&l["trace"]["stderr"])).sum();
    assert!((sum - trace).abs() <= 4.0 * errors + 1e-9);
    assert_eq!(
        layers[0]["coupling"].as_array().unwrap().len(),
        layers.len()
    );
    for class in hessian["classes"].as_array().unwrap() {
        assert!(class["samples"].as_u64().unwrap() > 0);
        assert!(class["eigenvalues"][0]["residual"].is_f64());
    }
    let gauss_newton = analyze(&["--exact", "--matrix", "gauss-newton"]);
    assert_eq!(gauss_newton["matrix"], "gauss_newton");
    let values = gauss_newton["exact"]["eigenvalues"].as_array().unwrap();
    assert!(values.iter().all(|value| number(value) > -1e-10));
    let rest = analyze(&["--exact", "--matrix", "rest"]);
    let sum = number(&gauss_newton["exact"]["trace"]) + number(&rest["exact"]["trace"]);
    assert!((sum - trace).abs() < 1e-9 * trace.abs().max(1.0));
}

#[test]
fn a_figure_is_drawn_again_from_the_folder() {
    let (folder, out) = small_run();
    for (view, extension) in [("landscape", "svg"), ("spectrum", "png")] {
        let file = folder.path().join(format!("figure.{extension}"));
        succeed(&["figure", text(&out), "--view", view, "--out", text(&file)]);
        assert_eq!(
            std::fs::read(&file).unwrap(),
            std::fs::read(out.join(format!("figures/{view}.{extension}"))).unwrap(),
            "{view}"
        );
    }
}

#[test]
fn a_race_leaves_its_numbers_and_figures() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("small.toml");
    std::fs::write(&recipe, SMALL).unwrap();
    let out = folder.path().join("race");
    let runners = [
        "--runner",
        "as it is",
        "--runner",
        "plain: optimizer=sgd, optimizer.learning_rate=0.1",
        "--runner",
        "large batches: training.batch_size=0",
    ];
    let mut arguments = vec!["race", text(&recipe), "--out", text(&out), "--quiet"];
    arguments.extend(["--sharpness", "--grid", "9"]);
    arguments.extend(runners);
    succeed(&arguments);
    let race = json(&out.join("race.json"));
    assert_eq!(race["lockstep"], "step");
    assert_eq!(race["runners"].as_array().unwrap().len(), 3);
    for runner in race["runners"].as_array().unwrap() {
        assert_eq!(runner["status"], "finished");
        assert_eq!(runner["loss"].as_array().unwrap().len(), 41);
        assert_eq!(runner["score"]["step"], 40);
        for key in ["train_loss", "val_loss", "sharpness", "distance_from_start"] {
            assert!(runner["score"][key].as_f64().is_some(), "{key}");
        }
        assert_eq!(runner["path"][0], race["runners"][0]["path"][0]);
        assert!(runner["path_outside"].as_f64().unwrap() <= 1.0);
        assert!(runner["plane_error"].as_f64().is_some());
    }
    assert_eq!(race["landscape"]["plane"], "joint");
    assert_eq!(race["landscape"]["loss"].as_array().unwrap().len(), 9);
    // The runner that changes nothing is the run of the recipe.
    let plain = folder.path().join("plain");
    succeed(&["run", text(&recipe), "--out", text(&plain), "--quiet"]);
    let metrics = std::fs::read_to_string(plain.join("metrics.csv")).unwrap();
    let losses: Vec<f64> = metrics
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    let raced: Vec<f64> = race["runners"][0]["loss"]
        .as_array()
        .unwrap()
        .iter()
        .map(|loss| loss.as_f64().unwrap())
        .collect();
    assert_eq!(raced, losses);
    for figure in ["losses", "landscape"] {
        for extension in ["svg", "png"] {
            assert!(out.join(format!("figures/{figure}.{extension}")).is_file());
        }
    }
    let scores = std::fs::read_to_string(out.join("scores.csv")).unwrap();
    assert_eq!(scores.lines().count(), 4);
    assert!(scores.starts_with("runner,status,step,eta_t,seconds,train_loss,val_loss,"));
}

#[test]
fn a_race_on_a_function_starts_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let out = folder.path().join(name);
        succeed(&[
            "race",
            "--function",
            "quadratic: condition=10, noise=0.1",
            "--start",
            "-1.5,0.5",
            "--steps",
            "50",
            "--lockstep",
            "eta",
            "--runner",
            "slow: learning_rate=0.01",
            "--runner",
            "fast: learning_rate=0.04",
            "--out",
            text(&out),
            "--quiet",
        ]);
        json(&out.join("race.json"))
    };
    let mut race = run("a");
    assert_eq!(race["function"]["kind"], "quadratic");
    assert_eq!(race["function"]["start"], serde_json::json!([-1.5, 0.5]));
    assert_eq!(race["landscape"]["plane"], "whole_space");
    let start = &race["runners"][1]["path"][0];
    assert_eq!(
        (&start["alpha"], &start["beta"]),
        (&(-1.5).into(), &0.5.into())
    );
    let eta = |index: usize| race["runners"][index]["score"]["eta_t"].as_f64().unwrap();
    assert!((eta(0) - eta(1)).abs() <= 0.04 + 1e-12);
    // All but the seconds comes out again.
    let mut again = run("b");
    for document in [&mut race, &mut again] {
        for runner in document["runners"].as_array_mut().unwrap() {
            runner["seconds"] = Value::Null;
            runner["score"]["seconds"] = Value::Null;
        }
    }
    assert_eq!(race, again);
}

#[test]
fn without_a_display_the_same_job_runs_headless_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("small.toml");
    std::fs::write(&recipe, SMALL).unwrap();
    let out = folder.path().join("out");
    let output = succeed(&["--recipe", text(&recipe), "--out", text(&out)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no display") && said.contains(text(&out)),
        "{said}"
    );
    assert!(out.join("figures/loss.png").is_file());
}

#[test]
fn slices_of_every_kind_are_written_with_the_documented_keys() {
    let (folder, out) = small_run();
    let file = folder.path().join("slice.json");
    let slice = |options: &[&str]| {
        let common = [
            "analyze",
            text(&out),
            "slice",
            "--grid",
            "5",
            "--out",
            text(&file),
        ];
        let arguments: Vec<&str> = common.iter().chain(options).copied().collect();
        succeed(&arguments);
        json(&file)
    };
    let path = slice(&[
        "--directions",
        "path",
        "--path-centre",
        "mean",
        "--extent",
        "fit",
    ]);
    assert_eq!(path["directions"]["source"], "path");
    assert_eq!(path["directions"]["centre"], "mean");
    assert!(path["directions"]["explained"][0].is_f64());
    // The plane's own corners have the same values on it and on the section.
    let plane = slice(&["--split", "train", "--extent", "1"]);
    let section = slice(&["--section", "-1,-1", "1,1"]);
    for k in [0, 2, 4] {
        let (on_plane, along) = (&plane["loss"][k][k], &section["train"][k]);
        let (on_plane, along) = (on_plane.as_f64().unwrap(), along.as_f64().unwrap());
        assert!((on_plane - along).abs() < 1e-12 * on_plane);
    }
    assert_eq!(section["from"], serde_json::json!([-1.0, -1.0]));
    assert_eq!(section["share"][4], 1.0);
    assert!(section["length"].as_f64().unwrap() > 0.0);
    assert_eq!(section["validation"].as_array().unwrap().len(), 5);
    let eigen = slice(&["--directions", "eigenvectors", "--second", "smallest"]);
    assert_eq!(eigen["directions"]["symbols"][0], "v₁");
    assert!(eigen["directions"]["eigenvalues"][1]["residual"].is_f64());
    for directions in ["gradient", "momentum", "update"] {
        let found = slice(&["--directions", directions]);
        assert_eq!(found["directions"]["source"], directions);
        assert!((found["directions"]["norms"][0].as_f64().unwrap() - 1.0).abs() < 1e-12);
    }
    let parameters = out.join("parameters.safetensors");
    let through = slice(&[
        "--through",
        "step:0",
        text(&parameters),
        "--quantity",
        "gap",
    ]);
    assert_eq!(through["directions"]["source"], "through");
    assert_eq!(through["step"], 0);
    let point = &through["directions"]["points"][0];
    assert!(
        (point["alpha"].as_f64().unwrap() - 1.0).abs() < 1e-9,
        "{point}"
    );
    assert_eq!(through["quantity"]["kind"], "gap");
    assert!(through.get("loss").is_none());
    assert_eq!(through["values"][4].as_array().unwrap().len(), 5);
    let layers = slice(&["--layers", "0", "--biases", "--self-test"]);
    assert_eq!(layers["directions"]["layers"][0], "0");
    assert_eq!(layers["directions"]["biases"], true);
    // tanh promises nothing.
    assert_eq!(layers["invariance"].as_array().unwrap().len(), 0);
    let class = slice(&["--quantity", "class-loss", "--class", "1", "--line"]);
    assert_eq!(class["quantity"]["class"], 1);
    assert_eq!(class["values"].as_array().unwrap().len(), 5);
    let accuracy = slice(&["--quantity", "accuracy", "--samples", "9"]);
    assert!(accuracy["stderr"][2][2].is_f64());

    let refusal = |options: &[&str]| {
        let common = ["analyze", text(&out), "slice", "--out", text(&file)];
        let arguments: Vec<&str> = common.iter().chain(options).copied().collect();
        refused(&arguments)
    };
    assert!(refusal(&["--layers", "7"]).contains("the layers 0, 2"));
    assert!(refusal(&["--second", "smallest"]).contains("--second"));
    assert!(refusal(&["--class", "1"]).contains("class-loss"));
    assert!(refusal(&["--quantity", "class-loss", "--class", "x"]).contains("--class"));
    assert!(refusal(&["--through", "step:0", "nowhere"]).contains("nowhere"));
    let without_memory = ["--directions", "update", "--parameters", text(&parameters)];
    assert!(refusal(&without_memory).contains("what the optimizer remembered"));
    assert!(refusal(&["--of-samples", "3"]).contains("sample-loss"));
}

#[test]
fn whatever_is_wrong_is_told_in_one_sentence() {
    let (folder, out) = small_run();
    let json_file = folder.path().join("x.json");
    let (run, file) = (text(&out), text(&json_file));
    assert!(refused(&["trian"]).contains("trian"));
    let race = |more: &[&str]| {
        let mut arguments = vec!["race", "--out", "x", "--runner", "a"];
        arguments.extend(more);
        refused(&arguments)
    };
    let two = ["--runner", "b: learning_rate=0.1"];
    assert!(race(&two).contains("expected a recipe or --function"));
    assert!(race(&["--function", "beale"]).contains("expected 2 to 8"));
    let on = |function| race(&[&two[..], &["--function", function]].concat());
    assert!(on("rosenbrok").contains("did you mean rosenbrock"));
    let beale = |more: &[&str]| race(&[&two[..], &["--function", "beale"], more].concat());
    assert!(beale(&["--start", "1"]).contains("two numbers"));
    assert!(beale(&["--steps", "0"]).contains("--steps"));
    assert!(beale(&["--plane", "c"]).contains("expected joint or one of a, b"));
    assert!(beale(&["--runner", "c: optimizer=adma"]).contains("did you mean adam"));
    assert!(beale(&["--runner", "c: model.hidden=3"]).contains("all runners share"));
    assert!(race(&["moons", "--start", "1,2", "--runner", "b"]).contains("without --function"));
    assert!(refused(&["run", "spirlas", "--out", "x"]).contains("spirals"));
    assert!(refused(&["run", "missing.toml", "--out", "x"]).contains("missing.toml"));
    assert!(refused(&["list", "optimisers"]).contains("optimizers"));
    assert!(refused(&["figure", run, "--view", "losses", "--out", "x.svg"]).contains("losses"));
    assert!(refused(&["figure", run, "--view", "loss", "--out", "x.jpg"]).contains(".svg"));
    assert!(
        refused(&["figure", "nowhere", "--view", "loss", "--out", "x.svg"]).contains("nowhere")
    );
    assert!(
        refused(&["analyze", run, "slice", "--extent", "-1", "--out", file]).contains("extent")
    );
    assert!(refused(&["analyze", run, "slice", "--grid", "x", "--out", file]).contains("--grid"));
    let section = |ends: [&str; 2]| {
        refused(&[
            "analyze",
            run,
            "slice",
            "--section",
            ends[0],
            ends[1],
            "--out",
            file,
        ])
    };
    assert!(section(["0,0", "1"]).contains("expected two numbers α,β"));
    assert!(section(["-0.5,1", "-0.5,1"]).contains("the same place twice"));
    assert!(
        refused(&[
            "analyze",
            run,
            "slice",
            "--directions",
            "nowhere",
            "--out",
            file
        ])
        .contains("--directions")
    );
    let wrong = golden("torch_cnn.safetensors");
    assert!(
        refused(&[
            "analyze",
            run,
            "spectrum",
            "--parameters",
            text(&wrong),
            "--out",
            file
        ])
        .contains("weight")
    );
    assert!(!json_file.exists());

    let recipe = folder.path().join("wrong.toml");
    std::fs::write(&recipe, SMALL.replace("learning_rate", "learning_rte")).unwrap();
    let said = refused(&["run", text(&recipe), "--out", "x"]);
    let line = 1 + SMALL
        .lines()
        .position(|line| line.starts_with("learning_rate"))
        .unwrap();
    assert!(
        said.contains(&format!("line {line}: ")) && said.contains("did you mean learning_rate"),
        "{said}"
    );
    std::fs::write(&recipe, SMALL.replace("hidden = [6]", "hidden = [0]")).unwrap();
    assert!(refused(&["run", text(&recipe), "--out", "x"]).contains("hidden"));
}

#[test]
fn every_list_has_something_in_it() {
    for what in [
        "data",
        "models",
        "activations",
        "initializations",
        "losses",
        "optimizers",
        "schedules",
        "functions",
        "recipes",
    ] {
        let output = succeed(&["list", what]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.lines().filter(|line| line.starts_with("  ")).count() > 1,
            "{what}"
        );
    }
}

/// A network made with PyTorch, given as its state dict and its data, has
/// PyTorch's loss, eigenvalues, trace and slice.
#[test]
fn a_pytorch_network_gives_pytorchs_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("torch.toml");
    let data = golden("torch_mlp.csv");
    let parameters = golden("torch_mlp.safetensors");
    std::fs::write(
        &recipe,
        format!(
            r#"
name = "From PyTorch"
[data]
kind = "csv"
path = {data:?}
validation_fraction = 0.0
standardize = false
[model]
kind = "sequential"
layers = ["dense 10", "tanh", "dense 8", "relu"]
[initialization]
kind = "file"
path = {parameters:?}
[loss]
kind = "cross_entropy"
[optimizer]
kind = "sgd"
learning_rate = 0.01
[training]
batch_size = 0
steps = 1
[analyses.spectrum]
every = 0
probes = 1
lanczos_steps = 4
[analyses.slice]
grid = 5
"#
        ),
    )
    .unwrap();
    let out = folder.path().join("run");
    succeed(&["run", text(&recipe), "--out", text(&out), "--quiet"]);
    let expected = json(&golden("torch_mlp.json"));
    let close = |found: f64, expected: f64, tolerance: f64| {
        assert!(
            (found - expected).abs() <= tolerance * expected.abs().max(1e-3),
            "{found} {expected}"
        );
    };

    // Training is in single precision.
    let metrics = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    let first: Vec<f64> = metrics
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .map(|cell| cell.parse().unwrap_or(f64::NAN))
        .collect();
    close(first[1], expected["loss"].as_f64().unwrap(), 1e-6);
    close(first[6], expected["grad_norm"].as_f64().unwrap(), 1e-5);

    let slice = folder.path().join("slice.json");
    let directions = golden("torch_mlp.directions.safetensors");
    succeed(&[
        "analyze",
        text(&out),
        "slice",
        "--parameters",
        text(&parameters),
        "--directions",
        text(&directions),
        "--grid",
        "5",
        "--extent",
        "1",
        "--out",
        text(&slice),
    ]);
    let slice = json(&slice);
    for j in 0..5 {
        for i in 0..5 {
            close(
                slice["loss"][j][i].as_f64().unwrap(),
                expected["slice_loss_ji"][j][i].as_f64().unwrap(),
                1e-10,
            );
        }
    }
    let spectrum = folder.path().join("spectrum.json");
    succeed(&[
        "analyze",
        text(&out),
        "spectrum",
        "--parameters",
        text(&parameters),
        "--top",
        "5",
        "--probes",
        "40",
        "--steps",
        "40",
        "--out",
        text(&spectrum),
    ]);
    let spectrum = json(&spectrum);
    for k in 0..5 {
        close(
            spectrum["eigenvalues"][k]["value"].as_f64().unwrap(),
            expected["top5"][k].as_f64().unwrap(),
            1e-9,
        );
    }
    let trace = spectrum["trace"]["value"].as_f64().unwrap();
    let stderr = spectrum["trace"]["stderr"].as_f64().unwrap();
    assert!((trace - expected["trace"].as_f64().unwrap()).abs() <= 4.0 * stderr + 1e-9);
}
