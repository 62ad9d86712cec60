//! The environment: names of variables, and secrets from files.

use anyhow::Context as _;

/// Where the database is; may hold a password.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// Another PostgreSQL schema than the server's default.
pub(crate) const DATABASE_SCHEMA: &str = "DATABASE_SCHEMA";

/// Where the queue is; may hold a password.
pub(crate) const REDIS_URL: &str = "REDIS_URL";

/// Another Graph than the cloud's own.
pub(crate) const GRAPH_URL: &str = "TENANTPILOT_GRAPH_URL";
/// Another authority than the cloud's own.
pub(crate) const AUTHORITY_URL: &str = "TENANTPILOT_AUTHORITY_URL";
/// The app's id, under either name.
pub(crate) const CLIENT_ID: [&str; 2] = ["AZURE_AD_CLIENT_ID", "AZURE_CLIENT_ID"];
/// The app's secret, under either name.
pub(crate) const CLIENT_SECRET: [&str; 2] = ["AZURE_AD_CLIENT_SECRET", "AZURE_CLIENT_SECRET"];

/// The first of these that is set, by itself or by a file.
pub(crate) fn first_secret(names: [&str; 2]) -> anyhow::Result<Option<String>> {
    for name in names {
        if let Some(value) = secret(name)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// A variable that may hold a secret: its value, or the content of the file that `NAME_FILE` names.
pub(crate) fn secret(name: &str) -> anyhow::Result<Option<String>> {
    if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
        return Ok(Some(value));
    }
    let file_name = format!("{name}_FILE");
    let Some(path) = std::env::var_os(&file_name).filter(|path| !path.is_empty()) else { return Ok(None) };
    let value = std::fs::read_to_string(&path)
        .with_context(|| format!("failed to read the file `{}` of `{file_name}`", path.to_string_lossy()))?;
    Ok(Some(value.trim_end_matches(['\r', '\n']).to_owned()))
}
