//! Empty jobs through the queue: what the queue and the worker's loop cost by themselves.
//!
//!     cargo bench --bench queue -- speed [--jobs 100000] [--concurrency 1,50]
//!     cargo bench --bench queue -- worker [--concurrency 4] [--pause 5]
//!
//! `REDIS_URL` names a server that may be filled and emptied; `benches/queue.py` starts one, and calls this.

use std::{
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use tenantpilot::{
    queue::{Queue, RedisUrl},
    worker::{Observer, Options, Outcome, Worker, WorkerEvent},
};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    mode: Mode,
    /// What `cargo bench` gives every program
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Mode {
    /// Jobs a second, at each concurrency
    Speed {
        #[arg(long, default_value_t = 100_000)]
        jobs: usize,
        #[arg(long, value_delimiter = ',', default_value = "1,50")]
        concurrency: Vec<usize>,
    },
    /// A worker that names each tenant it has done, until it is stopped
    Worker {
        #[arg(long, default_value_t = 4)]
        concurrency: usize,
        /// Milliseconds that a job takes
        #[arg(long, default_value_t = 5)]
        pause: u64,
    },
}

/// Tells nobody.
struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &WorkerEvent<'_>) {}
}

/// Writes the tenant of each job that is done.
struct Done;

impl Observer for Done {
    fn observe(&self, event: &WorkerEvent<'_>) {
        if let WorkerEvent::Completed { job, .. } = event {
            // the reader counts what arrives
            let _ = writeln!(std::io::stdout().lock(), "{}", job.tenant_id);
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = RedisUrl::parse(&std::env::var("REDIS_URL")?)?;
    match Args::parse().mode {
        Mode::Speed { jobs, concurrency } => {
            for concurrency in concurrency {
                let seconds = speed(&url, jobs, concurrency).await?;
                #[expect(clippy::cast_precision_loss, reason = "counts of jobs")]
                let rate = jobs as f64 / seconds;
                writeln!(std::io::stdout(), "{concurrency} {rate:.0}")?;
            }
        }
        Mode::Worker { concurrency, pause } => {
            let options = Options { concurrency, ..Options::default() };
            let pause = Duration::from_millis(pause);
            let handler = move |_, _| async move {
                tokio::time::sleep(pause).await;
                Outcome::Done { settings: 0 }
            };
            Worker::new(url, options, Arc::new(Done)).run(handler, CancellationToken::new()).await;
        }
    }
    Ok(())
}

/// Seconds from a worker's start to its having drained the queue.
async fn speed(url: &RedisUrl, jobs: usize, concurrency: usize) -> anyhow::Result<f64> {
    fill(url, jobs).await?;
    let options = Options { concurrency, drain: true, ..Options::default() };
    let started = Instant::now();
    let worker = Worker::new(url.clone(), options, Arc::new(Silent));
    let tally = worker.run(|_, _| async { Outcome::Done { settings: 0 } }, CancellationToken::new()).await;
    let seconds = started.elapsed().as_secs_f64();
    anyhow::ensure!(tally.completed == jobs as u64, "{} of {jobs} jobs were done", tally.completed);
    Ok(seconds)
}

/// Puts jobs of as many tenants into the list, as another program does that knows the envelope.
async fn fill(url: &RedisUrl, jobs: usize) -> anyhow::Result<()> {
    Queue::connect(url).await?.clear_dead().await?;
    let client = redis::Client::open(std::env::var("REDIS_URL")?)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    for chunk in (0..jobs).collect::<Vec<_>>().chunks(1_000) {
        let mut push = redis::cmd("LPUSH");
        push.arg("tenantpilot:{intune-sync-queue}:wait");
        for number in chunk {
            push.arg(format!(
                r#"{{"v":1,"id":"{number:08x}-0000-4000-8000-000000000000","tenantId":"1e2f3a4b-0000-4000-8000-{number:012}","attempt":1,"deliveries":0,"enqueuedAt":1795749238997}}"#
            ));
        }
        push.exec_async(&mut connection).await?;
    }
    Ok(())
}
