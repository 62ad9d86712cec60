//! PostgreSQL: the asynchronous client under Diesel's synchronous interface, so that both databases share
//! one text of each query. Everything here runs on blocking threads of a tokio runtime.

use std::time::Duration;

use diesel::{connection::SimpleConnection as _, prelude::*, upsert::excluded};
use diesel_async::{AsyncPgConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use functions::{
    current_schema, pg_try_advisory_lock, unnest_bigint, unnest_bool_null, unnest_text, unnest_text_null,
    unnest_timestamp,
};

use super::{
    Rows,
    error::{StoreError, first_line},
    models::NewSetting,
    schema::settings,
    tls,
    url::DatabaseUrl,
};

#[path = "queries/mod.rs"]
pub(super) mod queries;

pub(super) type Conn = AsyncConnectionWrapper<AsyncPgConnection>;
type Db = diesel::pg::Pg;

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Rows in one statement: measured, 5,000 write faster than fewer or more.
const ROWS_PER_STATEMENT: usize = 5_000;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be dead before it counts as lost.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a server that waits may not know that this program has ended.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// How often a server asks a machine that is silent before it counts as gone.
const QUESTIONS: u32 = 3;
const QUESTIONS_APART: Duration = Duration::from_secs(5);

mod functions {
    //! Functions of the server that Diesel does not declare.
    use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamp};

    diesel::define_sql_function! {
        /// Takes a lock of this session, or tells that another session holds it.
        fn pg_try_advisory_lock(key: BigInt) -> Bool;
    }
    diesel::define_sql_function! { fn current_schema() -> Nullable<Text>; }
    diesel::define_sql_function! { #[sql_name = "unnest"] fn unnest_text(values: Array<Text>) -> Text; }
    diesel::define_sql_function! {
        #[sql_name = "unnest"]
        fn unnest_text_null(values: Array<Nullable<Text>>) -> Nullable<Text>;
    }
    diesel::define_sql_function! {
        #[sql_name = "unnest"]
        fn unnest_bool_null(values: Array<Nullable<Bool>>) -> Nullable<Bool>;
    }
    diesel::define_sql_function! { #[sql_name = "unnest"] fn unnest_bigint(values: Array<BigInt>) -> BigInt; }
    diesel::define_sql_function! { #[sql_name = "unnest"] fn unnest_timestamp(values: Array<Timestamp>) -> Timestamp; }
}

mod catalog {
    //! The server's own list of what a schema holds. `information_schema` hides what a user has no rights to.
    diesel::table! {
        pg_catalog.pg_class (oid) {
            oid -> Oid,
            relname -> Text,
            relnamespace -> Oid,
            relkind -> CChar,
        }
    }
    diesel::table! {
        pg_catalog.pg_namespace (oid) {
            oid -> Oid,
            nspname -> Text,
        }
    }
    diesel::joinable!(pg_class -> pg_namespace (relnamespace));
    diesel::allow_tables_to_appear_in_same_query!(pg_class, pg_namespace);
}

/// Connects; `schema` is where unqualified names are looked for.
pub(super) fn open(url: &DatabaseUrl, address: &str, schema: Option<&str>) -> Result<Conn, StoreError> {
    let failed = |reason: String| StoreError::Connect { database: url.to_string(), reason };
    let (address, verify) = tls::verification(address);
    let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| failed(with_cause(&error)))?;
    config.connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT));
    // a server that is cut off is noticed, also in the middle of a statement
    config.keepalives_idle(SILENCE / 2).tcp_user_timeout(SILENCE);
    if config.get_application_name().is_none() {
        config.application_name("tenantpilot");
    }
    if let Some(schema) = schema {
        let options = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
        config.options(format!("{options}-c search_path={schema}"));
    }
    // a socket of this machine is never encrypted, as with every other client
    if config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_))) {
        config.ssl_mode(SslMode::Disable);
    }
    let handle = tokio::runtime::Handle::current();
    let connected = handle.block_on(async {
        let tls = tls::connector(verify);
        let (client, connection) = match tokio::time::timeout(CONNECT_TIMEOUT * 2, config.connect(tls)).await {
            Ok(connected) => connected.map_err(|error| with_cause(&error))?,
            Err(_) => return Err("no answer in time".to_owned()),
        };
        AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(|error| first_line(&error))
    });
    let mut conn = connected.map(Conn::from).map_err(failed)?;
    // each by itself and where the server can: one that it does not know takes no other along
    for setting in notices_an_end() {
        let _ = conn.batch_execute(&setting);
    }
    Ok(conn)
}

