//! Microsoft Intune tenants as SQL rows: one readable row per setting of every policy, in SQLite or
//! PostgreSQL, with the history of what changed.
//!
//! ```text
//! graph (pages over HTTP) ─┐
//!                          ├─ sync ─ flatten ─ store
//! fixtures (files) ────────┘
//! ```
//!
//! [`sync::run`] takes a [`sync::Source`], flattens its policies ([`flatten`]) side by side and hands them to
//! the one writer of a [`store::Store`]. [`registry`] is the one list of kinds; [`report`] is the summary;
//! [`events`] tell what happens meanwhile, since the library never prints.

pub mod auth;
pub mod changes;
mod crypto;
mod decode;
pub mod definitions;
pub mod directory;
pub mod events;
pub mod fixtures;
pub mod flatten;
pub mod graph;
pub mod json;
pub mod policy;
pub mod queue;
pub mod registry;
pub mod report;
mod scan;
pub mod search;
pub mod store;
pub mod sync;
pub mod worker;
