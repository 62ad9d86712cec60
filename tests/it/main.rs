//! The one test binary: a module per area, each test named by the rule it holds.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong, in helpers as well")]

mod auth;
mod cli;
mod corpus;
mod fixtures;
mod flatten;
mod flatten_names;
mod flatten_properties;
mod flatten_values;
mod graph;
mod kinds;
mod live;
mod live_cli;
mod names;
mod packaging;
mod people;
mod queue;
mod registry;
mod store;
mod support;
mod worker;
mod worker_cli;
