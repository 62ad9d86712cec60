//! Definitions from a file: what Graph lists, or a plain table of names by id.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Definition, Listed, MAX_ID, MAX_NAME, wire::line};
use crate::json::{Document, JsonError};

/// Largest file that is read, in bytes; all of Microsoft's definitions are about 65 MB.
const MAX_FILE: u64 = 512 << 20;

/// Why a file gave no definitions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It cannot be read.
    #[error("failed to read `{file}`: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large.
    #[error("`{file}` is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge {
        /// The file.
        file: String,
    },
    /// Its bytes are no text.
    #[error("`{file}` is no text: {reason}")]
    Encoding {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// It is not JSON.
    #[error("`{file}` is not JSON: {source}")]
    Json {
        /// The file.
        file: String,
        /// Why.
        source: JsonError,
    },
    /// It is JSON of another shape.
    #[error("`{file}` holds no definitions: {reason}")]
    Shape {
        /// The file.
        file: String,
        /// What was found instead.
        reason: &'static str,
    },
}

/// Reads definitions from a file. Elements without an id or a name are left out; the second number counts them.
pub fn read_file(path: &Path) -> Result<(Vec<Listed>, usize), ImportError> {
    let file = path.display().to_string();
    let unread = |source| ImportError::Read { file: file.clone(), source };
    if std::fs::metadata(path).map_err(unread)?.len() > MAX_FILE {
        return Err(ImportError::TooLarge { file });
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    let text = crate::decode::text(bytes).map_err(|reason| ImportError::Encoding { file: file.clone(), reason })?;
    let document = Document::parse(&text).map_err(|source| ImportError::Json { file: file.clone(), source })?;
    let found = definitions(&document.value).map_err(|reason| ImportError::Shape { file: file.clone(), reason })?;
    let all = found.len();
    let mut named: Vec<Listed> =
        found.into_iter().flatten().filter(|listed| !listed.definition.names_nothing()).collect();
    for listed in &mut named {
        let Definition { display_name, description, category, options } = &mut listed.definition;
        let texts = display_name.iter_mut().chain(description).chain(category).chain(options.values_mut());
        texts.for_each(|text| document.readable(text));
    }
    if named.is_empty() {
        return Err(ImportError::Shape { file, reason: "no element of it has an id and a name" });
    }
    let left_out = all - named.len();
    Ok((named, left_out))
}

fn definitions(value: &Value) -> Result<Vec<Option<Listed>>, &'static str> {
    match value {
        Value::Array(items) => Ok(items.iter().map(Listed::from_graph).collect()),
        Value::Object(object) => match object.get("value") {
            Some(Value::Array(items)) => Ok(items.iter().map(Listed::from_graph).collect()),
            _ if object.get("id").is_some_and(Value::is_string) => Ok(vec![Listed::from_graph(value)]),
            _ => Ok(table(object)),
        },
        _ => Err("expected a list of definitions, or an object of names by id"),
    }
}

/// `{"<id>": "<name>"}` or `{"<id>": {"displayName": …, "options": {"<item id>": "<name>"}}}`.
fn table(object: &Map<String, Value>) -> Vec<Option<Listed>> {
    let named = |(id, said): (&String, &Value)| {
        if id.is_empty() || id.len() > MAX_ID {
            return None;
        }
        let text = |value: &Value| value.as_str().and_then(|text| line(text, MAX_NAME));
        let definition = match said {
            Value::String(_) => Definition { display_name: text(said), ..Definition::default() },
            Value::Object(said) => {
                let options = said.get("options").and_then(Value::as_object).into_iter().flatten();
                let options =
                    options.filter_map(|(item, name)| Some((item.to_ascii_lowercase(), text(name)?))).collect();
                Definition {
                    display_name: said.get("displayName").and_then(text),
                    description: said.get("description").and_then(text),
                    category: said.get("category").and_then(text),
                    options,
                }
            }
            _ => return None,
        };
        Some(Listed { id: id.to_ascii_lowercase(), definition, category_id: None })
    };
    // an annotation such as `@odata.context` names nothing
    object.iter().filter(|(id, _)| !id.contains("@odata.")).map(named).collect()
}