/// What makes the server see soon that this program, or its machine, is gone: until then it keeps the tenant's lock.
fn notices_an_end() -> [String; 2] {
    let (idle, apart) = (GONE_AFTER.as_secs(), QUESTIONS_APART.as_secs());
    [
        // a session that waits for its client; over a socket of this machine they mean nothing
        format!(
            "SET tcp_keepalives_idle = {idle}; SET tcp_keepalives_interval = {apart}; \
             SET tcp_keepalives_count = {QUESTIONS}"
        ),
        // one that waits for a table; servers before 14 know no such thing
        format!("SET client_connection_check_interval = {}", GONE_AFTER.as_millis()),
    ]
}

/// The client's own text is only "error connecting to server": the cause tells why.
fn with_cause(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    first_line(&text)
}

/// Makes the schema that `DATABASE_SCHEMA` names; it may only hold plain names, which need no quoting.
pub(super) fn create_schema(conn: &mut Conn, schema: &str) -> QueryResult<()> {
    if !exists(conn, schema)? {
        conn.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
    }
    Ok(())
}

fn exists(conn: &mut Conn, schema: &str) -> QueryResult<bool> {
    let named = catalog::pg_namespace::table.filter(catalog::pg_namespace::nspname.eq(schema));
    diesel::select(diesel::dsl::exists(named)).get_result(conn)
}

/// Names of the tables and views in the schema that is written to. `asked` is the schema that was asked for.
pub(super) fn tables(conn: &mut Conn, asked: Option<&str>) -> QueryResult<Vec<String>> {
    let schema: Option<String> = diesel::select(current_schema()).get_result(conn)?;
    if let (None, Some(asked)) = (&schema, asked)
        && exists(conn, asked)?
    {
        // it may not be looked into: let the server say so
        conn.batch_execute(&format!("SELECT 1 FROM {asked}.policies LIMIT 0"))?;
    }
    catalog::pg_class::table
        .inner_join(catalog::pg_namespace::table)
        .filter(catalog::pg_namespace::nspname.eq(schema.unwrap_or_default()))
        // ordinary and partitioned tables, views of both sorts, foreign tables
        .filter(catalog::pg_class::relkind.eq_any([b'r', b'p', b'v', b'm', b'f']))
        .select(catalog::pg_class::relname)
        .load(conn)
}

/// Takes a lock that is given back with the connection, or tells that another session holds it.
pub(super) fn try_lock(conn: &mut Conn, what: &str) -> QueryResult<bool> {
    let schema: Option<String> = diesel::select(current_schema()).get_result(conn)?;
    let name = format!("tenantpilot/{}/{what}", schema.unwrap_or_default());
    let mut key = [0; 8];
    key.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..8]);
    diesel::select(pg_try_advisory_lock(i64::from_le_bytes(key))).get_result(conn)
}

/// Gives back what locks the session has.
pub(super) fn unlock(conn: &mut Conn) -> QueryResult<()> {
    conn.batch_execute("SELECT pg_advisory_unlock_all()")
}

pub(super) fn write_transaction<T, E: From<diesel::result::Error>>(
    conn: &mut Conn,
    write: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    conn.transaction(write)
}

pub(super) fn insert_settings(conn: &mut Conn, rows: &[NewSetting<'_>], what: Rows) -> QueryResult<()> {
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        macro_rules! column {
            ($column:ident) => {
                chunk.iter().map(|row| row.$column).collect::<Vec<_>>()
            };
        }
        // one array for each column: eleven parameters, however many rows
        let arrays = diesel::select((
            unnest_bigint(column!(policy_id)),
            unnest_text(column!(setting_name)),
            unnest_text_null(column!(setting_value)),
            unnest_text(column!(setting_path)),
            unnest_text_null(column!(definition_id)),
            unnest_text_null(column!(category)),
            unnest_bool_null(column!(configured)),
            unnest_text_null(column!(raw_value)),
            unnest_text(chunk.iter().map(|row| row.search_text.as_str()).collect::<Vec<_>>()),
            unnest_timestamp(column!(created_at)),
            unnest_timestamp(column!(updated_at)),
        ));
        let insert = diesel::insert_into(settings::table).values(arrays).into_columns((
            settings::policy_id,
            settings::setting_name,
            settings::setting_value,
            settings::setting_path,
            settings::definition_id,
            settings::category,
            settings::configured,
            settings::raw_value,
            settings::search_text,
            settings::created_at,
            settings::updated_at,
        ));
        match what {
            Rows::New => insert.execute(conn)?,
            Rows::PerhapsStored => super::upsert_settings!(insert).execute(conn)?,
        };
    }
    Ok(())
}
