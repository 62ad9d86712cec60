//! Waiting for a job at the server: a task with a connection of its own, whose `BLMOVE` nobody cancels.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tokio::sync::mpsc;

use crate::queue::{Blocker, QueueError, RedisUrl};

/// What a wait came to.
pub(super) enum Answer {
    /// A job is in the worker's list.
    Given(Vec<u8>),
    /// None came for a while.
    Nothing,
    /// The connection failed, or the server refused.
    Failed(QueueError),
}

/// The loop's side of the task.
pub(super) struct Waiting {
    ask: mpsc::Sender<()>,
    answers: mpsc::Receiver<Answer>,
    asked: bool,
    client_id: Arc<AtomicI64>,
}

impl Waiting {
    pub(super) fn start(url: RedisUrl, worker: String) -> Self {
        let (ask, mut asked) = mpsc::channel::<()>(1);
        let (answer, answers) = mpsc::channel(1);
        let client_id = Arc::new(AtomicI64::new(0));
        let known_id = client_id.clone();
        tokio::spawn(async move {
            let mut connected = None;
            while asked.recv().await.is_some() {
                let taken = match take(&mut connected, &url, &worker, &known_id).await {
                    Ok(Some(text)) => Answer::Given(text),
                    Ok(None) => Answer::Nothing,
                    Err(error) => {
                        connected = None;
                        Answer::Failed(error)
                    }
                };
                // when the loop is gone, another worker rescues what came
                if answer.send(taken).await.is_err() {
                    return;
                }
            }
        });
        Self { ask, answers, asked: false, client_id }
    }

    /// Whether a wait is under way.
    pub(super) fn is_asked(&self) -> bool {
        self.asked
    }

    /// Begins a wait.
    pub(super) fn ask(&mut self) {
        self.asked = self.asked || self.ask.try_send(()).is_ok();
    }

    /// The end of the wait. May be dropped: the answer comes again.
    pub(super) async fn answer(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => {
                self.asked = false;
                answer
            }
            // the task ends with its channels only
            None => std::future::pending().await,
        }
    }

    /// The number of the connection at the server, by which its wait can be ended.
    pub(super) fn client_id(&self) -> i64 {
        self.client_id.load(Ordering::Relaxed)
    }
}

async fn take(
    connected: &mut Option<Blocker>,
    url: &RedisUrl,
    worker: &str,
    known_id: &AtomicI64,
) -> Result<Option<Vec<u8>>, QueueError> {
    let blocker = match connected {
        Some(blocker) => blocker,
        None => connected.insert(Blocker::connect(url, worker).await?),
    };
    known_id.store(blocker.client_id, Ordering::Relaxed);
    blocker.take().await
}
