//! The worker's figures for Prometheus.

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::{WorkerEvent, health::Health};
use crate::{queue::QueueStatus, report::TenantReport};

const JOBS: &str = "tenantpilot_jobs_total";
const DURATION: &str = "tenantpilot_job_duration_seconds";
const QUEUE: &str = "tenantpilot_queue_jobs";
const REDIS_UP: &str = "tenantpilot_redis_up";
const WORKERS: &str = "tenantpilot_queue_workers";
const IN_HAND: &str = "tenantpilot_jobs_in_hand";
const CLAIM_AGE: &str = "tenantpilot_last_claim_age_seconds";
const RESCUED: &str = "tenantpilot_jobs_rescued_total";
const GRAPH_REQUESTS: &str = "tenantpilot_graph_requests_total";
const GRAPH_THROTTLED: &str = "tenantpilot_graph_throttled_total";
const ROWS: &str = "tenantpilot_rows_written_total";

/// From a job that does nothing to a tenant of a hundred thousand settings that Graph slows down.
const SECONDS: [f64; 11] = [0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Sums up what was measured since the last time, which otherwise only a scrape does.
pub(super) fn keep_up() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// Starts counting; nothing is counted twice when it is called again.
pub(super) fn start() -> &'static PrometheusHandle {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        // the bounds are there and in order, which is all that can be wrong with them
        let builder = builder
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // a program that counts with a recorder of its own keeps it
        drop(metrics::set_global_recorder(recorder));
        describe();
        handle
    })
}

fn describe() {
    metrics::describe_counter!(JOBS, "Jobs that left this worker's hands, by outcome");
    metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "How long attempts took, by outcome");
    metrics::describe_gauge!(QUEUE, "Jobs in the queue, by state");
    metrics::describe_gauge!(REDIS_UP, "Whether Redis answers: without it what is told of the queue is not known");
    metrics::describe_gauge!(WORKERS, "Workers with a heartbeat");
    metrics::describe_gauge!(IN_HAND, "Jobs in this worker's hands");
    metrics::describe_gauge!(CLAIM_AGE, metrics::Unit::Seconds, "How long ago this worker took a job");
    metrics::describe_counter!(RESCUED, "Jobs that this worker took back from workers that were gone");
    metrics::describe_counter!(GRAPH_REQUESTS, "Requests to Microsoft Graph");
    metrics::describe_counter!(GRAPH_THROTTLED, "Requests that Microsoft Graph throttled");
    metrics::describe_counter!(ROWS, "Settings written, by change");
    // the outcomes from the start, so that a rate over them is never without data
    for outcome in ["completed", "failed", "retried", "postponed", "returned", "refused"] {
        metrics::counter!(JOBS, "outcome" => outcome).increment(0);
    }
    for change in ["added", "changed", "removed"] {
        metrics::counter!(ROWS, "change" => change).increment(0);
    }
    for counter in [RESCUED, GRAPH_REQUESTS, GRAPH_THROTTLED] {
        metrics::counter!(counter).increment(0);
    }
}

/// Counts what happened.
pub(super) fn count(event: &WorkerEvent<'_>) {
    let job = |outcome: &'static str, took: Option<Duration>| {
        metrics::counter!(JOBS, "outcome" => outcome).increment(1);
        if let Some(took) = took {
            metrics::histogram!(DURATION, "outcome" => outcome).record(took.as_secs_f64());
        }
    };
    match event {
        WorkerEvent::Completed { took, .. } => job("completed", Some(*took)),
        WorkerEvent::Failed { took, retry_after: None, .. } => job("failed", Some(*took)),
        WorkerEvent::Failed { took, .. } => job("retried", Some(*took)),
        WorkerEvent::PutOff { .. } => job("postponed", None),
        WorkerEvent::Returned { .. } => job("returned", None),
        WorkerEvent::Refused { .. } => job("refused", None),
        WorkerEvent::Rescued { jobs } => metrics::counter!(RESCUED).increment(*jobs as u64),
        _ => {}
    }
}

/// Counts what a tenant's sync cost and wrote.
pub(super) fn count_sync(report: &TenantReport) {
    let totals = &report.totals;
    metrics::counter!(GRAPH_REQUESTS).increment(totals.requests);
    metrics::counter!(GRAPH_THROTTLED).increment(totals.throttled);
    for (change, rows) in [("added", totals.added), ("changed", totals.changed), ("removed", totals.removed)] {
        metrics::counter!(ROWS, "change" => change).increment(rows);
    }
}

/// Takes down what is true now.
pub(super) fn gauge(health: &Health, queue: Option<&QueueStatus>) {
    metrics::gauge!(REDIS_UP).set(f64::from(u8::from(queue.is_some())));
    let known = |number: fn(&QueueStatus) -> u64| queue.map_or(f64::NAN, |queue| count_of(number(queue)));
    let states: [(&str, f64); 4] = [
        ("waiting", known(|queue| queue.waiting)),
        ("active", known(|queue| queue.active)),
        ("delayed", known(|queue| queue.delayed)),
        ("dead", known(|queue| queue.dead)),
    ];
    for (state, jobs) in states {
        metrics::gauge!(QUEUE, "state" => state).set(jobs);
    }
    metrics::gauge!(WORKERS).set(known(|queue| queue.workers.iter().filter(|worker| worker.alive).count() as u64));
    metrics::gauge!(IN_HAND).set(count_of(health.in_hand() as u64));
    if let Some(age) = health.since_last_claim() {
        metrics::gauge!(CLAIM_AGE).set(age.as_secs_f64());
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of jobs are far below 2^52")]
fn count_of(jobs: u64) -> f64 {
    jobs as f64
}
