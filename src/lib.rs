//! Microsoft Intune tenants as SQL rows.

pub mod changes;
pub mod definitions;
pub mod events;
pub mod fixtures;
pub mod flatten;
pub mod json;
pub mod policy;
pub mod registry;
pub mod report;
pub mod search;
pub mod store;
pub mod sync;
