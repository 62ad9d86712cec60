//! Microsoft Intune tenants as SQL rows.

pub mod definitions;
pub mod flatten;
pub mod policy;
