//! No input stores anything, starts anything, or brings a program down: it is refused, with the field named.

mod catalogue;
mod orders;
mod paths;

use std::time::Duration;

use end_to_end::{Service, World, order};
use harness::servers::shared;
use harness::wait;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::client::{Answer, Request};

/// A request that must be refused.
pub(crate) struct Case {
    /// What is wrong with it.
    what: String,
    request: Request,
    status: u16,
    code: &'static str,
    /// The field, header or parameter that the answer must name; empty where none is at fault.
    field: String,
    /// Does the answer concern an order?
    about_order: bool,
}

impl Case {
    fn new(what: impl Into<String>, request: Request, refusal: (u16, &'static str), field: &str) -> Self {
        let about_order = request.path.starts_with("/api/temporal/orders") && !field.is_empty();
        Self { what: what.into(), request, status: refusal.0, code: refusal.1, field: field.to_owned(), about_order }
    }

    /// What the answer has other than it should.
    fn faults(&self, answer: &Answer) -> Vec<String> {
        let mut faults = Vec::new();
        if (answer.status, answer.code()) != (self.status, self.code) {
            faults.push(format!(
                "answered {} {}, expected {} {}",
                answer.status,
                answer.code(),
                self.status,
                self.code
            ));
        }
        if answer.field() != self.field {
            faults.push(format!("names the field {:?}, expected {:?}", answer.field(), self.field));
        }
        if !answer.is_problem() {
            faults.push(format!("is no problem body but {}", answer.header("content-type")));
        }
        let success = if self.about_order { json!(false) } else { Value::Null };
        if answer.json["success"] != success {
            faults.push(format!("has success {}", answer.json["success"]));
        }
        let what = format!("{} {}, {}", self.request.method, self.request.path, self.what);
        faults.iter().map(|fault| format!("{what}: {fault}\n    {:.300}\n", answer.text)).collect()
    }
}

pub(crate) const INVALID: (u16, &str) = (422, "VALIDATION_FAILED");
pub(crate) const NOT_JSON: (u16, &str) = (400, "MALFORMED_JSON");
const BAD_KEY: (u16, &str) = (400, "INVALID_IDEMPOTENCY_KEY");
const TOO_LARGE: (u16, &str) = (413, "BODY_TOO_LARGE");
const WRONG_TYPE: (u16, &str) = (415, "UNSUPPORTED_MEDIA_TYPE");

/// The object with the value of one field replaced by any text, or the field added.
fn with(object: &str, field: &str, raw: &str) -> String {
    let inner = object.trim_matches(['{', '}']);
    let others = inner.split(',').filter(|part| !part.starts_with(&format!("\"{field}\":")));
    let fields: Vec<String> = others.map(str::to_owned).chain([format!("\"{field}\":{raw}")]).collect();
    format!("{{{}}}", fields.join(","))
}

/// What the whole of all tables comes to, table by table.
async fn checksums(world: &World) -> Vec<(String, i64)> {
    let at = &world.addresses;
    let tables = [
        (&at.orders, vec!["orders"]),
        (&at.inventory, vec!["products", "stock", "reservations", "deliveries"]),
        (&at.payments, vec!["payments"]),
        (&at.gateway, vec!["charges"]),
    ];
    let names = tables.iter().flat_map(|(db, tables)| tables.iter().map(move |table| format!("`{db}`.`{table}`")));
    let sql = format!("CHECKSUM TABLE {}", names.collect::<Vec<_>>().join(", "));
    let mut connection = MySqlConnection::connect(&at.server).await.expect("the database is there");
    let sums: Vec<(String, Option<i64>)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("the tables can be read");
    sums.into_iter().map(|(table, sum)| (table, sum.expect("the table is there"))).collect()
}

/// The workflows of this world, by their ids.
async fn workflows(world: &World) -> Vec<String> {
    let query = format!("TaskQueue = '{}'", world.task_queue);
    let list = ["workflow", "list", "--query", &query, "--output", "json"];
    let printed = shared::temporal().await.command(&list).await.expect("Temporal lists workflows");
    let listed: Value = serde_json::from_str(&printed).expect("JSON");
    let ids = listed.as_array().into_iter().flatten().map(|workflow| &workflow["execution"]["workflowId"]);
    ids.map(|id| id.as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_is_refused_with_its_field_named_and_nothing_stored_or_started() {
    let world = World::start().await;
    let before = checksums(&world).await;
    let cases: Vec<Case> = [orders::cases(), catalogue::cases(), paths::cases()].into_iter().flatten().collect();
    assert!(cases.len() >= 40, "{} cases", cases.len());

    let mut faults = Vec::new();
    for case in &cases {
        faults.extend(case.faults(&case.request.send(&world).await));
    }
    assert!(faults.is_empty(), "{} faults in {} cases:\n{}", faults.len(), cases.len(), faults.join(""));
    assert_eq!(checksums(&world).await, before, "something was stored");
    for service in Service::ALL {
        let log = world.process(service).log();
        let bad = log.lines().find(|line| line.contains("panick") || line.contains("\"level\":\"ERROR\""));
        assert_eq!(bad, None, "{service:?}");
    }

    // The list lags behind: once a later order shows in it, one of before would, too.
    assert_eq!(world.place("well-formed-1", &order()).await.status, 200);
    wait::until("the only order to be listed", Duration::from_secs(20), async || !workflows(&world).await.is_empty())
        .await;
    assert_eq!(workflows(&world).await, [world.saga("well-formed-1")]);
    println!("{} malformed requests", cases.len());
}
