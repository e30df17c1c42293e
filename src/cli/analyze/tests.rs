//! `sharpness` and `quantized` from the arguments to the files.

use std::path::Path;

use clap::Parser as _;
use serde_json::Value;

use super::super::{Cli, Command, Failure, run};

const SMALL: &str = r#"
name = "Small"
seed = 3

[data]
kind = "moons"
samples = 60
validation_fraction = 0.25

[model]
kind = "mlp"
hidden = [6]
activation = "relu"

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[training]
batch_size = 15
steps = 40

[analyses.slice]
grid = 9

[analyses.spectrum]
probes = 2
lanczos_steps = 8

[analyses.gradients]
samples = 4
"#;

fn losscape(arguments: &[&str]) -> Result<(), Failure> {
    let all = std::iter::once("losscape").chain(arguments.iter().copied());
    let cli = Cli::try_parse_from(all)
        .map_err(|error| Failure::Input(super::super::one_sentence(&error.to_string())))?;
    match cli.command {
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Analyze(args)) => super::analyze(&args),
        _ => panic!("another command"),
    }
}

fn refused(arguments: &[&str]) -> String {
    match losscape(arguments) {
        Err(Failure::Input(sentence)) => sentence,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A finished run in a folder of its own.
fn small_run() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("small.toml");
    std::fs::write(&recipe, SMALL).unwrap();
    let out = folder.path().join("run").to_str().unwrap().to_owned();
    losscape(&["run", recipe.to_str().unwrap(), "--out", &out, "--quiet"]).unwrap();
    (folder, out)
}

#[test]
fn sharpness_and_quantized_write_the_documented_keys() {
    let (folder, run) = small_run();
    let out = folder.path().join("out.json");
    let figure = folder.path().join("out.svg");
    let (file, picture) = (out.to_str().unwrap(), figure.to_str().unwrap());
    let common = ["--out", file, "--figure", picture];
    let asked = [
        "analyze",
        &run,
        "sharpness",
        "--rho",
        "0.1",
        "--probes",
        "8",
    ];
    losscape(&[&asked[..], &common].concat()).unwrap();
    let found = json(&out);
    assert_eq!(
        (&found["recipe"], &found["step"]),
        (&"Small".into(), &40.into())
    );
    for key in ["sam", "asam", "box"] {
        let measure = &found[key];
        assert!(measure["value"].as_f64().unwrap() > 0.0, "{key}");
        let curve = measure["rises"].as_array().unwrap();
        let at = curve
            .iter()
            .find(|rise| rise["radius"] == measure["radius"]);
        assert_eq!(at.unwrap()["ascent"], measure["value"]);
        assert_eq!(measure["blind_to"]["unit_rescaling"], key == "asam");
    }
    assert_eq!(found["sam"]["radius"], 0.1);
    assert!(found["box"]["percent"].is_number() && found["sam"]["percent"].is_null());
    assert_eq!(found["average"]["trace"]["method"], "exact");
    assert_eq!(found["scaled_average"]["scaled"], true);
    assert!(found["fisher_rao"]["value"].as_f64().unwrap() > 0.0);
    let drawn = std::fs::read_to_string(&figure).unwrap();
    assert!(drawn.contains("½ρ²λ₁"));

    let asked = [
        "analyze",
        &run,
        "quantized",
        "--bits",
        "3",
        "--scope",
        "channel",
    ];
    let more = [
        "--sweep", "--search", "20", "--grid", "5", "--extent", "0.5", "--seed", "9",
    ];
    losscape(&[&asked[..], &more, &common].concat()).unwrap();
    let found = json(&out);
    assert_eq!(
        (&found["bits"], &found["scope"]),
        (&3.into(), &"channel".into())
    );
    assert_eq!(found["directions"]["seed"], 9);
    assert_eq!(found["plane"]["quantized"]["loss"][2][2], found["loss"]);
    assert_eq!(found["plane"]["float"]["alpha"][4], 0.5);
    assert_eq!(
        found["line"]["quantized"]["alpha"]
            .as_array()
            .unwrap()
            .len(),
        401
    );
    assert_eq!(found["sweeps"][1]["tensors"][0], "0.weight");
    assert_eq!(found["map"]["first"], "0.weight");
    assert_eq!(found["search"]["gradient"]["evaluations"][1], 4);
    assert!(found["against_bits"][0]["weight_error"].as_f64().unwrap() > 0.1);
    assert!(
        std::fs::read_to_string(&figure)
            .unwrap()
            .contains("nominal")
    );
}

#[test]
fn wrong_arguments_are_told_in_one_sentence() {
    let (folder, run) = small_run();
    let out = folder.path().join("out.json");
    let out = out.to_str().unwrap();
    let asks = |analysis: &str, more: &[&str]| {
        refused(&[&["analyze", &run, analysis, "--out", out][..], more].concat())
    };
    for value in ["0", "-1", "nan", "inf"] {
        let said = asks("sharpness", &["--rho", value]);
        assert!(
            said.starts_with("--rho is") && said.contains("above 0"),
            "{said}"
        );
    }
    assert!(asks("sharpness", &["--sigma", "-2"]).starts_with("--sigma is -2"));
    assert!(asks("sharpness", &["--probes", "1"]).contains("--probes"));
    assert!(asks("sharpness", &["--figure", "x.jpg"]).contains(".svg or .png"));
    assert!(asks("quantized", &["--bits", "0"]).contains("--bits"));
    assert!(asks("quantized", &["--scope", "row"]).contains("--scope"));
    assert!(asks("quantized", &["--extent", "-1"]).starts_with("--extent is -1"));
    assert!(!Path::new(out).exists());
    let nowhere = refused(&["analyze", "nowhere", "quantized", "--out", out]);
    assert!(nowhere.contains("not the folder of a run"));
}

#[test]
fn signals_write_the_documented_keys() {
    let (folder, run) = small_run();
    let (out, figure) = (folder.path().join("s.json"), folder.path().join("s.svg"));
    let (file, picture) = (out.to_str().unwrap(), figure.to_str().unwrap());
    let common = ["analyze", &run, "signals", "--out", file];
    let asks = |more: &[&str]| losscape(&[&common[..], more].concat()).unwrap();
    let refuses = |more: &[&str]| refused(&[&common[..], more].concat());
    let more = ["--from", "10", "--steps", "12", "--top", "3", "--at", "15"];
    asks(&[&more[..], &["--figure", picture]].concat());
    let found = json(&out);
    assert_eq!((&found["from"], &found["steps"]), (&10.into(), &12.into()));
    assert_eq!(
        (&found["step"], &found["samples"]),
        (&22.into(), &45.into())
    );
    let list = |value: &Value| value.as_array().unwrap().len();
    assert_eq!(
        (list(&found["loss"]), list(&found["learning_rate"])),
        (13, 12)
    );
    let change = &found["changes"][5];
    assert_eq!(change["step"], 15);
    let loss = |k: usize| found["loss"][k].as_f64().unwrap();
    assert!((change["loss_change"].as_f64().unwrap() - (loss(6) - loss(5))).abs() < 1e-15);
    assert_eq!(list(&change["rising"]).max(list(&change["falling"])), 3);
    assert!(change["falling"][0]["change"].as_f64().unwrap() < 0.0);
    assert!(change["ratio"].as_f64().unwrap() > 0.0);
    let groups = &found["groups"];
    assert_eq!(
        (list(&groups["running"]), list(&groups["cosine"])),
        (12, 13)
    );
    assert_eq!(list(&groups["rising"]["rows"]), 3);
    assert!(groups["running"][0].is_null() && groups["running"][9].is_number());
    assert!(groups["rule"].as_str().unwrap().contains("largest"));
    let drawn = std::fs::read_to_string(&figure).unwrap();
    assert!(drawn.contains("step 15 → 16") && drawn.contains("cos(g₊, g₋)"));
    // The last steps, fewer than asked for.
    asks(&["--from", "30"]);
    assert_eq!(json(&out)["steps"], 10);
    asks(&["--steps", "15"]);
    assert_eq!(json(&out)["from"], 25);
    assert!(refuses(&["--from", "40"]).contains("before the run's last, 40"));
    assert!(refuses(&["--top", "0"]).contains("--top"));
    let late = refuses(&[
        "--from", "5", "--steps", "3", "--at", "8", "--figure", picture,
    ]);
    assert!(late.contains("from 5 to 7"));
}

#[test]
fn stability_and_flow_write_the_documented_keys() {
    let (folder, run) = small_run();
    let out = folder.path().join("out.json");
    let figure = folder.path().join("out.svg");
    let (file, picture) = (out.to_str().unwrap(), figure.to_str().unwrap());
    let window = ["--from", "10", "--steps", "8", "--every", "4"];
    let common = ["--out", file, "--figure", picture];
    let asked = [
        "analyze",
        &run,
        "stability",
        "--top",
        "2",
        "--part",
        "overlap",
    ];
    losscape(&[&asked[..], &window, &common].concat()).unwrap();
    let found = json(&out);
    assert_eq!(
        (&found["recipe"], &found["step"], &found["from"]),
        (&"Small".into(), &10.into(), &10.into())
    );
    assert_eq!(found["steps"].as_array().unwrap().len(), 9);
    assert_eq!(found["spectra"].as_array().unwrap().len(), 3);
    assert_eq!(found["overlaps"][0].as_array().unwrap().len(), 3);
    assert_eq!(found["is_preconditioned"], true);
    let reading = &found["spectra"][1];
    assert_eq!(reading["step"], 14);
    for key in ["share", "batch_share", "scaled_sharpness"] {
        assert!(reading[key].is_number(), "{key}");
    }
    assert!(reading["preconditioned"]["residual"].is_number());
    assert!(reading["batch_sharpness"]["stderr"].is_number());
    assert!(reading["trace"]["value"].is_number());
    assert!(found["steps"][0]["predicted_change"].is_number());
    assert!(found["steps"][8]["predicted_change"].is_null());
    assert!(
        std::fs::read_to_string(&figure)
            .unwrap()
            .contains("overlap")
    );

    let asked = ["analyze", &run, "flow", "--beside", "gradient"];
    losscape(&[&asked[..], &window, &common].concat()).unwrap();
    let found = json(&out);
    let steps = found["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 9);
    assert_eq!(steps[0]["gradient_flow"]["distance"], 0.0);
    assert!((steps[8]["time"].as_f64().unwrap() - 0.16).abs() < 1e-12);
    assert!(steps[0]["central_flow"].is_null());
    assert_eq!(found["is_gradient_descent"], false);

    // Without a first step the window ends where the run does.
    losscape(&["analyze", &run, "stability", "--steps", "6", "--out", file]).unwrap();
    assert_eq!(json(&out)["from"], 34);
    let late = ["analyze", &run, "flow", "--from", "41", "--out", file];
    let sentence = refused(&late);
    assert!(
        sentence.contains("--from is 41") && sentence.contains("step 40"),
        "{sentence}"
    );
    refused(&["analyze", &run, "stability", "--steps", "0", "--out", file]);
    refused(&[
        "analyze",
        &run,
        "stability",
        "--figure",
        "x.gif",
        "--out",
        file,
    ]);
}

#[test]
fn the_hessian_taken_apart_writes_the_documented_keys() {
    let (folder, run) = small_run();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, figure) = (at("spectrum.json"), at("spectrum.svg"));
    let asked = [
        "analyze", &run, "spectrum", "--out", &out, "--figure", &figure,
    ];
    let all = [
        "--exact",
        "--layers",
        "--tensors",
        "--classes",
        "--batches",
        "2",
        "--stems",
    ];
    losscape(&[&asked[..], &all[..]].concat()).unwrap();
    let found = json(Path::new(&out));
    assert!(found["outliers"]["edges"][1].is_number());
    assert!(found["outliers"]["above"].is_array());
    assert!(found["verification"]["share"].as_f64().unwrap() < 1.0);
    assert!(found["verification"]["eigenvalue"].as_f64().unwrap() < 1e-6);
    let tensors = found["tensors"].as_array().unwrap();
    assert_eq!(tensors.len(), 4);
    assert_eq!(tensors[0]["name"], "0.weight");
    assert!(tensors[0]["coupling"][3]["value"].is_number());
    assert!(found["classes"][0]["density"]["rules"].is_array());
    let batches = found["batches"].as_array().unwrap();
    let sizes: Vec<u64> = batches
        .iter()
        .map(|b| b["size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [1, 2, 4, 8, 16, 32, 45]);
    let counts: Vec<usize> = batches
        .iter()
        .map(|b| b["batches"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [32, 22, 11, 5, 2, 2, 1]);
    // The full batch is the whole Hessian.
    let full = batches[6]["largest"]["mean"].as_f64().unwrap();
    let whole = found["eigenvalues"][0]["value"].as_f64().unwrap();
    assert!((full - whole).abs() < 1e-7 * whole.abs());
    assert!(batches[6]["largest"]["deviation"].is_null());
    let text = std::fs::read_to_string(&figure).unwrap();
    for word in ["Coupling", "batch size B", "exact"] {
        assert!(text.contains(word), "{word}");
    }

    losscape(&[&asked[..], &["--matrix", "preconditioned", "--log"]].concat()).unwrap();
    let found = json(Path::new(&out));
    assert_eq!(found["matrix"], "preconditioned");
    assert!(found["eigenvalues"][0]["value"].as_f64().unwrap() != whole);
    let refused_at = |more: &[&str]| refused(&[&asked[..], more].concat());
    assert!(refused_at(&["--matrix", "rest", "--batches"]).contains("--batches"));
    assert!(refused_at(&["--bandwidth", "0"]).contains("--bandwidth is 0"));
    let parameters = format!("{run}/parameters.safetensors");
    let unknown = refused_at(&["--matrix", "preconditioned", "--parameters", &parameters]);
    assert!(unknown.contains("is not known"), "{unknown}");
}

#[test]
fn a_waterfall_has_the_densities_of_its_moments() {
    let (folder, run) = small_run();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, figure) = (at("waterfall.json"), at("waterfall.png"));
    let asked = ["analyze", &run, "waterfall", "--out", &out];
    let more = ["--moments", "4", "--figure", &figure, "--log"];
    losscape(&[&asked[..], &more[..]].concat()).unwrap();
    let found = json(Path::new(&out));
    let rows = found["rows"].as_array().unwrap();
    let steps: Vec<u64> = rows
        .iter()
        .map(|row| row["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [0, 13, 27, 40]);
    assert_eq!(found["probes"], 3);
    assert_eq!(rows[0]["density"]["rules"].as_array().unwrap().len(), 3);
    let bytes = std::fs::read(&figure).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    let sentence = refused(&[&asked[..], &["--matrix", "preconditioned"]].concat());
    assert!(sentence.contains("do not remember"));
}
