//! An answer before it goes onto the wire, whole or broken off.

use std::{convert::Infallible, io, io::Write as _, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

/// How the transfer of an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// The connection breaks half-way.
    Cut,
    /// Half of it comes, and then nothing.
    Stall,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) ending: Ending,
    pub(super) hangs: bool,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(super) fn text(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("request-id".to_owned(), uuid::Uuid::new_v4().to_string()),
        ];
        Self { status, headers, body: body.as_bytes().to_vec(), ending: Ending::Whole, hangs: false }
    }

    /// Graph's error body.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let inner = json!({ "date": "2026-11-02T10:00:00", "request-id": uuid::Uuid::new_v4().to_string() });
        Self::json(status, &json!({ "error": { "code": code, "message": message, "innerError": inner } }))
    }

    pub(super) fn into_response(self, gzip: bool) -> Response {
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).expect("a valid status"));
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let length = self.body.len();
        let half = Bytes::copy_from_slice(&self.body[..length / 2]);
        let body = match self.ending {
            Ending::Whole if gzip && length > 200 => {
                response = response.header(header::CONTENT_ENCODING, "gzip");
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&self.body).and_then(|()| encoder.finish()).expect("compression in memory").into()
            }
            Ending::Whole => Body::from(self.body),
            Ending::Cut => {
                response = response.header(header::CONTENT_LENGTH, length);
                // A moment later, or the headers never leave either.
                let cut = stream::once(async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Err(io::Error::other("cut"))
                });
                Body::from_stream(stream::iter([Ok(half)]).chain(cut))
            }
            Ending::Stall => {
                response = response.header(header::CONTENT_LENGTH, length);
                Body::from_stream(stream::iter([Ok::<_, Infallible>(half)]).chain(stream::pending()))
            }
        };
        response.body(body).expect("valid headers")
    }
}
