//! Where a cloud's sign-in and Graph live, and other hosts in their place.

use std::str::FromStr;

use url::{Host, Url};

/// One of Microsoft's clouds: authority, Graph host and scope belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cloud {
    /// The worldwide cloud, GCC included.
    #[default]
    Public,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5, for the Department of Defense.
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Public, Self::UsGov, Self::UsGovDod, Self::China];

    /// The name that `--cloud` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGov => "usgov",
            Self::UsGovDod => "usgov-dod",
            Self::China => "china",
        }
    }

    fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    fn graph(self) -> &'static str {
        match self {
            Self::Public => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}

impl FromStr for Cloud {
    type Err = EndpointError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|cloud| cloud.as_str() == name);
        known.ok_or_else(|| EndpointError::UnknownCloud { name: name.chars().take(40).collect() })
    }
}

/// Why a cloud or URL cannot be used; the caller says where it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not one of [`Cloud::ALL`].
    #[error("there is no cloud `{name}`; the clouds are public, usgov, usgov-dod and china")]
    UnknownCloud {
        /// What was asked for.
        name: String,
    },
    /// Not an absolute URL.
    #[error("the {endpoint} URL is malformed: {reason}")]
    Malformed {
        /// `authority` or `Graph`.
        endpoint: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// A scheme other than http and https.
    #[error("the {endpoint} URL has the scheme `{scheme}`: it must be https")]
    Scheme {
        /// `authority` or `Graph`.
        endpoint: &'static str,
        /// The scheme found.
        scheme: String,
    },
    /// A secret or token would travel in the clear.
    #[error("the {endpoint} URL is plain http to `{host}`: that is allowed for loopback only")]
    PlainHttp {
        /// `authority` or `Graph`.
        endpoint: &'static str,
        /// The host found.
        host: String,
    },
    /// A user name, query or fragment, which a base URL cannot have.
    #[error("the {endpoint} URL must be scheme, host, port and path only")]
    Extra {
        /// `authority` or `Graph`.
        endpoint: &'static str,
    },
}

/// The hosts that one run talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    authority: Url,
    graph: Url,
    scope: String,
}

impl Endpoints {
    /// Takes the cloud's own hosts, each replaced by the override given for it; an empty override counts as none.
    ///
    /// The scope stays the cloud's: another host stands in front of Graph and is no resource of its own.
    pub fn new(cloud: Cloud, authority: Option<&str>, graph: Option<&str>) -> Result<Self, EndpointError> {
        let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self {
            authority: base_url("authority", &given(authority).unwrap_or_else(|| cloud.authority().to_owned()))?,
            graph: base_url("Graph", &given(graph).unwrap_or_else(|| cloud.graph().to_owned()))?,
            scope: format!("{}/.default", cloud.graph()),
        })
    }

    /// Where tokens come from.
    pub fn authority(&self) -> &Url {
        &self.authority
    }

    /// Graph without the version in the path.
    pub fn graph(&self) -> &Url {
        &self.graph
    }

    /// What a token is asked for.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The page on which an administrator of the tenant consents to the app.
    pub fn admin_consent_url(&self, tenant: &str, client_id: &str) -> String {
        let mut url = with_path(&self.authority, &format!("/{tenant}/adminconsent"));
        url.query_pairs_mut().append_pair("client_id", client_id);
        url.to_string()
    }
}

/// The URL below a base, whatever path the base has.
pub(super) fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

fn base_url(endpoint: &'static str, text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text).map_err(|e| EndpointError::Malformed { endpoint, reason: e.to_string() })?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(EndpointError::Scheme { endpoint, scheme: url.scheme().chars().take(40).collect() });
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::Extra { endpoint });
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let host = url.host_str().unwrap_or_default().chars().take(100).collect();
        return Err(EndpointError::PlainHttp { endpoint, host });
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
