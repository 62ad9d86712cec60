//! `$batch`: up to 20 GETs in one request, each answer judged and retried on its own.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Client, GraphError, RawItem,
    error::{Failure, MAX_ID},
    exchange::{Call, LANGUAGE, PREFER, Reply},
    page::{Page, describe},
    retry::{asked_wait, is_retryable},
};

/// The most requests that Graph takes in one batch.
const MAX_BATCH: usize = 20;

/// The answer to a batch; what each holds is read alone, so that one bad answer costs itself.
#[derive(Deserialize)]
struct BatchAnswer {
    responses: Vec<RawItem>,
}

/// One answer inside a batch.
#[derive(Deserialize)]
struct SubAnswer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Option<HashMap<String, Box<RawValue>>>,
    #[serde(default)]
    body: Option<RawItem>,
}

impl SubAnswer {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.as_ref()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1;
        // Numbers are seen where a string is documented.
        Some(serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned()))
    }
}

/// One request of a batch and how it stands.
struct Sub {
    path: String,
    done: Option<Result<RawItem, GraphError>>,
    refreshed: bool,
}

/// How one answer leaves its request.
enum Judged {
    Done(Result<RawItem, GraphError>),
    /// To be sent again after the pause; the error is what remains if that was the last try.
    Again(GraphError, Duration),
    /// Its token was refused.
    Unauthorized(Failure),
}

impl Client {
    /// GETs many paths through `$batch`; the answers come in the order of the paths.
    pub async fn batch(&self, paths: Vec<String>) -> Vec<Result<RawItem, GraphError>> {
        let size = self.shared.bucket.as_ref().map_or(MAX_BATCH, |bucket| bucket.burst().clamp(1, MAX_BATCH));
        let mut paths = paths.into_iter();
        let chunks: Vec<Vec<String>> = std::iter::from_fn(|| {
            Some(paths.by_ref().take(size).collect::<Vec<_>>()).filter(|chunk| !chunk.is_empty())
        })
        .collect();
        stream::iter(chunks)
            .map(|chunk| self.batch_of_20(chunk))
            .buffered(self.shared.options.parallel_batches.max(1))
            .concat()
            .await
    }

    /// As [`Client::batch`] for paths that are lists; next links are followed outside the batch.
    pub async fn batch_lists(&self, paths: Vec<String>) -> Vec<Result<Vec<RawItem>, GraphError>> {
        let answers = self.batch(paths).await;
        stream::iter(answers)
            .map(|answer| self.rest_of_list(answer))
            .buffered(self.shared.options.parallel_batches.max(1))
            .collect()
            .await
    }

    async fn rest_of_list(&self, answer: Result<RawItem, GraphError>) -> Result<Vec<RawItem>, GraphError> {
        let (items, next) = Page::parse(answer?.get().as_bytes(), None)?;
        self.with_rest(items, next).await
    }

    async fn batch_of_20(&self, paths: Vec<String>) -> Vec<Result<RawItem, GraphError>> {
        let mut subs: Vec<Sub> = paths.into_iter().map(|path| Sub { path, done: None, refreshed: false }).collect();
        if let Err(error) = self.cancellable(self.batch_until_done(&mut subs)).await {
            for sub in &mut subs {
                sub.done.get_or_insert_with(|| Err(error.clone()));
            }
        }
        let missing = || Err(GraphError::bad_response("a batch without an answer for a request of it"));
        subs.into_iter().map(|sub| sub.done.unwrap_or_else(missing)).collect()
    }

