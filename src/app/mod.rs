//! The window.

pub mod commands;
pub mod frame_times;
pub mod icons;
pub mod notifications;
pub mod palette;
pub mod theme;
