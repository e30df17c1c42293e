//! Every registry in one place.
