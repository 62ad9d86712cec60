//! Ctrl-C and SIGTERM.

use tokio_util::sync::CancellationToken;

use crate::printer::Printer;

/// The first Ctrl-C or SIGTERM ends the run in order, the second at once. Signals are caught from the call on.
pub(super) fn stop_on_signal(printer: Printer) -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    let mut signals = Signals::caught();
    tokio::spawn(async move {
        signals.next().await;
        printer.note("stopping; once more to stop at once");
        token.cancel();
        signals.next().await;
        #[expect(clippy::exit, reason = "asked for by the second signal")]
        std::process::exit(130);
    });
    stop
}

#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn caught() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // where one cannot be caught, it ends the process as it would any other
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    async fn next(&mut self) {
        let caught = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = caught(&mut self.interrupt) => {}
            () = caught(&mut self.terminate) => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn caught() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
