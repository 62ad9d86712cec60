//! The one writer of a run: takes outcomes in order, gathers whole policies, writes them in transactions.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::mpsc::Receiver, time::timeout_at};
use tokio_util::sync::CancellationToken;

use super::prepare::{Absent, Content, Outcome, Prepared};
use crate::{
    changes::Tally,
    events::{Reporter, SyncEvent},
    policy::PolicyId,
    registry::POLICY_KINDS,
    report::{KindReport, MAX_PLANNED, MAX_PROBLEMS, PlannedChange, Problem, Status},
    store::{Batch, ChangeRow, Run, Seen, Session, StoreError, Written},
};

/// Rows that go into one transaction, about. Measured with SQLite: four times as many gain 3 % and take 28 MiB.
const ROWS_TOGETHER: usize = 5_000;
/// Bytes of text that go into one transaction, about.
const BYTES_TOGETHER: usize = 8 << 20;
/// Policies seen unchanged that go into one transaction.
const UNTOUCHED_TOGETHER: usize = 2_000;
/// How long a gathered policy waits for more.
const PATIENCE: Duration = Duration::from_millis(200);

/// Gathers, writes and counts.
pub(super) struct Writer {
    /// `None` in a dry run without a database: everything is new.
    pub(super) session: Option<Session>,
    pub(super) run: Run,
    pub(super) reporter: Arc<dyn Reporter>,
    /// A second file with one id is worth telling: where the first one of each stands. `None` for Graph, whose pages
    /// may repeat a policy.
    pub(super) firsts: Option<HashMap<PolicyId, First>>,
    pub(super) started: Instant,
    pub(super) state: State,
}

/// The first file of an id, which is the one that counts.
pub(super) struct First {
    kind: &'static str,
    name: Option<String>,
    file: Option<String>,
}

impl From<&Prepared> for First {
    fn from(prepared: &Prepared) -> Self {
        Self { kind: prepared.kind, name: prepared.name.clone(), file: prepared.file.clone() }
    }
}

impl First {
    /// Why a later policy of the same id is passed over: it is the same one, or a template that was copied with its id.
    fn hides(&self, later: &Prepared) -> String {
        let place = self.file.as_deref().unwrap_or_default();
        if self.kind == later.kind && self.name == later.name {
            return format!("a policy with this id was read before, from {place}");
        }
        let (kind, name) = (self.kind, self.name.as_deref().unwrap_or_default());
        format!("another policy has this id and comes first: `{name}` ({kind}) from {place}")
    }
}

/// What a run has come to.
#[derive(Default)]
pub(super) struct State {
    pub(super) kinds: BTreeMap<&'static str, KindReport>,
    pub(super) seen: Seen,
    /// Ids of what was not taken: no reason to take them for removed.
    pub(super) skipped: Vec<PolicyId>,
    /// Collections of a kind that were not there.
    pub(super) absent: HashMap<&'static str, Vec<Absent>>,
    pub(super) problems: Vec<Problem>,
    pub(super) more_problems: u64,
    /// What a dry run would change.
    pub(super) planned: Vec<PlannedChange>,
    /// Something was lost of which not even the kind is known: nothing may be taken for removed.
    pub(super) lost_unknown: bool,
    pub(super) any_loss: bool,
    /// Ids of which nothing came so far that can be read: another policy with such an id is taken.
    unread: HashSet<PolicyId>,
    batch: Batch,
    rows: usize,
    bytes: usize,
}

