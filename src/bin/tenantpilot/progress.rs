//! Progress on a terminal: one line per kind, with counts and rate.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tenantpilot::{
    events::{Reporter, SyncEvent},
    policy::TenantId,
};

use crate::terminal;

/// Draws events.
pub(crate) struct Progress {
    bars: MultiProgress,
    kinds: Mutex<HashMap<&'static str, KindLine>>,
    status: ProgressBar,
}

struct KindLine {
    bar: ProgressBar,
    settings: u64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bars = MultiProgress::new();
        let status = bars.add(ProgressBar::new_spinner());
        status.enable_steady_tick(Duration::from_millis(120));
        Self { bars, kinds: Mutex::default(), status }
    }

    /// Takes the lines away, before the summary is printed.
    pub(crate) fn clear(&self) {
        self.status.finish_and_clear();
        let _ = self.bars.clear();
    }

    fn line(&self, kind: &'static str, change: impl FnOnce(&mut KindLine)) {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let line = kinds.entry(kind).or_insert_with(|| {
            let bar = self.bars.insert_before(&self.status, ProgressBar::new_spinner());
            // the template is a constant that its own tests would have refused
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {prefix:<24} {pos:>7} policies  {msg}  {per_sec}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(kind);
            KindLine { bar, settings: 0 }
        });
        change(line);
    }
}

impl Reporter for Progress {
    fn report(&self, tenant: &TenantId, event: &SyncEvent<'_>) {
        match event {
            SyncEvent::TenantStarted => self.status.set_message(terminal::one_line(tenant.as_str()).into_owned()),
            SyncEvent::KindStarted { kind } => self.line(kind, |_| ()),
            SyncEvent::PoliciesRead { kind, policies, settings } => self.line(kind, |line| {
                line.settings += settings;
                line.bar.set_message(format!("{:>8} settings", line.settings));
                line.bar.inc(*policies);
            }),
            SyncEvent::KindFinished { kind, .. } => self.line(kind, |line| line.bar.finish()),
            SyncEvent::Throttled { wait } => {
                self.status.set_message(format!("{tenant}: Graph asks to wait {} s", wait.as_secs()));
            }
            SyncEvent::WaitingForLock => self.status.set_message(format!("{tenant}: waiting for another sync to end")),
            _ => {}
        }
    }
}
