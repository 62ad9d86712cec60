//! Faults by request: which requests they meet, and what becomes of the answer.

use serde_json::Value;

use super::reply::{Ending, Reply};

/// A fault that meets some of the requests whose path and query contain a text.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    on: String,
    skip: usize,
    times: usize,
    effect: Effect,
}

/// What a fault does.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// An error of Graph with further headers.
    Status(u16, &'static str, &'static str, Vec<(&'static str, String)>),
    /// An error of Graph that repeats the token it was sent.
    EchoToken,
    /// Any body with status 200.
    Body(&'static str),
    /// A status without Graph's error body, as whatever stands in front of Graph gives it.
    Bare(u16),
    /// The right answer, cut off half-way.
    Cut,
    /// The right answer, standing still half-way.
    Stall,
    /// No answer.
    Hang,
    /// The right answer with this next link.
    NextLink(String),
    /// The right answer with a next link to itself.
    OwnLink,
    /// The right answer with a next link to itself that is another one each time.
    FreshLink,
    /// No answer inside a `$batch`.
    LeaveOut,
    /// Inside a `$batch`, the right answer and then a 404 for the same request.
    Twice,
}

impl Fault {
    /// Meets every request whose path and query contain the text.
    pub(crate) fn on(text: &str, effect: Effect) -> Self {
        Self { on: text.to_owned(), skip: 0, times: usize::MAX, effect }
    }

    /// Lets that many requests pass first.
    pub(crate) fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Ends after that many requests.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    pub(super) fn meets(&mut self, path: &str) -> Option<Effect> {
        if self.times == 0 || !path.contains(&self.on) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        Some(self.effect.clone())
    }
}

impl Effect {
    /// A 429 with its `Retry-After`.
    pub(crate) fn throttled(retry_after: &str) -> Self {
        let headers = vec![("Retry-After", retry_after.to_owned())];
        Self::Status(429, "TooManyRequests", "Too many requests", headers)
    }

    /// An error without further headers.
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, "GeneralException", "something went wrong", Vec::new())
    }

    pub(super) fn apply(self, normal: impl FnOnce() -> Reply, url: &str, token: Option<&str>) -> Reply {
        match self {
            Self::EchoToken => Reply::error(400, "BadRequest", &format!("bad header: Bearer {}", token.unwrap_or("-"))),
            Self::Status(status, code, message, headers) => {
                let mut reply = Reply::error(status, code, message);
                reply.headers.retain(|(name, _)| headers.iter().all(|(other, _)| !name.eq_ignore_ascii_case(other)));
                reply.headers.extend(headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
                reply
            }
            Self::Body(body) => {
                let html = body.starts_with('<');
                Reply::text(200, if html { "text/html" } else { "application/json" }, body)
            }
            Self::Bare(status) => Reply::text(status, "text/html", "<html></html>"),
            Self::Cut => Reply { ending: Ending::Cut, ..normal() },
            Self::Stall => Reply { ending: Ending::Stall, ..normal() },
            Self::Hang | Self::LeaveOut | Self::Twice => normal(),
            Self::NextLink(link) => with_link(normal(), &link),
            Self::OwnLink => with_link(normal(), url),
            Self::FreshLink => {
                let url = url.split("fresh=").next().unwrap_or_default().trim_end_matches(['?', '&']);
                let sign = if url.contains('?') { '&' } else { '?' };
                with_link(normal(), &format!("{url}{sign}fresh={}", uuid::Uuid::new_v4()))
            }
        }
    }
}

fn with_link(mut reply: Reply, link: &str) -> Reply {
    let mut body: Value = serde_json::from_slice(&reply.body).expect("a right answer is JSON");
    body["@odata.nextLink"] = link.into();
    reply.body = body.to_string().into_bytes();
    reply
}
