//! The beginning of a run: the database, the tenant's lock, the run's row, and what is stored.

use std::{collections::HashSet, sync::Arc};

use tokio::task::spawn_blocking;

use super::{SyncError, names::Names, prepare::Context, stop::Stop};
use crate::{
    events::{Reporter, SyncEvent},
    policy::SyncRequest,
    report::TenantReport,
    store::{RunRow, Session, Store, StoreError},
};

pub(super) struct Opened {
    /// `None` in a dry run without a database.
    pub(super) session: Option<Session>,
    pub(super) context: Arc<Context>,
    /// Kinds of which a listing was completed before.
    pub(super) recorded: HashSet<String>,
}

/// Opens the database, takes the tenant's lock, opens the run, and reads what is stored.
pub(super) async fn open(
    store: &Store,
    request: &SyncRequest,
    report: &TenantReport,
    reporter: Arc<dyn Reporter>,
    stop: &Stop,
) -> Result<Opened, SyncError> {
    let (store, request) = (store.clone(), request.clone());
    let row = RunRow {
        status: "running".to_owned(),
        finished_at: None,
        duration_ms: None,
        ..report.row(request.trigger, request.job_id.as_deref())
    };
    let domain = report.tenant_name.clone();
    let token = stop.token.clone();
    let opening = spawn_blocking(move || {
        let mut session = if request.dry_run {
            match store.open_read_only() {
                Ok(session) => session,
                // nothing is made by a dry run: without a database everything is new
                Err(StoreError::Missing { .. } | StoreError::NotMigrated { .. }) => {
                    let context = Context { script_content: request.script_content, ..Context::default() };
                    return Ok(Opened { session: None, context: Arc::new(context), recorded: HashSet::new() });
                }
                Err(error) => return Err(error.into()),
            }
        } else {
            let mut session = store.open()?;
            let mut told = false;
            session.lock(&request.tenant, || {
                if request.wait && !std::mem::replace(&mut told, true) {
                    reporter.report(&request.tenant, &SyncEvent::WaitingForLock);
                }
                request.wait && !token.is_cancelled()
            })?;
            session.begin(&row, domain.as_deref())?;
            session
        };
        let known = session.known(&request.tenant)?;
        let recorded = session.recorded_kinds(&request.tenant)?.into_iter().collect();
        let names = Names::new(session.has_definitions()?, store, !request.dry_run);
        let context = Arc::new(Context { known, names, script_content: request.script_content });
        Ok(Opened { session: Some(session), context, recorded })
    });
    stop.database(opening).await?
}
