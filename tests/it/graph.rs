//! The Graph client: headers, pages, retries and batches, against a server with real HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use tenantpilot::graph::{Client, GraphError, Meter, Options, RawItem, RetryPolicy};
use tokio_util::sync::CancellationToken;

use crate::support::{
    TENANT, client, client_with, credential, credential_with, endpoints,
    graph_server::{CLIENT_SECRET, Effect, Fault, GraphServer, SignIn},
    http, http_with, options,
};

const POLICIES: &str = "deviceManagement/configurationPolicies";

/// A server with that many policies, each with its number of settings as its place says.
async fn server_with(policies: usize) -> GraphServer {
    let server = GraphServer::start().await;
    server.add(POLICIES, (0..policies).map(|i| policy(i, 1)));
    server
}

fn policy(number: usize, settings: usize) -> Value {
    let settings: Vec<_> = (0..settings).map(|i| json!({ "id": i.to_string() })).collect();
    json!({ "id": format!("p{number}"), "name": format!("Policy {number}"), "settings": settings, "assignments": [] })
}

fn field(item: &RawItem, key: &str) -> Value {
    serde_json::from_str::<Value>(item.get()).unwrap()[key].clone()
}

fn ids(items: &[RawItem]) -> Vec<String> {
    items.iter().map(|item| field(item, "id").as_str().unwrap().to_owned()).collect()
}

