//! Every shader is valid WGSL, as the compiler that draws with it sees it.

use std::path::{Path, PathBuf};

fn shaders() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "wgsl"))
        .collect();
    files.sort();
    files
}

/// Parses and validates; the number of entry points.
fn validate(source: &str) -> Result<usize, String> {
    let module =
        naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    naga::valid::Validator::new(
        naga::valid::ValidationFlags::all(),
        naga::valid::Capabilities::empty(),
    )
    .validate(&module)
    .map_err(|error| error.emit_to_string(source))?;
    Ok(module.entry_points.len())
}

#[test]
fn every_shader_is_valid() {
    let files = shaders();
    assert!(!files.is_empty(), "there are shaders");
    assert!(files.iter().any(|file| file.ends_with("surface.wgsl")));
    for file in files {
        let source = std::fs::read_to_string(&file).expect("a text file");
        let entries =
            validate(&source).unwrap_or_else(|error| panic!("{}:\n{error}", file.display()));
        assert!(entries >= 2, "{}: vertices and fragments", file.display());
    }
}

#[test]
fn broken_shaders_are_refused() {
    let source = std::fs::read_to_string(&shaders()[0]).expect("a text file");
    for (part, broken) in [
        ("@fragment", "@fragmnet"),
        ("view.matrix", "view.martix"),
        ("vec4<f32>(place, 1.0)", "vec3<f32>(place)"),
        ("-> @location(0) vec4<f32> {", "-> vec4<f32> {"),
    ] {
        assert!(source.contains(part), "{part}");
        let broken = source.replacen(part, broken, 1);
        assert!(validate(&broken).is_err(), "{part} became {broken}");
    }
}