impl Writer {
    /// Takes everything that comes until the source ends or the run is stopped.
    pub(super) fn take_all(
        &mut self,
        outcomes: &mut Receiver<Vec<Outcome>>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let handle = Handle::current();
        let mut first_gathered: Option<Instant> = None;
        loop {
            let received = match first_gathered {
                None => handle.block_on(outcomes.recv()),
                Some(since) => {
                    if let Ok(received) = handle.block_on(timeout_at((since + PATIENCE).into(), outcomes.recv())) {
                        received
                    } else {
                        self.flush()?;
                        first_gathered = None;
                        continue;
                    }
                }
            };
            let Some(arrived) = received else { break };
            if stop.is_cancelled() {
                break;
            }
            for outcome in arrived {
                self.take(outcome);
                if self.is_full() {
                    self.flush()?;
                    first_gathered = None;
                }
            }
            if !self.state.batch.is_empty() {
                first_gathered.get_or_insert_with(Instant::now);
            }
        }
        self.flush()
    }

    fn take(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Policy(prepared) => self.take_policy(*prepared),
            Outcome::NotAsked { kind, id, name, file } => {
                if self.state.seen.insert(id.as_str())
                    && let Some(firsts) = &mut self.firsts
                {
                    firsts.insert(id, First { kind, name, file });
                }
            }
            Outcome::Skipped { id, problem } => {
                self.state.skipped.extend(id);
                self.problem(problem);
            }
            Outcome::Problem(problem) => {
                if problem.is_loss() {
                    self.state.lost_unknown = true;
                    if let Some(kind) = problem.kind.map(|kind| self.state.kind(kind)) {
                        kind.skipped += 1;
                        kind.status = Status::Partial;
                    }
                }
                self.problem(problem);
            }
            Outcome::KindEnded { kind, failure, absent } => {
                self.state.absent.insert(kind, absent);
                let elapsed = self.started.elapsed().as_millis();
                let report = self.state.kind(kind);
                report.duration_ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
                report.listed = failure.is_none();
                if let Some(failure) = failure {
                    report.status = if failure.code == "not_licensed" { Status::Skipped } else { Status::Failed };
                    report.error = Some(failure);
                }
                let listed = report.listed;
                self.report(&SyncEvent::KindFinished { kind, listed });
            }
        }
    }

    fn take_policy(&mut self, prepared: Prepared) {
        let kind = prepared.kind;
        let is_unreadable = matches!(prepared.content, Content::Unreadable { .. });
        let is_first = self.state.seen.insert(prepared.id.as_str());
        let is_read = !is_first && !self.state.unread.contains(&prepared.id);
        // a page that repeats what cannot be read tells nothing new, another file does
        if is_read || !is_first && is_unreadable && self.firsts.is_none() {
            if let Some(first) = self.firsts.as_ref().and_then(|firsts| firsts.get(&prepared.id)) {
                let problem = prepared.problem("duplicate", first.hides(&prepared));
                self.state.kind(kind).skipped += 1;
                self.problem(problem);
            }
            return;
        }
        if let Some(firsts) = &mut self.firsts {
            firsts.insert(prepared.id.clone(), First::from(&prepared));
        }
        if !is_unreadable {
            self.state.unread.remove(&prepared.id);
        }
        let is_complete = match &prepared.content {
            Content::Read(read) => read.policy.is_complete(),
            Content::Untouched(stored) => stored.complete,
            Content::Unreadable { code, message } => {
                let report = self.state.kind(kind);
                report.skipped += 1;
                report.status = Status::Partial;
                self.state.unread.insert(prepared.id.clone());
                return self.problem(prepared.problem(code, message));
            }
        };
        if !is_complete {
            self.state.kind(kind).incomplete += 1;
            self.problem(prepared.problem("incomplete", "not all that the policy has came"));
        }
        match prepared.content {
            Content::Read(read) => {
                self.read_event(kind, read.policy.settings.len() as u64);
                let size = |text: Option<&str>| text.map_or(0, str::len);
                let settings = &read.policy.settings;
                self.state.rows += settings.len();
                self.state.bytes += settings
                    .iter()
                    .map(|s| s.path.len() + s.name.len() + size(s.value.as_deref()) + size(s.raw_value.as_deref()))
                    .sum::<usize>();
                self.state.batch.read.push(*read);
            }
            Content::Untouched(stored) => {
                self.state.kind(kind).unchanged += u64::from(stored.settings);
                self.read_event(kind, u64::from(stored.settings));
                self.state.batch.untouched.push(prepared.id);
            }
            Content::Unreadable { .. } => {}
        }
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.report(&SyncEvent::Problem(&problem));
        self.state.any_loss |= problem.is_loss();
        if self.state.problems.len() < MAX_PROBLEMS {
            self.state.problems.push(problem);
        } else {
            self.state.more_problems += 1;
        }
    }

    fn read_event(&mut self, kind: &'static str, settings: u64) {
        if self.run.dry {
            let report = self.state.kind(kind);
            report.policies += 1;
            report.settings += settings;
        }
        self.report(&SyncEvent::PoliciesRead { kind, policies: 1, settings });
    }

    fn report(&self, event: &SyncEvent<'_>) {
        self.reporter.report(&self.run.tenant, event);
    }

    fn is_full(&self) -> bool {
        self.state.rows >= ROWS_TOGETHER
            || self.state.bytes >= BYTES_TOGETHER
            || self.state.batch.untouched.len() >= UNTOUCHED_TOGETHER
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.state.batch);
        (self.state.rows, self.state.bytes) = (0, 0);
        if batch.is_empty() {
            return Ok(());
        }
        let policies = (batch.read.len() + batch.untouched.len()) as u64;
        match self.write(&batch) {
            Err(error) if error.is_about_data() => self.write_one_by_one(batch)?,
            written => written?,
        }
        self.report(&SyncEvent::RowsWritten { policies });
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written = match &mut self.session {
            Some(session) => session.write(&self.run, batch)?,
            None => Written { tallies: all_new(batch), changes: Vec::new() },
        };
        for (kind, tally) in written.tallies {
            self.state.kind(kind).add(tally);
        }
        self.plan(written.changes);
        Ok(())
    }

    /// Keeps what a dry run would change.
    pub(super) fn plan(&mut self, changes: Vec<ChangeRow>) {
        let room = MAX_PLANNED.saturating_sub(self.state.planned.len());
        self.state.planned.extend(changes.into_iter().take(room).map(PlannedChange::from));
    }

    /// The database refused the data of some policy: it costs itself, not its neighbours.
    fn write_one_by_one(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.write(&Batch { read: Vec::new(), untouched: batch.untouched })?;
        for read in batch.read {
            let (kind, id, name) = (read.policy.kind, read.policy.id.clone(), read.policy.name.clone());
            match self.write(&Batch { read: vec![read], untouched: Vec::<PolicyId>::new() }) {
                Err(error) if error.is_about_data() => {
                    self.state.kind(kind).skipped += 1;
                    self.state.kind(kind).status = Status::Partial;
                    self.problem(Problem {
                        code: "database",
                        kind: Some(kind),
                        policy: id,
                        policy_name: Some(name),
                        file: None,
                        message: error.to_string(),
                    });
                }
                written => written?,
            }
        }
        Ok(())
    }
}

impl State {
    /// The report of a kind, in the making.
    pub(super) fn kind(&mut self, kind: &'static str) -> &mut KindReport {
        self.kinds.entry(kind).or_insert_with(|| KindReport::new(kind))
    }

    /// The kinds' reports in the registry's order.
    pub(super) fn in_order(&mut self) -> Vec<KindReport> {
        let mut kinds = std::mem::take(&mut self.kinds);
        POLICY_KINDS.iter().filter_map(|kind| kinds.remove(kind.slug())).collect()
    }
}

fn all_new(batch: &Batch) -> BTreeMap<&'static str, Tally> {
    let mut tallies = BTreeMap::<_, Tally>::new();
    for read in &batch.read {
        tallies.entry(read.policy.kind).or_default().added += read.policy.settings.len() as u64;
    }
    tallies
}
