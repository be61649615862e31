//! Malformed requests: each gets an error that names the field, stores and starts nothing, and stops no program.

mod catalogue;
mod orders;
mod paths;

use std::time::Duration;

use end_to_end::{Service, TestSystem, order};
use harness::servers::shared;
use harness::wait;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::client::{Answer, Request};

/// A request that must be refused.
pub(crate) struct Case {
    /// What is wrong with the request.
    what: String,
    request: Request,
    status: u16,
    code: &'static str,
    /// The field, header or parameter that the answer must name. It is empty if no field is wrong.
    field: String,
    /// Whether the answer is about an order.
    about_order: bool,
}

impl Case {
    fn new(what: impl Into<String>, request: Request, refusal: (u16, &'static str), field: &str) -> Self {
        let about_order = request.path.starts_with("/api/temporal/orders") && !field.is_empty();
        Self { what: what.into(), request, status: refusal.0, code: refusal.1, field: field.to_owned(), about_order }
    }

    /// How the answer differs from the expected one.
    fn differences(&self, answer: &Answer) -> Vec<String> {
        let mut differences = Vec::new();
        if (answer.status, answer.code()) != (self.status, self.code) {
            differences.push(format!(
                "answered {} {}, expected {} {}",
                answer.status,
                answer.code(),
                self.status,
                self.code
            ));
        }
        if answer.field() != self.field {
            differences.push(format!("names the field {:?}, expected {:?}", answer.field(), self.field));
        }
        if !answer.is_problem() {
            differences.push(format!("has the content type {}, not a problem body", answer.header("content-type")));
        }
        let success = if self.about_order { json!(false) } else { Value::Null };
        if answer.json["success"] != success {
            differences.push(format!("has success {}", answer.json["success"]));
        }
        let what = format!("{} {}, {}", self.request.method, self.request.path, self.what);
        differences.iter().map(|difference| format!("{what}: {difference}\n    {:.300}\n", answer.text)).collect()
    }
}

pub(crate) const INVALID: (u16, &str) = (422, "VALIDATION_FAILED");
pub(crate) const NOT_JSON: (u16, &str) = (400, "MALFORMED_JSON");
const BAD_KEY: (u16, &str) = (400, "INVALID_IDEMPOTENCY_KEY");
const TOO_LARGE: (u16, &str) = (413, "BODY_TOO_LARGE");
const WRONG_TYPE: (u16, &str) = (415, "UNSUPPORTED_MEDIA_TYPE");

/// The object with `raw`, which may be invalid JSON, as the value of one field. The field is added if it is missing.
fn with_field(object: &str, field: &str, raw: &str) -> String {
    let inner = object.trim_matches(['{', '}']);
    let others = inner.split(',').filter(|part| !part.starts_with(&format!("\"{field}\":")));
    let fields: Vec<String> = others.map(str::to_owned).chain([format!("\"{field}\":{raw}")]).collect();
    format!("{{{}}}", fields.join(","))
}

/// The checksum of each table.
async fn checksums(system: &TestSystem) -> Vec<(String, i64)> {
    let databases = &system.databases;
    let tables = [
        (&databases.orders, vec!["orders"]),
        (&databases.inventory, vec!["products", "stock", "reservations", "deliveries"]),
        (&databases.payments, vec!["payments"]),
        (&databases.gateway, vec!["charges"]),
    ];
    let names = tables.iter().flat_map(|(db, tables)| tables.iter().map(move |table| format!("`{db}`.`{table}`")));
    let sql = format!("CHECKSUM TABLE {}", names.collect::<Vec<_>>().join(", "));
    let mut connection = MySqlConnection::connect(&databases.server).await.expect("the database answers");
    let sums: Vec<(String, Option<i64>)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("the tables can be read");
    sums.into_iter().map(|(table, sum)| (table, sum.expect("the table exists"))).collect()
}

/// The ids of the workflows of this system.
async fn workflows(system: &TestSystem) -> Vec<String> {
    let query = format!("TaskQueue = '{}'", system.task_queue);
    let list = ["workflow", "list", "--query", &query, "--output", "json"];
    let printed = shared::temporal().await.command(&list).await.expect("Temporal lists workflows");
    let listed: Value = serde_json::from_str(&printed).expect("JSON");
    let ids = listed.as_array().into_iter().flatten().map(|workflow| &workflow["execution"]["workflowId"]);
    ids.map(|id| id.as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_is_refused_with_the_name_of_the_field_and_changes_nothing() {
    let system = TestSystem::start().await;
    let before = checksums(&system).await;
    let cases: Vec<Case> = [orders::cases(), catalogue::cases(), paths::cases()].into_iter().flatten().collect();
    assert!(cases.len() >= 40, "{} cases", cases.len());

    let mut differences = Vec::new();
    for case in &cases {
        differences.extend(case.differences(&case.request.send(&system).await));
    }
    assert!(
        differences.is_empty(),
        "{} differences in {} cases:\n{}",
        differences.len(),
        cases.len(),
        differences.join("")
    );
    assert_eq!(checksums(&system).await, before, "something was stored");
    for service in Service::ALL {
        let log = system.process(service).log();
        let bad = log.lines().find(|line| line.contains("panick") || line.contains("\"level\":\"ERROR\""));
        assert_eq!(bad, None, "{service:?}");
    }

    // Temporal updates its list with a delay. Once it shows this order, it would also show any earlier one.
    assert_eq!(system.place("well-formed-1", &order()).await.status, 200);
    wait::until("the only order to be listed", Duration::from_secs(20), async || !workflows(&system).await.is_empty())
        .await;
    assert_eq!(workflows(&system).await, [system.saga("well-formed-1")]);
    println!("{} malformed requests", cases.len());
}
