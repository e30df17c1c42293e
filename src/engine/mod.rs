//! Threads: one that trains, some that analyse; commands in, events out.
//!
//! The window holds an [`Engine`] and never computes and never blocks:
//! [`Engine::load`], [`Engine::send`] and [`Engine::submit`] return at once,
//! [`Engine::drain`] hands over what has happened since, and the newest
//! parameters and gradient lie in slots that only the newest value occupies.
//! The engine wakes the window at most once between two drains.