/// The pages read until the end or the error.
async fn pages(client: &Client, path: &str) -> (Vec<usize>, Option<GraphError>) {
    let mut pages = client.pages(path);
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => sizes.push(page.len()),
            Err(error) => {
                assert!(pages.next().await.is_none(), "the listing went on after {error:?}");
                return (sizes, Some(error));
            }
        }
    }
    (sizes, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_read_and_its_link_followed_verbatim() {
    let server = server_with(60).await;
    let client = client(&server);
    let items: Vec<RawItem> = client.pages(POLICIES).try_concat().await.unwrap();
    assert_eq!(ids(&items), (0..60).map(|i| format!("p{i}")).collect::<Vec<_>>());
    assert_eq!(server.count(POLICIES), 3);
    assert_eq!(client.meter().requests(), 3);
    assert_eq!((client.meter().throttled(), client.meter().waited_ms()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_asks_for_is_not_fetched() {
    let server = server_with(60).await;
    let mut pages = client(&server).pages(POLICIES);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 25);
    drop(pages);
    assert_eq!(server.count(POLICIES), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_on_the_third_page_keeps_the_first_two() {
    let server = server_with(90).await;
    server.fault(Fault::on(POLICIES, Effect::status(500)).after(2));
    let (sizes, error) = pages(&client(&server), POLICIES).await;
    assert_eq!(sizes, [25, 25]);
    let error = error.unwrap();
    assert!(matches!(error, GraphError::Status { status: 500, .. }), "{error:?}");
    assert!(error.request_id().is_some());
    assert_eq!(server.count(POLICIES), 2 + RetryPolicy::default().tries as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_or_short_page_with_a_next_link_does_not_end_the_listing() {
    let server = server_with(3).await;
    server.object(
        "deviceManagement/empty",
        json!({ "value": [], "@odata.nextLink": format!("{}/beta/{POLICIES}", server.url()) }),
    );
    server.page_size(2);
    let (sizes, error) = pages(&client(&server), "deviceManagement/empty").await;
    assert_eq!((sizes, error), (vec![0, 2, 1], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_another_host_ends_the_listing_and_never_sees_the_token() {
    let server = server_with(3).await;
    let foreign = server_with(3).await;
    for link in [
        format!("{}/beta/{POLICIES}", foreign.url()),
        server.url().replace("http://", "http://graph@"),
        server.url().replace("http://", "https://"),
        server.url().replace("127.0.0.1", "localhost"),
        format!("//{}/beta", foreign.url().trim_start_matches("http://")),
    ] {
        server.fault(Fault::on(POLICIES, Effect::NextLink(link.clone())).times(1));
        let (sizes, error) = pages(&client(&server), POLICIES).await;
        assert_eq!(sizes, [3]);
        let error = error.unwrap();
        assert!(matches!(error, GraphError::ForeignLink { .. }), "{link}: {error:?}");
        assert_eq!(error.code(), "foreign_link");
    }
    assert!(foreign.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_seen_before_ends_the_listing() {
    let server = server_with(3).await;
    server.fault(Fault::on(POLICIES, Effect::OwnLink));
    let (sizes, error) = pages(&client(&server), POLICIES).await;
    assert_eq!((sizes, error), (vec![3], Some(GraphError::RepeatedLink { pages: 1 })));
    assert_eq!(server.count(POLICIES), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_page_says_what_is_wrong_with_it() {
    for (body, reason) in [
        ("<html><body>Please sign in</body></html>", "HTML"),
        (r#"{"value":[{"id":"1"},{"id":"#, "breaks off"),
        ("", "empty"),
        (r#"{"items":[]}"#, "without `value`"),
        (r#"{"value":null}"#, "without `value`"),
        (r#"{"value":{"id":"1"}}"#, "another shape"),
        ("[]", "another shape"),
        ("not json", "not JSON"),
        (r#"{"value":[],"@odata.nextLink":""}"#, "next link"),
    ] {
        let server = server_with(3).await;
        server.fault(Fault::on(POLICIES, Effect::Body(body)));
        let (sizes, error) = pages(&client(&server), POLICIES).await;
        let error = error.unwrap();
        assert!(matches!(error, GraphError::BadResponse { .. }), "{body}: {error:?}");
        assert_eq!(error.code(), "bad_response");
        assert!(error.to_string().contains(reason), "{body}: {error}");
        assert!(error.request_id().is_some(), "{body}");
        assert_eq!((sizes, server.count(POLICIES)), (Vec::new(), 1), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_item_of_an_odd_shape_does_not_fail_its_page() {
    let server = server_with(0).await;
    server.fault(Fault::on(POLICIES, Effect::Body(r#"{"value":[{"id":"1","n":1E400},[],null,7]}"#)));
    let items = client(&server).list(POLICIES).await.unwrap();
    assert_eq!(items.iter().map(|item| item.get()).collect::<Vec<_>>(), [r#"{"id":"1","n":1E400}"#, "[]", "null", "7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_fetched_again_and_then_a_bad_response() {
    let server = server_with(3).await;
    server.fault(Fault::on(POLICIES, Effect::Cut).times(2));
    assert_eq!(pages(&client(&server), POLICIES).await, (vec![3], None));
    server.fault(Fault::on(POLICIES, Effect::Cut));
    let (_, error) = pages(&client(&server), POLICIES).await;
    assert!(matches!(error, Some(GraphError::BadResponse { .. })), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stands_still_and_an_answer_that_never_comes_time_out() {
    for effect in [Effect::Stall, Effect::Hang] {
        let server = server_with(3).await;
        server.fault(Fault::on(POLICIES, effect.clone()));
        let graph = endpoints(server.url()).graph().clone();
        let client =
            Client::new(http_with(Duration::from_millis(300)), graph, Arc::new(credential(&server)), options());
        let started = Instant::now();
        let (_, error) = pages(&client, POLICIES).await;
        assert!(matches!(error, Some(GraphError::Timeout { .. })), "{effect:?}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{effect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_over_the_bound_is_too_large_even_when_it_is_small_on_the_wire() {
    let server = GraphServer::start().await;
    server.add(POLICIES, [json!({ "id": "p", "description": "a".repeat(100_000) })]);
    let client = client_with(&server, Options { max_body: 50_000, ..options() });
    let (_, error) = pages(&client, POLICIES).await;
    assert_eq!(error, Some(GraphError::TooLarge { limit: 50_000 }));
    assert_eq!(server.count(POLICIES), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_carries_the_headers_that_graph_wants() {
    let server = server_with(1).await;
    let client = client(&server);
    client.get(POLICIES).await.unwrap();
    client.batch(vec![format!("{POLICIES}/p0")]).await.remove(0).unwrap();
    let requests = server.requests();
    for request in requests.iter().filter(|request| request.path.contains("/beta/")) {
        let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(header("user-agent"), concat!("tenantpilot/", env!("CARGO_PKG_VERSION")));
        assert!(uuid::Uuid::try_parse(header("client-request-id")).is_ok());
        assert_eq!(header("accept-encoding"), "gzip");
        assert_eq!(header("prefer"), "include-unknown-enum-members");
        assert_eq!(header("accept-language"), "en-US");
    }
    let sub = requests.iter().find(|request| request.in_batch).unwrap();
    assert_eq!(sub.headers["prefer"], "include-unknown-enum-members");
    assert_eq!(sub.headers["accept-language"], "en-US");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_waits_for_retry_after_and_holds_back_all_of_the_tenants_requests() {
    let server = server_with(3).await;
    server.fault(Fault::on(POLICIES, Effect::throttled("1")).times(1));
    let client = client(&server);
    let (other, meter) = (client.with_meter(Meter::new()), client.meter());
    let mut told = meter.subscribe();
    let started = Instant::now();
    let (first, second) = tokio::join!(client.get(POLICIES), async {
        told.changed().await.unwrap();
        let until = told.borrow_and_update().unwrap();
        assert!(until > started + Duration::from_millis(900), "told to wait {:?}", until - started);
        other.get("deviceManagement/intents").await.unwrap();
        started.elapsed()
    });
    first.unwrap();
    assert!(second >= Duration::from_millis(990), "the other request went out after {second:?}");
    assert_eq!((meter.requests(), meter.throttled()), (2, 1));
    assert_eq!((other.meter().requests(), other.meter().throttled()), (1, 0));
    assert!((990..3000).contains(&meter.waited_ms()), "{}", meter.waited_ms());
    assert!(other.meter().waited_ms() > 0);
    assert_eq!(*told.borrow(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_may_be_a_date_and_is_cut_to_its_bound() {
    let server = server_with(3).await;
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_hours(1));
    for retry_after in [date.as_str(), "3600"] {
        server.fault(Fault::on(POLICIES, Effect::throttled(retry_after)).times(1));
        let retry = RetryPolicy { max_retry_after: Duration::from_millis(300), ..RetryPolicy::immediate() };
        let started = Instant::now();
        client_with(&server, Options { retry, ..options() }).get(POLICIES).await.unwrap();
        let waited = started.elapsed();
        assert!((Duration::from_millis(300)..Duration::from_secs(2)).contains(&waited), "{retry_after}: {waited:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_failure_is_tried_again_and_a_lasting_one_is_not() {
    for (status, requests) in [
        (408, 2),
        (423, 2),
        (429, 2),
        (500, 2),
        (502, 2),
        (503, 2),
        (504, 2),
        (509, 2),
        (400, 1),
        (403, 1),
        (404, 1),
        (501, 1),
    ] {
        let server = server_with(1).await;
        server.fault(Fault::on(POLICIES, Effect::status(status)).times(1));
        let got = client(&server).get(POLICIES).await;
        assert_eq!((got.is_ok(), server.count(POLICIES)), (requests == 2, requests), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_without_end_is_given_up_and_says_how_long_it_waited() {
    let server = server_with(1).await;
    server.fault(Fault::on(POLICIES, Effect::throttled("5")));
    let retry = RetryPolicy { tries: 3, max_retry_after: Duration::from_millis(50), ..RetryPolicy::immediate() };
    let client = client_with(&server, Options { retry, ..options() });
    let error = client.get(POLICIES).await.unwrap_err();
    let GraphError::Throttled { waited, ref request_id, .. } = error else { panic!("{error:?}") };
    assert!(waited >= Duration::from_millis(100) && request_id.is_some(), "{waited:?}");
    assert_eq!((client.meter().requests(), client.meter().throttled(), error.code()), (3, 3, "throttled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_is_answered_with_one_fresh_token() {
    let server = server_with(1).await;
    let client = client(&server);
    client.get(POLICIES).await.unwrap();
    server.revoke_tokens();
    client.get(POLICIES).await.unwrap();
    assert_eq!((server.count("oauth2"), server.count(POLICIES)), (2, 3));

    let refused = Effect::Status(401, "InvalidAuthenticationToken", "CompactToken validation failed.", Vec::new());
    server.fault(Fault::on(POLICIES, refused));
    let error = client.get(POLICIES).await.unwrap_err();
    assert_eq!((error.code(), server.count("oauth2"), server.count(POLICIES)), ("sign_in", 3, 5));
    assert!(error.to_string().contains("CompactToken") && error.request_id().is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_reaches_graph_with_nothing() {
    let server = server_with(1).await;
    server.sign_in(TENANT, SignIn::EXPIRED_SECRET);
    let error = client(&server).get(POLICIES).await.unwrap_err();
    assert_eq!((error.code(), server.count("/beta/")), ("sign_in", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_apart_by_what_graph_says() {
    let nested = r#"{"_version":3,"Message":"Application must have one of the following scopes: DeviceManagementConfiguration.Read.All - Operation ID (for customer support): 0 - Url: https://internal","ErrorCode":"Forbidden"}"#;
    for (status, code, message, expected, text) in [
        (403, "Forbidden", nested, "forbidden", "following scopes: DeviceManagementConfiguration.Read.All"),
        (
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
            "forbidden",
            "Insufficient",
        ),
        (400, "BadRequest", "Request not applicable to target tenant.", "not_licensed", "applicable"),
        (403, "Forbidden", "Tenant does not have a valid license for this feature.", "not_licensed", "license"),
        (
            403,
            "AuthenticationRequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or has premium",
            "not_licensed",
            "premium",
        ),
        (400, "BadRequest", "Parsing OData Select and Expand failed", "bad_response", "HTTP 400"),
        (302, "Moved", "elsewhere", "bad_response", "redirect"),
        (401, "Unauthorized", "An error has occurred", "forbidden", "An error"),
        (401, "Unauthorized", "Request not applicable to target tenant", "not_licensed", "applicable"),
    ] {
        let server = server_with(1).await;
        server.fault(Fault::on(POLICIES, Effect::Status(status, code, message, Vec::new())));
        let error = client(&server).get(POLICIES).await.unwrap_err();
        assert_eq!(error.code(), expected, "{error:?}");
        assert!(error.to_string().contains(text) && !error.to_string().contains("internal"), "{error}");
        assert!(error.request_id().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_that_refuses_the_connection_is_given_up_soon() {
    let server = server_with(1).await;
    let closed = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let graph = endpoints(&format!("http://{closed}")).graph().clone();
    let credential = Arc::new(credential_with(server.url(), CLIENT_SECRET));
    let client = Client::new(http(), graph, credential, Options::default());
    let started = Instant::now();
    let error = client.get(POLICIES).await.unwrap_err();
    assert!(matches!(error, GraphError::Network { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_a_wait_at_once() {
    let server = server_with(3).await;
    server.fault(Fault::on(POLICIES, Effect::throttled("100")));
    let cancel = CancellationToken::new();
    let client = client_with(&server, Options { cancel: cancel.clone(), ..options() });
    let started = Instant::now();
    let (page, batch, ()) = tokio::join!(client.get(POLICIES), client.batch(vec![POLICIES.into()]), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    });
    assert_eq!(page.unwrap_err(), GraphError::Cancelled);
    assert_eq!(batch[0].as_ref().unwrap_err(), &GraphError::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(client.meter().waited_ms() >= 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_counts_the_requests_inside_a_batch() {
    let server = server_with(40).await;
    let client = client_with(&server, Options { rate: 200, ..options() });
    let started = Instant::now();
    // The burst is 20 of the 200, the rest comes back at 9 a second.
    let answers = client.batch((0..30).map(|i| format!("{POLICIES}/p{i}")).collect()).await;
    assert!(answers.iter().all(Result::is_ok));
    let took = started.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(4)).contains(&took), "{took:?}");
    assert_eq!(client.meter().waited_ms(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_in_the_order_of_its_paths_twenty_at_a_time() {
    let server = server_with(50).await;
    let client = client(&server);
    let paths: Vec<_> = (0..50).rev().map(|i| format!("{POLICIES}/p{i}")).collect();
    // Spawned, since a caller needs the future to be Send.
    let answers = tokio::spawn({
        let client = client.clone();
        async move { client.batch(paths).await }
    });
    let items: Vec<RawItem> = answers.await.unwrap().into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(ids(&items), (0..50).rev().map(|i| format!("p{i}")).collect::<Vec<_>>());
    assert_eq!((server.count("$batch"), server.count_in_batch(POLICIES), client.meter().requests()), (3, 50, 3));
    assert!(client.batch(Vec::new()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_throttled_inside_a_batch_is_retried_alone_after_its_own_wait() {
    let server = server_with(20).await;
    server.fault(Fault::on("/p7", Effect::throttled("1")).times(1));
    server.fault(Fault::on("/p9", Effect::status(503)).times(1));
    let client = client(&server);
    let started = Instant::now();
    let answers = client.batch((0..20).map(|i| format!("{POLICIES}/p{i}")).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!((server.count("$batch"), server.count_in_batch(POLICIES)), (2, 22));
    assert_eq!((server.count_in_batch("/p7"), server.count_in_batch("/p9")), (2, 2));
    assert_eq!(client.meter().throttled(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_of_a_batch_fails_alone() {
    let server = server_with(4).await;
    server.remove(POLICIES, "p1");
    server.fault(Fault::on("/p2", Effect::Status(403, "Forbidden", "no", Vec::new())));
    let answers = client(&server).batch((0..4).map(|i| format!("{POLICIES}/p{i}")).collect()).await;
    assert!(answers[0].is_ok() && answers[3].is_ok());
    assert!(matches!(answers[1], Err(GraphError::NotFound { .. })), "{:?}", answers[1]);
    assert!(matches!(answers[2], Err(GraphError::Forbidden { .. })), "{:?}", answers[2]);
    assert!(answers[2].as_ref().unwrap_err().request_id().is_some());
    assert_eq!(server.count("$batch"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_missing_from_a_batch_is_asked_for_again_and_then_fails_alone() {
    let server = server_with(4).await;
    server.fault(Fault::on("/p1", Effect::LeaveOut).times(1));
    server.fault(Fault::on("/p2", Effect::LeaveOut));
    let answers = client(&server).batch((0..4).map(|i| format!("{POLICIES}/p{i}")).collect()).await;
    assert!(answers[0].is_ok() && answers[1].is_ok() && answers[3].is_ok());
    assert!(matches!(answers[2], Err(GraphError::BadResponse { .. })), "{:?}", answers[2]);
    let tries = RetryPolicy::default().tries as usize;
    assert_eq!(
        (server.count_in_batch("/p0"), server.count_in_batch("/p1"), server.count_in_batch("/p2")),
        (1, 2, tries)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_inside_a_batch_gets_one_fresh_token() {
    let server = server_with(2).await;
    let refused = || Effect::Status(401, "InvalidAuthenticationToken", "expired", Vec::new());
    server.fault(Fault::on("/p0", refused()).times(1));
    server.fault(Fault::on("/p1", refused()));
    let answers = client(&server).batch(vec![format!("{POLICIES}/p0"), format!("{POLICIES}/p1")]).await;
    assert!(answers[0].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().code(), "sign_in");
    assert_eq!((server.count("oauth2"), server.count("$batch")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_read_fails_all_of_its_requests() {
    for body in ["<html></html>", "{}", r#"{"responses":{}}"#] {
        let server = server_with(2).await;
        server.fault(Fault::on("$batch", Effect::Body(body)));
        let answers = client(&server).batch(vec![format!("{POLICIES}/p0"), format!("{POLICIES}/p1")]).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(GraphError::BadResponse { .. }))), "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_in_a_batch_are_followed_outside_of_it() {
    let server = GraphServer::start().await;
    server.add(POLICIES, [policy(0, 60), policy(1, 3), policy(2, 0)]);
    let client = client(&server);
    let paths = (0..4).map(|i| format!("{POLICIES}/p{i}/settings?$expand=settingDefinitions")).collect();
    let lists = tokio::spawn(async move { client.batch_lists(paths).await }).await.unwrap();
    let sizes: Vec<_> = lists.iter().map(|list| list.as_ref().map(Vec::len).map_err(GraphError::code)).collect();
    assert_eq!(sizes, [Ok(60), Ok(3), Ok(0), Err("bad_response")]);
    assert_eq!((server.count("$batch"), server.count("/settings")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_another_host_inside_a_batch_fails_its_list_alone() {
    let (server, foreign) = (server_with(2).await, server_with(1).await);
    let link = format!("{}/beta/{POLICIES}", foreign.url());
    server.fault(Fault::on("/p0/settings", Effect::NextLink(link)));
    let lists = client(&server).batch_lists((0..2).map(|i| format!("{POLICIES}/p{i}/settings")).collect()).await;
    assert!(matches!(lists[0], Err(GraphError::ForeignLink { .. })), "{:?}", lists[0]);
    assert_eq!(lists[1].as_ref().unwrap().len(), 1);
    assert!(foreign.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_server_echoes_stays_out_of_the_error() {
    let server = server_with(1).await;
    server.fault(Fault::on(POLICIES, Effect::EchoToken));
    let error = client(&server).get(POLICIES).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("(secret)") && !text.contains("eyJ0"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_message_is_cut_to_one_line() {
    let server = server_with(1).await;
    let long: &'static str = "ä line\n".repeat(1000).leak();
    server.fault(Fault::on(POLICIES, Effect::Status(400, "BadRequest", long, Vec::new())));
    let text = client(&server).get(POLICIES).await.unwrap_err().to_string();
    assert!(text.len() < 400 && !text.contains('\n'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_in_the_shapes_of_graph() {
    let server = GraphServer::start().await;
    let assigned = json!([{ "id": "a", "target": { "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget" } }]);
    server.add(
        POLICIES,
        [json!({
            "id": "es", "settings": [{ "id": "0" }], "assignments": assigned,
            "templateReference": { "templateFamily": "endpointSecurityAntivirus" }
        })],
    );
    let value = json!({
        "id": "dv", "enabled": true, "definition": { "id": "d" },
        "presentationValues": [{ "id": "pv", "value": "x", "presentation": { "id": "p" } }]
    });
    server.add_for(TENANT, POLICIES, []);
    let templates = "deviceManagement/groupPolicyConfigurations";
    let script = json!({ "id": "s", "displayName": "S", "scriptContent": "QQ==" });
    server.add_for(TENANT, "deviceManagement/deviceManagementScripts", [script]);
    server.add_for(TENANT, templates, [json!({ "id": "gp", "definitionValues": [value] })]);
    server.add_for(TENANT, POLICIES, [policy(0, 2)]);
    server.add_for(
        TENANT,
        "deviceManagement/intents",
        [json!({ "id": "i", "settings": [{ "id": "0", "valueJson": "true" }] })],
    );
    let client = client(&server);
    let list = async |path: &str| {
        let items = client.list(path).await.unwrap();
        items.iter().map(|item| serde_json::from_str::<Value>(item.get()).unwrap()).collect::<Vec<_>>()
    };
    let plain = &list(POLICIES).await[0];
    assert_eq!((&plain["id"], &plain["settingCount"], plain.get("settings")), (&json!("p0"), &json!(2), None));
    assert_eq!(list(&format!("{POLICIES}?$expand=settings")).await[0]["settings"].as_array().unwrap().len(), 2);
    assert!(matches!(
        client.list(&format!("{POLICIES}?$expand=relationships")).await,
        Err(GraphError::Status { status: 400, .. })
    ));
    assert_eq!(list(&format!("{POLICIES}?$select=id")).await[0], json!({ "id": "p0" }));
    assert_eq!(list(&format!("{templates}?$expand=definitionValues")).await[0]["definitionValues"], json!([]));
    let values = list(&format!("{templates}/gp/definitionValues?$expand=definition")).await;
    assert_eq!(values, [json!({ "id": "dv", "enabled": true, "definition": { "id": "d" } })]);
    let presentations =
        list(&format!("{templates}/gp/definitionValues/dv/presentationValues?$expand=presentation")).await;
    assert_eq!(presentations[0]["presentation"]["id"], "p");
    assert_eq!(list("deviceManagement/intents/i/settings").await[0]["valueJson"], "true");
    assert_eq!(list("deviceManagement/deviceManagementScripts").await[0]["scriptContent"], Value::Null);
    let script = client.get("deviceManagement/deviceManagementScripts/s").await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&script).unwrap()["scriptContent"], "QQ==");
    assert!(list("deviceManagement/deviceShellScripts").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_takes_exports_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("settings-catalog/a.json", br#"{"id":"a","settings":[]}"#);
    write("x/b.json", "\u{feff}{\"@odata.context\":\"https://graph.microsoft.com/beta/$metadata#deviceManagement/intents/$entity\",\"id\":\"b\"}".as_bytes());
    write("x/c.json", br##"{"value":[{"@odata.type":"#microsoft.graph.windows10GeneralConfiguration","id":"c"},{"@odata.type":"#microsoft.graph.iosCompliancePolicy","id":"d"}]}"##);
    let utf16: Vec<u8> = "\u{feff}[{\"id\":\"e\"}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    write("Own/e.json", &utf16);
    let server = GraphServer::start().await;
    assert_eq!(server.add_folder(folder.path(), &[("Own", "groups")]).unwrap(), 5);
    let client = client(&server);
    for (path, id) in [
        (POLICIES, "a"),
        ("deviceManagement/intents", "b"),
        ("deviceManagement/deviceConfigurations", "c"),
        ("deviceManagement/deviceCompliancePolicies", "d"),
        ("groups", "e"),
    ] {
        assert_eq!(ids(&client.list(path).await.unwrap()), [id], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_that_was_ever_given_out_comes_back_in_an_error() {
    let first = format!("eyJ0.{TENANT}.1");
    let quoting = |status| {
        let message: &'static str = format!("refused: {first}").leak();
        let code: &'static str = format!("TokenExpired {first}").leak();
        Effect::Status(status, code, message, vec![("request-id", format!("id {first}"))])
    };
    for status in [401, 403] {
        let server = server_with(1).await;
        let client = client(&server);
        client.get(POLICIES).await.unwrap();
        server.revoke_tokens();
        client.get(POLICIES).await.unwrap();
        server.fault(Fault::on(POLICIES, quoting(status)));
        let alone = client.get(POLICIES).await.unwrap_err();
        let inside = client.batch(vec![format!("{POLICIES}/p0")]).await.remove(0).unwrap_err();
        for error in [alone, inside] {
            let text = format!("{error} {error:?} {:?}", error.request_id());
            assert!(text.contains("(secret)") && !text.contains("eyJ0"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_brings_nothing_new_any_more_ends() {
    let server = server_with(3).await;
    server.fault(Fault::on(POLICIES, Effect::FreshLink));
    let (sizes, error) = pages(&client(&server), POLICIES).await;
    assert!(sizes.len() < 120, "{}", sizes.len());
    assert_eq!(error.unwrap().code(), "bad_response");
    // empty pages bring nothing either
    server.object("deviceManagement/empty", json!({ "value": [] }));
    server.fault(Fault::on("deviceManagement/empty", Effect::FreshLink));
    let (sizes, error) = pages(&client(&server), "deviceManagement/empty").await;
    assert!(sizes.len() < 120 && error.is_some(), "{}", sizes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_begin_anew_with_each_page_are_no_sign_of_a_list_without_end() {
    let server = GraphServer::start().await;
    let page = |at: usize| {
        let mut page = json!({"value": [{"id": "0", "name": format!("setting {at}")}]});
        if at < 150 {
            page["@odata.nextLink"] = json!(format!("{}/beta/deviceManagement/anew{}", server.url(), at + 1));
        }
        page
    };
    for at in 0..=150 {
        server.object(&format!("deviceManagement/anew{at}"), page(at));
    }
    let (sizes, error) = pages(&client(&server), "deviceManagement/anew0").await;
    assert_eq!((sizes.len(), error), (151, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_details_of_one_policy_have_a_bound() {
    let server = GraphServer::start().await;
    server.add(POLICIES, [policy(0, 60), policy(1, 3)]);
    let client = client_with(&server, Options { max_list: 400, ..options() });
    let lists = client.batch_lists((0..2).map(|i| format!("{POLICIES}/p{i}/settings")).collect()).await;
    assert!(matches!(lists[0], Err(GraphError::TooLarge { .. })), "{:?}", lists[0]);
    assert_eq!(lists[1].as_ref().unwrap().len(), 3);
}