    async fn batch_until_done(&self, subs: &mut [Sub]) -> Result<(), GraphError> {
        let mut waited = Duration::ZERO;
        for tries in 1.. {
            let open: Vec<usize> = (0..subs.len()).filter(|index| subs[*index].done.is_none()).collect();
            if open.is_empty() {
                break;
            }
            let (reply, token) = self.send(&self.batch_call(subs, &open)?).await?;
            let mut answers = answers_by_id(&reply)?;
            let mut pause = Duration::ZERO;
            let mut refused = false;
            for index in open {
                let sub = &mut subs[index];
                let judged = match answers.remove(&index) {
                    Some(answer) => self.judge(answer, tries, waited),
                    None => Judged::Again(missing_answer(&reply), self.retry.backoff(tries)),
                };
                match judged {
                    Judged::Done(result) => sub.done = Some(result),
                    Judged::Again(error, _) if tries >= self.retry.tries => sub.done = Some(Err(error)),
                    Judged::Again(_, after) => pause = pause.max(after),
                    // the batch itself was let in with this token, so this says nothing of it
                    Judged::Unauthorized(failure) if sub.refreshed && !failure.is_graphs => {
                        sub.done = Some(Err(failure.into_error(waited, None)));
                    }
                    Judged::Unauthorized(failure) if sub.refreshed => sub.done = Some(Err(self.token_refused(failure))),
                    Judged::Unauthorized(_) => {
                        sub.refreshed = true;
                        refused = true;
                    }
                }
            }
            if refused {
                self.refresh(&token).await?;
            }
            waited += pause;
            self.meter.wait_until(Instant::now() + pause).await;
        }
        Ok(())
    }

    fn batch_call(&self, subs: &[Sub], open: &[usize]) -> Result<Call, GraphError> {
        let requests: Vec<_> = open
            .iter()
            .map(|index| {
                serde_json::json!({
                    "id": index.to_string(),
                    "method": "GET",
                    "url": format!("/{}", subs[*index].path.trim_start_matches('/')),
                    // The headers of the batch itself do not reach into it.
                    "headers": { "Prefer": PREFER, "Accept-Language": LANGUAGE },
                })
            })
            .collect();
        let body = serde_json::json!({ "requests": requests }).to_string();
        let cost = u32::try_from(open.len()).unwrap_or(u32::MAX);
        Ok(Call { url: self.shared.endpoint.url("$batch")?, body: Some(Bytes::from(body)), cost })
    }

    fn judge(&self, answer: SubAnswer, tries: u32, waited: Duration) -> Judged {
        let credential = &self.shared.credential;
        let request_id = answer.header("request-id").map(|id| credential.clean(&id, MAX_ID));
        if answer.is_success() {
            let Some(body) = answer.body else {
                let reason = "an answer in a batch without a body".into();
                return Judged::Done(Err(GraphError::BadResponse { reason, request_id }));
            };
            let text = body.get().as_bytes();
            let failure = Failure::under_success(answer.status, text, request_id.as_deref(), credential);
            return Judged::Done(failure.map_or(Ok(body), |failure| Err(failure.into_error(waited, None))));
        }
        let body = answer.body.as_ref().map(|body| body.get().as_bytes()).unwrap_or_default();
        let failure = Failure::parse(answer.status, body, request_id, credential);
        if answer.status == 401 {
            return Judged::Unauthorized(failure);
        }
        let asked = asked_wait(answer.header("retry-after").as_deref(), SystemTime::now());
        let error = failure.into_error(waited, asked);
        if is_retryable(answer.status) {
            let pause = self.pause_after(answer.status, answer.header("retry-after").as_deref(), tries);
            return Judged::Again(error, pause);
        }
        Judged::Done(Err(error))
    }
}

fn answers_by_id(reply: &Reply) -> Result<HashMap<usize, SubAnswer>, GraphError> {
    let answer: BatchAnswer = serde_json::from_slice(&reply.body).map_err(|e| GraphError::BadResponse {
        reason: format!("a batch that is {}", describe(&reply.body, &e)),
        request_id: reply.request_id.clone(),
    })?;
    let parsed = answer.responses.iter().filter_map(|raw| serde_json::from_str::<SubAnswer>(raw.get()).ok());
    let mut by_id = HashMap::<usize, SubAnswer>::new();
    for (id, answer) in parsed.filter_map(|answer| Some((answer.id.parse().ok()?, answer))) {
        // a second answer must not take a policy away that the first one gave
        if by_id.get(&id).is_none_or(|first| !first.is_success() && answer.is_success()) {
            by_id.insert(id, answer);
        }
    }
    Ok(by_id)
}

fn missing_answer(reply: &Reply) -> GraphError {
    GraphError::BadResponse {
        reason: "a batch without an answer for a request of it".into(),
        request_id: reply.request_id.clone(),
    }
}
