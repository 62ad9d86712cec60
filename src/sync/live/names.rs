//! What is asked for beside the policies, so that people can read them: names of settings, and of people and groups.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{definitions::Definitions, error_report, people::People};
use crate::{
    events::{Reporter, SyncEvent},
    graph::{Client, GraphError, Meter, RetryPolicy},
    policy::{PolicyDocument, TenantId},
    registry::PolicyKind,
    report::{ErrorReport, NamesReport, TenantReport},
    sync::prepare::Context,
};

/// Names of one run.
pub(super) struct Names {
    definitions: Definitions,
    people: People,
    warnings: Arc<Warnings>,
    reporter: Arc<dyn Reporter>,
    tenant: TenantId,
}

impl Names {
    /// Each sort of names may take `at_most`, or what it takes at most anyway.
    pub(super) fn new(
        client: &Client,
        context: &Arc<Context>,
        tenant: &TenantId,
        reporter: &Arc<dyn Reporter>,
        at_most: Duration,
    ) -> Self {
        let warnings = Arc::new(Warnings::default());
        Self {
            definitions: Definitions::new(client, context.clone(), warnings.clone(), at_most),
            reporter: reporter.clone(),
            tenant: tenant.clone(),
            people: People::new(client, context.clone(), warnings.clone(), tenant.clone(), at_most),
            warnings,
        }
    }

    /// Sees to it that what these policies speak of has names before they are flattened.
    pub(super) async fn learn(&self, kind: &'static PolicyKind, documents: &[PolicyDocument]) {
        let told = |settings| self.reporter.report(&self.tenant, &SyncEvent::ReadingNames { settings });
        tokio::join!(self.definitions.learn(kind, documents, told), self.people.learn(kind, documents));
    }

    /// Where requests for names are counted.
    pub(super) fn meters(&self) -> [&Arc<Meter>; 2] {
        [self.definitions.meter(), self.people.meter()]
    }

    /// Puts into a tenant's summary what names have cost, and what could not be read of them.
    pub(super) fn tell(&self, report: &mut TenantReport) {
        report.warnings = self.warnings.told();
        let mut told = NamesReport::default();
        for meter in self.meters() {
            told.requests += meter.requests();
            told.throttled += meter.throttled();
            told.waited_ms += meter.waited_ms();
        }
        report.names = Some(told);
    }
}

/// A client that counts by itself and gives up soon: policies are read without names, too.
pub(super) fn names_client(client: &Client) -> Client {
    let retry = client.retry();
    let retry = RetryPolicy { tries: retry.tries.min(3), short_tries: retry.short_tries.min(2), ..retry };
    client.with_meter(Meter::new()).with_retry(retry)
}

/// Asks within the time that is left; where there is none, nothing is asked.
pub(super) async fn within<T>(
    left: Duration,
    asking: impl Future<Output = Result<T, GraphError>>,
) -> Result<T, GraphError> {
    let answer = if left.is_zero() { None } else { tokio::time::timeout(left, asking).await.ok() };
    answer.unwrap_or_else(|| Err(GraphError::Timeout { reason: "it took too long".to_owned() }))
}

/// What went wrong in a run without costing a policy: told once each.
#[derive(Default)]
pub(super) struct Warnings(Mutex<Vec<ErrorReport>>);

impl Warnings {
    /// Adds one, unless it was told before; `permission` is what the app lacks where it is refused. A run that is
    /// stopped warns of nothing.
    pub(super) fn add(&self, what: &str, error: &GraphError, permission: &str) {
        if error.ends_run() {
            return;
        }
        let mut warnings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if warnings.iter().all(|told| !told.message.starts_with(what)) {
            warnings.push(error_report(format!("{what}: {error}"), error, permission));
        }
    }

    /// All of them.
    pub(super) fn told(&self) -> Vec<ErrorReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
