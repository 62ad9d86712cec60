//! Sign-in: one token for all callers, each refusal its own cause, and nothing that takes long.

use std::{
    str::FromStr as _,
    sync::Arc,
    time::{Duration, Instant},
};

use tenantpilot::{
    auth::{
        AuthError, ClientSecret, Cloud, Credential, CredentialSource, EndpointError, Endpoints, SignInPolicy,
        resolve_tenant,
    },
    policy::TenantId,
};

use crate::support::{
    TENANT, credential, credential_with, endpoints,
    graph_server::{CLIENT_ID, CLIENT_SECRET, Effect, Fault, GraphServer, SignIn},
    http,
};

async fn refused(sign_in: SignIn) -> AuthError {
    let server = GraphServer::start().await;
    server.sign_in(TENANT, sign_in);
    credential(&server).token().await.unwrap_err()
}

/// A port on which nothing listens.
async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_share_one_sign_in() {
    let server = GraphServer::start().await;
    server.latency(Duration::from_millis(20));
    let credential = Arc::new(credential(&server));
    let callers = (0..50).map(|_| {
        tokio::spawn({
            let credential = Arc::clone(&credential);
            async move { credential.token().await.unwrap().secret().to_owned() }
        })
    });
    let tokens = futures_util::future::join_all(callers).await;
    let first = tokens[0].as_ref().unwrap();
    assert!(tokens.iter().all(|token| token.as_ref().unwrap() == first));
    assert_eq!(server.count("oauth2"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_of_a_failed_sign_in_ask_once() {
    let server = GraphServer::start().await;
    server.latency(Duration::from_millis(20));
    let credential = Arc::new(credential_with(server.url(), "wrong"));
    let started = Instant::now();
    let callers = (0..50).map(|_| {
        tokio::spawn({
            let credential = Arc::clone(&credential);
            async move { credential.token().await.unwrap_err() }
        })
    });
    for error in futures_util::future::join_all(callers).await {
        assert_eq!(error.unwrap(), AuthError::WrongSecret { client_id: CLIENT_ID.into() });
    }
    assert_eq!(server.count("oauth2"), 1);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_asked_again_once_it_is_forgotten() {
    let server = GraphServer::start().await;
    server.fault(Fault::on("oauth2", Effect::status(400)).times(1));
    let policy =
        SignInPolicy { remember_outage: Duration::ZERO, remember_refusal: Duration::ZERO, ..SignInPolicy::default() };
    let credential = credential(&server).with_policy(policy);
    credential.token().await.unwrap_err();
    credential.token().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_refused_is_replaced_once_for_all_callers() {
    let server = GraphServer::start().await;
    let credential = credential(&server);
    let old = credential.token().await.unwrap();
    let (first, second) = tokio::join!(credential.refresh(&old), credential.refresh(&old));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.secret(), old.secret());
    assert_eq!(first.secret(), second.secret());
    assert_eq!(credential.token().await.unwrap().secret(), first.secret());
    assert_eq!(server.count("oauth2"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_lived_token_is_used_and_not_fetched_for_every_call() {
    let server = GraphServer::start().await;
    server.sign_in(TENANT, SignIn::Lifetime(120));
    let credential = credential(&server);
    for _ in 0..5 {
        credential.token().await.unwrap();
    }
    assert_eq!(server.count("oauth2"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_fails_leaves_the_token_that_still_holds() {
    let server = GraphServer::start().await;
    server.sign_in(TENANT, SignIn::Lifetime(6));
    let credential = credential(&server);
    let token = credential.token().await.unwrap();
    server.sign_in(TENANT, SignIn::MISSING_CONSENT);
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(credential.token().await.unwrap().secret(), token.secret());
    assert_eq!(server.count("oauth2"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_its_own_error() {
    let (tenant, client_id) = (TENANT.to_owned(), CLIENT_ID.to_owned());
    assert_eq!(refused(SignIn::EXPIRED_SECRET).await, AuthError::ExpiredSecret { client_id: client_id.clone() });
    assert_eq!(
        refused(SignIn::UNKNOWN_TENANT).await,
        AuthError::UnknownTenant { tenant: tenant.clone(), code: 90_002 }
    );
    assert_eq!(
        refused(SignIn::CONDITIONAL_ACCESS).await,
        AuthError::ConditionalAccess { tenant: tenant.clone(), code: 53_003 }
    );
    let error = refused(SignIn::Refused(400, "x", 700_027, "The certificate is not registered.")).await;
    let message = "AADSTS700027: The certificate is not registered.".to_owned();
    assert_eq!(error, AuthError::Refused { tenant, code: Some(700_027), message });
    let error = refused(SignIn::NoCodes("AADSTS7000112: Application is disabled.")).await;
    assert!(matches!(error, AuthError::AppDisabled { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_consent_names_the_page_to_consent_on() {
    for sign_in in [SignIn::MISSING_CONSENT, SignIn::APP_NOT_FOUND] {
        let server = GraphServer::start().await;
        server.sign_in(TENANT, sign_in);
        let error = credential(&server).token().await.unwrap_err();
        let url = format!("{}/{TENANT}/adminconsent?client_id={CLIENT_ID}", server.url());
        assert!(error.hint().contains(&url), "{}", error.hint());
    }
    let public = Endpoints::new(Cloud::Public, None, None).unwrap();
    let url = public.admin_consent_url(TENANT, CLIENT_ID);
    assert_eq!(url, format!("https://login.microsoftonline.com/{TENANT}/adminconsent?client_id={CLIENT_ID}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_debug_are_one_line_and_hold_no_secret() {
    let error = refused(SignIn::Echo).await;
    let text = format!("{error} {error:?} {}", error.hint());
    assert!(text.contains("(secret)") && !text.contains(CLIENT_SECRET) && !text.contains('\n'), "{text}");
    let server = GraphServer::start().await;
    let credential = credential(&server);
    let token = credential.token().await.unwrap();
    let text = format!("{credential:?} {token:?}");
    assert!(!text.contains(CLIENT_SECRET) && !text.contains(token.secret()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_authoritys_is_a_bad_answer() {
    for (sign_in, reason) in [
        (SignIn::Html(403), "HTTP 403"),
        (SignIn::Html(200), ""),
        (SignIn::NoToken, "no access token"),
        (SignIn::Lifetime(1_000_000_000_000_000), "`expires_in` is 1000000000000000"),
        (SignIn::Lifetime(i64::MIN), "`expires_in` is -9223372036854775808"),
    ] {
        let error = refused(sign_in).await;
        assert!(matches!(error, AuthError::BadAnswer { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_fails_within_seconds() {
    let url = closed_port().await;
    let started = Instant::now();
    let error = credential_with(&url, CLIENT_SECRET).token().await.unwrap_err();
    assert!(matches!(error, AuthError::Network { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    let error = resolve_tenant(&http(), &endpoints(&url), "contoso.com").await.unwrap_err();
    assert!(matches!(error, AuthError::Network { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_hangs_is_given_up() {
    let server = GraphServer::start().await;
    server.sign_in(TENANT, SignIn::Hang);
    let policy = SignInPolicy { timeout: Duration::from_millis(300), ..SignInPolicy::default() };
    let error = credential(&server).with_policy(policy).token().await.unwrap_err();
    assert!(matches!(error, AuthError::Timeout { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_authority_is_asked_again() {
    let server = GraphServer::start().await;
    server.fault(Fault::on("oauth2", Effect::status(503)).times(1));
    credential(&server).token().await.unwrap();
    assert_eq!(server.count("oauth2"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_with_a_fault_of_its_own_has_refused_nobody() {
    let text = "A transient error has occurred. Please try again.";
    for (status, error) in
        [(429, "invalid_request"), (500, "x"), (503, "temporarily_unavailable"), (400, "server_error")]
    {
        let error = refused(SignIn::Refused(status, error, 90_033, text)).await;
        assert!(matches!(error, AuthError::Unavailable { .. }), "{error:?}");
        assert!(error.is_passing() && error.code() == "network", "{error:?}");
        assert!(error.to_string().contains(&format!("HTTP {status} AADSTS90033: {text}")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_authority_is_asked_again_for_a_domain() {
    let server = GraphServer::start().await;
    server.domain("contoso.com", TENANT);
    let endpoints = endpoints(server.url());
    server.fault(Fault::on("openid-configuration", Effect::status(503)).times(2));
    resolve_tenant(&http(), &endpoints, "contoso.com").await.unwrap();
    assert_eq!(server.count("openid-configuration"), 3);
    server.sign_in("contoso.com", SignIn::UNAVAILABLE);
    let error = resolve_tenant(&http(), &endpoints, "contoso.com").await.unwrap_err();
    assert!(matches!(error, AuthError::Unavailable { .. }), "{error:?}");
    assert_eq!(server.count("openid-configuration"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_resolved_to_its_guid_and_kept_beside_it() {
    let server = GraphServer::start().await;
    server.domain("contoso.com", TENANT);
    let endpoints = endpoints(server.url());
    let found = resolve_tenant(&http(), &endpoints, " Contoso.COM ").await.unwrap();
    assert_eq!(found, (TenantId::new(TENANT), Some("contoso.com".into())));
    let error = resolve_tenant(&http(), &endpoints, "fabrikam.com").await.unwrap_err();
    assert_eq!(error, AuthError::UnknownTenant { tenant: "fabrikam.com".into(), code: 90_002 });
    assert_eq!(server.count("openid-configuration"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guid_needs_no_request_and_anything_else_is_no_tenant() {
    let server = GraphServer::start().await;
    let endpoints = endpoints(server.url());
    let found = resolve_tenant(&http(), &endpoints, &TENANT.to_uppercase()).await.unwrap();
    assert_eq!(found, (TenantId::new(TENANT), None));
    for name in ["", "contoso", "common", "a/../b.com", "contoso.com?x", "10.0.0.1", "-a.com", "contoso..com"] {
        let error = resolve_tenant(&http(), &endpoints, name).await.unwrap_err();
        assert!(matches!(error, AuthError::NotATenant { .. }), "{name}: {error:?}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_cloud_sets_authority_graph_and_scope_together() {
    let hosts = Cloud::ALL.map(|cloud| {
        assert_eq!(Cloud::from_str(cloud.as_str()), Ok(cloud));
        let endpoints = Endpoints::new(cloud, None, Some("")).unwrap();
        let (authority, graph) = (endpoints.authority().host_str().unwrap(), endpoints.graph().host_str().unwrap());
        assert_eq!(endpoints.scope(), format!("https://{graph}/.default"));
        format!("{authority} {graph}")
    });
    assert_eq!(
        hosts,
        [
            "login.microsoftonline.com graph.microsoft.com",
            "login.microsoftonline.us graph.microsoft.us",
            "login.microsoftonline.us dod-graph.microsoft.us",
            "login.chinacloudapi.cn microsoftgraph.chinacloudapi.cn",
        ]
    );
    assert!(Cloud::from_str("Public").is_err());
}

#[test]
fn plain_http_is_for_loopback_only() {
    let with = |url| Endpoints::new(Cloud::Public, Some(url), None);
    for url in ["http://127.0.0.1:80", "http://localhost:9", "http://[::1]:9/base", "https://proxy.example/login"] {
        with(url).unwrap();
    }
    for url in ["http://login.example", "http://127.0.0.1.example", "http://localhost.example", "http://10.0.0.1"] {
        let error = with(url).unwrap_err();
        assert!(matches!(error, EndpointError::PlainHttp { endpoint: "authority", .. }), "{url}: {error:?}");
    }
    assert!(matches!(with("login.example").unwrap_err(), EndpointError::Malformed { .. }));
    assert!(matches!(with("ftp://login.example").unwrap_err(), EndpointError::Scheme { .. }));
    assert!(matches!(with("https://me:secret@login.example").unwrap_err(), EndpointError::Extra { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_empty_are_an_error_without_a_request() {
    let server = GraphServer::start().await;
    let source = CredentialSource::ClientSecret(ClientSecret::new(CLIENT_ID, " \n"));
    let credential = Credential::new(http(), endpoints(server.url()), TenantId::new(TENANT), source);
    let error = credential.token().await.unwrap_err();
    assert!(matches!(error, AuthError::Credentials { .. }), "{error:?}");
    assert!(server.requests().is_empty());
}
