//! The window: what a person sees and does.
//!
//! [`App`] drains the engine's events in [`eframe::App::logic`] and draws in
//! [`eframe::App::ui`]; it never computes and never waits. [`workspace`] is what
//! it knows, [`commands`] is everything that can be done, [`workbench`] arranges
//! the views of [`panels`], and [`theme`] holds every colour.

mod background;
mod banner;
pub mod commands;
pub mod dialogs;
pub mod export;
pub mod fonts;
mod frame_times;
mod gallery;
pub mod icons;
pub mod notifications;
pub mod opening;
mod palette;
pub mod panels;
pub mod persistence;
pub mod plot;
pub mod recipe_editor;
mod runs;
mod shell;
mod status;
pub mod surface;
#[cfg(test)]
mod testing;
mod textures;
pub mod theme;
mod timeline;
mod transport;
mod widgets;
mod window;
mod windows;
pub mod workbench;
pub mod workspace;

pub use frame_times::FrameTimes;
pub use shell::{App, AppOptions};
pub use status::Adapter;
pub use window::{WindowError, run_window};
