//! URLs on the configured Graph host: joined from paths, or taken from next links and held against its origin.

use std::fmt::Write as _;

use url::Url;

use super::GraphError;
use crate::auth;

/// The version where a path names none: most of Intune exists in beta only.
const VERSION: &str = "beta";

/// Graph's base URL.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    base: Url,
}

impl Endpoint {
    pub(super) fn new(base: Url) -> Self {
        Self { base }
    }

    /// The URL of a path and query such as `deviceManagement/intents?$top=100`; a version in front is kept.
    pub(super) fn url(&self, path_and_query: &str) -> Result<Url, GraphError> {
        let path = path_and_query.trim_start_matches('/');
        let base = self.base.as_str().trim_end_matches('/');
        let versioned = ["beta/", "v1.0/"].iter().any(|version| path.starts_with(version));
        let text = if versioned { format!("{base}/{path}") } else { format!("{base}/{VERSION}/{path}") };
        let url = Url::parse(&text).map_err(|e| GraphError::bad_response(format!("not a path of Graph: {e}")))?;
        self.check_origin(url)
    }

    /// The URL of a next link, only if it stays on Graph's origin: the token goes nowhere else.
    pub(super) fn link(&self, link: &str) -> Result<Url, GraphError> {
        // A link is absolute and taken verbatim; joining only serves a server that leaves out the host.
        let url =
            self.base.join(link).map_err(|e| GraphError::bad_response(format!("a next link that is no URL: {e}")))?;
        self.check_origin(url)
    }

    fn check_origin(&self, url: Url) -> Result<Url, GraphError> {
        if url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none() {
            return Ok(url);
        }
        let origin = url.origin().ascii_serialization();
        Err(GraphError::ForeignLink { origin: auth::one_line(&origin, 100) })
    }
}

/// An id as one segment of a path: everything but letters, digits and `-._~` is percent-encoded.
pub fn segment(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
