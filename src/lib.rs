//! losscape
