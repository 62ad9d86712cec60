//! Health and metrics over HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::sync::CancellationToken;

use super::{Health, Worker, metrics};
use crate::queue::{Queue, QueueStatus, RedisUrl};

/// How long Redis may take: a probe that asks for health does not wait long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for health and metrics: {source}")]
pub struct ServeError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    pub source: std::io::Error,
}

/// What answers need.
#[derive(Clone)]
struct Site {
    health: Arc<Health>,
    url: RedisUrl,
    /// A connection of its own: that of the loop may be what is broken.
    queue: Arc<Mutex<Option<Queue>>>,
    figures: &'static PrometheusHandle,
}

/// Takes the address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError { address, source })
}

/// Serves `/api/worker-health`, `/healthz`, `/readyz` and `/metrics` until `stop`.
pub async fn serve(listener: TcpListener, worker: &Worker, stop: CancellationToken) -> std::io::Result<()> {
    let site = Site {
        health: worker.health().clone(),
        url: worker.url.clone(),
        queue: Arc::default(),
        figures: metrics::start(),
    };
    let router = Router::new()
        .route("/api/worker-health", get(worker_health))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .with_state(site);
    axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await
}

async fn worker_health(State(site): State<Site>) -> Response {
    let queue = site.ask().await;
    let judged = match &queue {
        Ok(queue) => site.health.judge(queue),
        Err(reason) => Err(reason.clone()),
    };
    let numbers = queue.ok().map(|queue| {
        json!({
            "waiting": queue.waiting,
            "active": queue.active,
            "completed": queue.completed,
            "failed": queue.failed,
            "delayed": queue.delayed,
            "dead": queue.dead,
            "paused": queue.paused,
        })
    });
    match judged {
        Ok(()) => Json(json!({"status": "healthy", "queue": numbers})).into_response(),
        Err(reason) => {
            let body = json!({"status": "unhealthy", "reason": reason, "queue": numbers});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

async fn alive(State(site): State<Site>) -> Response {
    probed(site.health.is_alive())
}

async fn ready(State(site): State<Site>) -> Response {
    probed(site.health.is_ready())
}

fn probed(judged: Result<(), String>) -> Response {
    match judged {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn figures(State(site): State<Site>) -> Response {
    metrics::gauge(&site.health, site.ask().await.ok().as_ref());
    site.figures.run_upkeep();
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], site.figures.render()).into_response()
}

impl Site {
    /// What the queue holds, or why that cannot be told.
    async fn ask(&self) -> Result<QueueStatus, String> {
        let asked = async {
            let mut connected = self.queue.lock().await;
            let queue = match connected.take() {
                Some(queue) => queue,
                None => Queue::connect(&self.url).await?,
            };
            let status = queue.status().await?;
            // a connection that has failed is not kept
            *connected = Some(queue);
            Ok::<_, crate::queue::QueueError>(status)
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(asked) => asked.map_err(|error| error.to_string()),
            Err(_) => Err(format!("Redis at {} does not answer", self.url)),
        }
    }
}
