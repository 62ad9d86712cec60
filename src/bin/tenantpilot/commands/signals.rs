//! Ctrl-C and SIGTERM.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::printer::Printer;

/// The first Ctrl-C or SIGTERM ends the run in order, the second at once.
pub(super) fn stop_on_signal(printer: Printer) -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        interrupt().await;
        printer.note("stopping; once more to stop at once");
        token.cancel();
        interrupt().await;
        #[expect(clippy::exit, reason = "asked for by the second signal")]
        std::process::exit(130);
    });
    stop
}

async fn interrupt() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => (),
                _ = terminate.recv() => (),
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // without signals there is nothing to wait for
        tokio::time::sleep(Duration::MAX).await;
    }
}
