//! A job: one tenant to sync, as JSON in the list.

use serde::Serialize;
use serde_json::Value;

use crate::{
    policy::TenantId,
    registry::{self, POLICY_KINDS, PolicyKind},
};

/// Longest envelope, in bytes; one with every kind takes less than 1 KiB.
pub(super) const MAX_ENVELOPE: usize = 64 << 10;

/// The number of a job's first attempt.
const FIRST: u32 = 1;

/// The kind that stands for all.
const ALL: &str = "all";

/// A tenant to sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The version of the envelope: 1.
    pub(super) v: u32,
    /// A UUID.
    pub id: String,
    /// By id, or by the domain it was asked for.
    pub tenant_id: TenantId,
    /// Slugs of the kinds asked for; `None` is the worker's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// Which attempt is the next one, from 1.
    pub attempt: u32,
    /// How often a worker died with it.
    pub deliveries: u32,
    /// Milliseconds since 1970, by the clock of who enqueued it.
    pub enqueued_at: i64,
}

/// Why an envelope is no job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Over the bound.
    #[error("the envelope is {bytes} bytes long, and {} are the most", MAX_ENVELOPE)]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// No JSON.
    #[error("the envelope is no JSON object")]
    NoObject,
    /// Of a version that this one does not know.
    #[error("the envelope has version {version}, which this version does not know")]
    Version {
        /// Its version.
        version: String,
    },
    /// Without a tenant.
    #[error("the envelope names no `tenantId`")]
    NoTenant,
    /// With something else for a tenant.
    #[error("`{name}` is neither a tenant id nor a domain name")]
    NotATenant {
        /// Its beginning.
        name: String,
    },
    /// A kind that the registry does not know.
    #[error("there is no kind `{kind}`")]
    UnknownKind {
        /// Its beginning.
        kind: String,
    },
    /// Something else for kinds.
    #[error("`kinds` is no list of kinds")]
    Kinds,
}

/// What stands in the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// A job with an id.
    Job(Job),
    /// A tenant that another program asked for.
    Bare { tenant: TenantId, kinds: Option<Vec<String>> },
}

impl Job {
    /// A job for a tenant.
    pub(super) fn new(tenant: TenantId, kinds: Option<Vec<String>>, enqueued_at: i64) -> Self {
        let id = uuid::Uuid::now_v7().to_string();
        Self { v: 1, id, tenant_id: tenant, kinds, attempt: FIRST, deliveries: 0, enqueued_at }
    }

    /// Whether a text may be a job's id, as the scripts read it.
    pub(super) fn is_id(text: &str) -> bool {
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        (1..=64).contains(&text.len()) && text.bytes().all(plain)
    }

    /// As it stands in the list.
    pub(super) fn text(&self) -> Vec<u8> {
        // plain data, which always has a JSON form
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The kinds of both requests; `None` is the default ones.
    pub(super) fn widened(&self, asked: Option<&[String]>) -> Option<Vec<String>> {
        let default = || -> Vec<_> { POLICY_KINDS.iter().filter(|kind| kind.default).map(slug).collect() };
        let mine = self.kinds.clone().unwrap_or_else(default);
        let theirs = asked.map_or_else(default, <[String]>::to_vec);
        let union: Vec<_> =
            POLICY_KINDS.iter().map(slug).filter(|slug| mine.contains(slug) || theirs.contains(slug)).collect();
        let spelled_out = self.kinds.is_some() && asked.is_some();
        (spelled_out || union != default()).then_some(union)
    }
}

fn slug(kind: &PolicyKind) -> String {
    kind.slug().to_owned()
}

impl Envelope {
    /// Reads what any program may have put into the list.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Unreadable> {
        if text.len() > MAX_ENVELOPE {
            return Err(Unreadable::TooLarge { bytes: text.len() });
        }
        let Ok(Value::Object(envelope)) = serde_json::from_slice(text) else { return Err(Unreadable::NoObject) };
        if let Some(version) = envelope.get("v").filter(|version| version.as_u64() != Some(1)) {
            return Err(Unreadable::Version { version: beginning(&version.to_string()) });
        }
        let name = envelope.get("tenantId").and_then(Value::as_str).ok_or(Unreadable::NoTenant)?;
        let tenant = TenantId::of_directory(name).ok_or_else(|| Unreadable::NotATenant { name: beginning(name) })?;
        let kinds = kinds(envelope.get("kinds"))?;
        let id = envelope.get("id").and_then(Value::as_str).filter(|_| envelope.contains_key("v"));
        let Some(id) = id.map(str::to_owned) else { return Ok(Self::Bare { tenant, kinds }) };
        // the scripts have begun it by its id and tenant, so what else another program writes oddly counts as left out
        let count = |name: &str| envelope.get(name).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
        Ok(Self::Job(Job {
            v: 1,
            id,
            tenant_id: tenant,
            kinds,
            attempt: count("attempt").unwrap_or(FIRST),
            deliveries: count("deliveries").unwrap_or_default(),
            enqueued_at: envelope.get("enqueuedAt").and_then(Value::as_i64).unwrap_or_default(),
        }))
    }
}

