//! What was done to the database before.

use diesel::prelude::*;

use super::Conn;

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Versions of the migrations that were run. Only read: Diesel's own way makes the table where it is missing, which
/// a user who may not make tables is refused even where it is there.
pub(in crate::store) fn applied(conn: &mut Conn) -> QueryResult<Vec<String>> {
    __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(conn)
}
