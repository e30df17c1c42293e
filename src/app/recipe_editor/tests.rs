//! The recipe editor without a window.