/// The kinds of an envelope, `all` spelled out.
fn kinds(listed: Option<&Value>) -> Result<Option<Vec<String>>, Unreadable> {
    let listed = match listed {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(Unreadable::Kinds),
    };
    let slugs = listed.iter().map(|kind| kind.as_str().ok_or(Unreadable::Kinds)).collect::<Result<Vec<_>, _>>()?;
    if slugs.is_empty() {
        return Ok(None);
    }
    if slugs.contains(&ALL) {
        return Ok(Some(POLICY_KINDS.iter().map(slug).collect()));
    }
    if let Some(unknown) = slugs.iter().find(|slug| registry::by_slug(slug).is_err()) {
        return Err(Unreadable::UnknownKind { kind: beginning(unknown) });
    }
    // each once, however often it was asked for
    Ok(Some(POLICY_KINDS.iter().map(slug).filter(|slug| slugs.contains(&slug.as_str())).collect()))
}

/// Enough of a text to know it again.
pub(super) fn beginning(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::{Envelope, Job, MAX_ENVELOPE, Unreadable};
    use crate::policy::TenantId;

    const TENANT: &str = "1e2f3a4b-0000-4000-8000-000000000001";

    fn job(kinds: Option<&[&str]>) -> Job {
        let kinds = kinds.map(|kinds| kinds.iter().map(ToString::to_string).collect());
        Job::new(TenantId::new(TENANT), kinds, 1_764_000_000_000)
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let written = job(Some(&["compliance"]));
        assert_eq!(Envelope::parse(&written.text()), Ok(Envelope::Job(written)));
    }

    #[test]
    fn a_bare_tenant_is_a_request() {
        let text = format!(r#"{{"tenantId":"{}","kinds":["intent"]}}"#, TENANT.to_uppercase());
        let kinds = Some(vec!["intent".to_owned()]);
        assert_eq!(Envelope::parse(text.as_bytes()), Ok(Envelope::Bare { tenant: TenantId::new(TENANT), kinds }));
    }

    #[test]
    fn kinds_that_are_asked_for_again_and_again_are_read_once() {
        let kinds = vec![r#""compliance""#; 1_000].join(",");
        let text = format!(r#"{{"tenantId":"{TENANT}","kinds":[{kinds}]}}"#);
        let kinds = Some(vec!["compliance".to_owned()]);
        assert_eq!(Envelope::parse(text.as_bytes()), Ok(Envelope::Bare { tenant: TenantId::new(TENANT), kinds }));
    }

    #[test]
    fn what_is_no_job_says_why() {
        let large = vec![b' '; MAX_ENVELOPE + 1];
        assert_eq!(Envelope::parse(&large), Err(Unreadable::TooLarge { bytes: MAX_ENVELOPE + 1 }));
        for (text, why) in [
            ("nonsense", Unreadable::NoObject),
            ("[]", Unreadable::NoObject),
            ("{}", Unreadable::NoTenant),
            (r#"{"tenantId":7}"#, Unreadable::NoTenant),
            (r#"{"tenantId":"two words"}"#, Unreadable::NotATenant { name: "two words".into() }),
            (r#"{"v":2,"tenantId":"contoso.com"}"#, Unreadable::Version { version: "2".into() }),
            (r#"{"tenantId":"contoso.com","kinds":"intent"}"#, Unreadable::Kinds),
            (r#"{"tenantId":"contoso.com","kinds":["nope"]}"#, Unreadable::UnknownKind { kind: "nope".into() }),
        ] {
            assert_eq!(Envelope::parse(text.as_bytes()), Err(why), "{text}");
        }
    }

    #[test]
    fn kinds_are_widened_to_those_of_both_requests() {
        let slugs = |kinds: &[&str]| Some(kinds.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(job(None).widened(None), None);
        assert_eq!(job(None).widened(slugs(&["intent"]).as_deref()), None);
        assert_eq!(job(Some(&["intent"])).widened(None), None);
        assert_eq!(job(Some(&["intent"])).widened(slugs(&["compliance"]).as_deref()), slugs(&["compliance", "intent"]));
        assert_eq!(job(Some(&["intent"])).widened(slugs(&["intent"]).as_deref()), slugs(&["intent"]));
        let more = job(None).widened(slugs(&["conditional-access"]).as_deref()).unwrap();
        assert!(more.contains(&"settings-catalog".to_owned()) && more.contains(&"conditional-access".to_owned()));
    }
}
