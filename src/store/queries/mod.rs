//! The queries, one text for both databases: this folder is compiled once for each, and what differs comes
//! from the backend above it.

pub(in crate::store) mod definitions;
pub(in crate::store) mod migrations;
pub(in crate::store) mod reads;
pub(in crate::store) mod runs;
pub(in crate::store) mod writes;

use super::{super::Rows, Conn, Db, insert_settings, write_transaction};
