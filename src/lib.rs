//! losscape trains small neural networks and shows what training does to them:
//! loss curves, slices of the loss landscape, Hessian spectra, gradient maps.
//!
//! A recipe makes a run, a run leaves a history, an analysis turns a moment of
//! the history into a result, and a figure shows the result, on screen and on
//! paper alike. `ARCHITECTURE.md` tells which room uses which.

pub mod files;
pub mod math;
pub mod recipe;

pub mod data;
pub mod functions;
pub mod nn;

pub mod objective;
pub mod train;

pub mod catalogue;
pub mod connectivity;
pub mod curvature;
pub mod diagnostics;
pub mod figure;
pub mod gradients;
pub mod landscape;
pub mod race;
pub mod stability;

// Fixed works on fixed networks, timed.
pub mod benchmark;
pub mod engine;
pub mod session;
// Turns runs and results into figures, for the window and the command line alike.
pub mod views;

#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
