//! Policies to rows: pure functions, one file per shape.

pub mod humanize;
