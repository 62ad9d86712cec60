//! The end of a run: its summary completed and written down.

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::{
    SyncError,
    stop::Stop,
    writer::{State, Writer},
};
use crate::{
    policy::SyncRequest,
    registry::PolicyKind,
    report::{ErrorReport, KindReport, Status, TenantReport, Totals},
    store::StoreError,
};

/// Completes the summary, and closes the run with it, however it ended.
pub(super) async fn close(
    writer: Writer,
    report: &mut TenantReport,
    ended: Result<(), SyncError>,
    stop: &Stop,
    request: &SyncRequest,
    started: Instant,
) -> Result<(), SyncError> {
    let error = ended.as_ref().err().map(SyncError::report);
    let (mut summary, request) = (report.clone(), request.clone());
    let interrupted = stop.by_user();
    let closing = spawn_blocking(move || {
        let closed = writer.close(&mut summary, error, interrupted, &request, started);
        (summary, closed)
    });
    match stop.database(closing).await {
        Ok((summary, closed)) => {
            *report = summary;
            ended?;
            Ok(closed?)
        }
        // what ended the run says more than that its end could not be written down
        Err(silent) => ended.and(Err(silent)),
    }
}

impl Writer {
    fn close(
        mut self,
        report: &mut TenantReport,
        error: Option<ErrorReport>,
        interrupted: bool,
        request: &SyncRequest,
        started: Instant,
    ) -> Result<(), StoreError> {
        if let Some(session) = &mut self.session
            && !self.run.dry
        {
            // a database that has failed is not asked again for the sake of counts
            let stored = session.totals(&self.run.tenant).unwrap_or_default();
            self.state.count_stored(stored);
        }
        report.kinds = self.state.in_order();
        let cut_short = interrupted || error.is_some();
        report.kinds.iter_mut().for_each(|kind| judge(kind, cut_short));
        report.totals = Totals::of(&report.kinds, report.names.as_ref());
        report.problems = self.state.problems;
        report.more_problems = self.state.more_problems;
        report.planned = self.state.planned;
        report.status = match error {
            Some(_) => Status::Failed,
            None if interrupted => Status::Interrupted,
            None => TenantReport::judged(&report.kinds, self.state.any_loss),
        };
        report.error = error.or_else(|| common_error(&report.kinds));
        report.close(started.elapsed());
        match self.session {
            Some(session) if !self.run.dry => {
                session.finish(&report.row(request.trigger, request.job_id.as_deref()), &report.kind_rows())
            }
            _ => Ok(()),
        }
    }
}

fn judge(kind: &mut KindReport, cut_short: bool) {
    if cut_short && !kind.listed && kind.error.is_none() {
        kind.status = Status::Interrupted;
    } else if kind.status == Status::Succeeded && kind.incomplete > 0 {
        kind.status = Status::Partial;
    }
}

/// What all kinds failed by is what the tenant failed by.
fn common_error(kinds: &[KindReport]) -> Option<ErrorReport> {
    let first = kinds.first()?.error.clone()?;
    let same = |kind: &KindReport| kind.error.as_ref().is_some_and(|error| error.code == first.code);
    (kinds.iter().all(|kind| kind.status == Status::Failed && same(kind))).then_some(first)
}

impl State {
    /// A folder's kinds are read to their end, unless something in it could not even be told a kind.
    pub(super) fn end_folder(&mut self, asked: Option<&[&'static PolicyKind]>) {
        for kind in asked.into_iter().flatten() {
            self.kind(kind.slug());
        }
        // a folder without a single policy is the wrong folder, not a tenant that has lost them all
        let listed = !self.lost_unknown && !self.seen.is_empty();
        self.kinds.values_mut().for_each(|kind| kind.listed = listed);
        for id in std::mem::take(&mut self.skipped) {
            self.seen.insert(id.as_str());
        }
    }

    /// Kinds of which no end came, though nothing stopped the run: a bug of ours.
    pub(super) fn miss_none(&mut self, kinds: impl Iterator<Item = &'static str>) {
        self.fail_unended(kinds, "bad_response", |kind| {
            format!("an internal error ended the reading of `{kind}` policies")
        });
    }

    /// Kinds of which no end came before the run's time was over.
    pub(super) fn time_out(&mut self, kinds: impl Iterator<Item = &'static str>, longest: Duration) {
        let longest = humantime::format_duration(longest);
        self.fail_unended(kinds, "timeout", |kind| {
            format!("`{kind}` policies were not read to their end within {longest}")
        });
    }

    /// No kind that a run was to read is forgotten.
    fn fail_unended(
        &mut self,
        kinds: impl Iterator<Item = &'static str>,
        code: &'static str,
        message: impl Fn(&str) -> String,
    ) {
        for kind in kinds {
            let kind = self.kind(kind);
            if !kind.listed && kind.error.is_none() {
                let message = message(kind.kind);
                kind.status = Status::Failed;
                kind.error = Some(ErrorReport { code, message, hint: None, request_id: None, retry_after: None });
            }
        }
    }

    /// Adds up what the tenant has now.
    fn count_stored(&mut self, stored: Vec<(String, i64)>) {
        for (slug, settings) in stored {
            if let Some(kind) = self.kinds.values_mut().find(|report| report.kind == slug) {
                kind.policies += 1;
                kind.settings += u64::try_from(settings).unwrap_or_default();
            }
        }
    }
}
