//! Microsoft Graph over HTTP: authorised, paced and retried requests, pages and batches. Knows no kind by name.

mod batch;
mod client;
mod endpoint;
mod error;
mod exchange;
mod gate;
mod meter;
mod page;
mod rate;
mod retry;

pub use client::{Client, Options};
pub use endpoint::segment;
pub use error::GraphError;
pub use meter::Meter;
pub use retry::RetryPolicy;

/// One element of a list, not parsed: a bad one costs itself, never its page.
pub type RawItem = Box<serde_json::value::RawValue>;
