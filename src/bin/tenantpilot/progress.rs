//! Progress on a terminal: one line per kind, with counts and rate.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tenantpilot::{
    events::{Reporter, SyncEvent},
    policy::TenantId,
};

use crate::terminal;

/// Draws events: a line per kind, or per tenant when there are several.
pub(crate) struct Progress {
    bars: MultiProgress,
    lines: Mutex<HashMap<String, Line>>,
    status: ProgressBar,
    by_tenant: bool,
}

struct Line {
    bar: ProgressBar,
    settings: u64,
}

impl Progress {
    pub(crate) fn new(by_tenant: bool) -> Self {
        let bars = MultiProgress::new();
        let status = bars.add(ProgressBar::new_spinner());
        status.enable_steady_tick(Duration::from_millis(120));
        Self { bars, lines: Mutex::default(), status, by_tenant }
    }

    /// Takes the lines away, before the summary is printed.
    pub(crate) fn clear(&self) {
        self.status.finish_and_clear();
        // a terminal that is gone needs no clearing
        let _ = self.bars.clear();
    }

    fn line(&self, tenant: &TenantId, kind: &'static str, change: impl FnOnce(&mut Line)) {
        let name = if self.by_tenant { terminal::one_line(tenant.as_str()).into_owned() } else { kind.to_owned() };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(name).or_insert_with_key(|name| {
            let bar = self.bars.insert_before(&self.status, ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<36} {pos:>7} policies {msg} {rate}") {
                let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
                    // a line that cannot be drawn is drawn again at the next tick
                    let _ = write!(text, "{:.0}/s", state.per_sec());
                };
                bar.set_style(style.with_key("rate", rate));
            }
            bar.set_prefix(name.clone());
            Line { bar, settings: 0 }
        });
        change(line);
    }

    fn tell(&self, tenant: &TenantId, text: &str) {
        self.status.set_message(format!("{}: {text}", terminal::one_line(tenant.as_str())));
    }
}

impl Reporter for Progress {
    fn report(&self, tenant: &TenantId, event: &SyncEvent<'_>) {
        match event {
            SyncEvent::TenantStarted | SyncEvent::ReadingNames { settings: 0 } => self.tell(tenant, "reading"),
            SyncEvent::KindStarted { kind } => self.line(tenant, kind, |_| ()),
            SyncEvent::PoliciesRead { kind, policies, settings } => self.line(tenant, kind, |line| {
                line.settings += settings;
                line.bar.set_message(format!("{:>8} settings", line.settings));
                line.bar.inc(*policies);
            }),
            SyncEvent::KindFinished { kind, .. } if !self.by_tenant => {
                self.line(tenant, kind, |line| line.bar.finish());
            }
            SyncEvent::ReadingNames { settings } => {
                self.tell(tenant, &format!("reading the official names of {settings} settings"));
            }
            SyncEvent::Throttled { wait } if wait.is_zero() => self.tell(tenant, "reading"),
            SyncEvent::Throttled { wait } => {
                self.tell(tenant, &format!("Graph asks for patience: waiting {} s", wait.as_secs().max(1)));
            }
            SyncEvent::WaitingForLock => self.tell(tenant, "waiting for another sync of it to end"),
            _ => {}
        }
    }
}
