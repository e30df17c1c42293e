//! Opening the real window.

use eframe::egui;

use super::shell::{App, AppOptions};

/// The name under which desktops and storage know the program.
const APP_ID: &str = "losscape";

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// There is no display to open a window on.
    #[error("there is no display to open a window on ({0})")]
    NoDisplay(String),
    /// There is a display, but nothing that can draw on it.
    #[error(
        "no graphics adapter can draw the window ({0}); install a Vulkan driver, such as Mesa's \
         software one (Debian: mesa-vulkan-drivers), or set WGPU_BACKEND=gl"
    )]
    NoAdapter(String),
    /// Anything else.
    #[error("the window could not be opened: {0}")]
    Other(String),
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// [`WindowError`]: without a display or an adapter the same work can be done
/// without a window.
pub fn run_window(options: AppOptions) -> Result<(), WindowError> {
    if let Some(missing) = missing_display() {
        return Err(WindowError::NoDisplay(missing.to_owned()));
    }
    let viewport = egui::ViewportBuilder::default()
        .with_title("losscape")
        .with_app_id(APP_ID)
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([720.0, 480.0])
        .with_icon(icon())
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        centered: true,
        // The bundled fonts have every sign that the window shows.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        APP_ID,
        native,
        Box::new(|cc| Ok(Box::new(App::new(cc, options)?))),
    )
    .map_err(WindowError::from)
}

/// Linux tells by its environment whether there is a display at all. Asking
/// first gives a plain answer, where the window system's own would be long.
fn missing_display() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET") || set("DISPLAY") {
        None
    } else {
        Some("neither WAYLAND_DISPLAY nor DISPLAY is set")
    }
}

impl From<eframe::Error> for WindowError {
    fn from(error: eframe::Error) -> Self {
        match error {
            eframe::Error::Winit(error) => Self::NoDisplay(reason(&error.to_string())),
            eframe::Error::WinitEventLoop(error) => Self::NoDisplay(reason(&error.to_string())),
            eframe::Error::Wgpu(error) => Self::NoAdapter(reason(&error.to_string())),
            other => Self::Other(reason(&other.to_string())),
        }
    }
}

/// The part of a library's message that a person can use: its first line,
/// without the place in the source and without an empty list of causes.
fn reason(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.trim_end_matches("{}").trim_end_matches([':', ' ']);
    match line.strip_prefix("os error at ") {
        Some(placed) => placed.split_once(": ").map_or(placed, |(_, reason)| reason),
        None => line,
    }
    .to_owned()
}

/// The program's sign: contour lines around a minimum, and the way into it.
fn icon() -> egui::IconData {
    const SIDE: usize = 64;
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    let lut = crate::figure::Colormap::Viridis.lut();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = |pixel: usize| (pixel as f32 + 0.5) / SIDE as f32 * 2.0 - 1.0;
            let (x, y) = (at(x), at(y));
            let corner = x.abs().max(y.abs());
            let (a, b) = (x * 0.8 + y * 0.6, y * 0.8 - x * 0.6);
            let height = ((a * a * 0.9 + b * b * 2.6) / 2.2).min(1.0);
            let band = (height * 7.0).floor() / 7.0;
            let [r, g, bl] = lut[((band * 0.95) * (lut.len() - 1) as f32) as usize];
            let alpha = if corner > 0.94 { 0 } else { 255 };
            rgba.extend([r, g, bl, alpha]);
        }
    }
    egui::IconData {
        rgba,
        width: SIDE as u32,
        height: SIDE as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_as_large_as_it_says() {
        let icon = icon();
        assert_eq!(icon.rgba.len(), (icon.width * icon.height * 4) as usize);
    }

    #[test]
    fn reasons_are_for_people() {
        assert_eq!(
            reason("os error at /src/winit/mod.rs:788: Failed to open connection to X server"),
            "Failed to open connection to X server"
        );
        assert_eq!(
            reason("Failed to create surface for any enabled backend: {}"),
            "Failed to create surface for any enabled backend"
        );
        assert_eq!(reason("one\ntwo"), "one");
    }

    #[test]
    fn a_missing_adapter_says_what_to_install() {
        let text = WindowError::NoAdapter("none found".to_owned()).to_string();
        assert!(text.contains("mesa-vulkan-drivers"), "{text}");
        assert!(!text.contains('\n'));
    }
}
