//! What the OpenAPI documents promise, and which of it has been seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use end_to_end::{Service, World};
use serde_json::Value;

use crate::client::{Answer, Request};

/// An operation: who, method, path with its parameters in braces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) service: Service,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// An answer: status and, of an error, code.
pub(crate) type Outcome = (u16, String);

/// The documents of the four programs.
pub(crate) struct Documents(pub(crate) BTreeMap<Operation, BTreeSet<Outcome>>);

impl Documents {
    /// Reads `/v3/api-docs` of all four.
    pub(crate) async fn read(world: &World) -> Self {
        let mut operations = BTreeMap::new();
        for service in Service::ALL {
            let document = Request::get(service, "/v3/api-docs").send(world).await.json;
            for (path, methods) in document["paths"].as_object().expect("an OpenAPI document has paths") {
                for (method, operation) in methods.as_object().expect("a path has methods") {
                    let (method, path) = (method.to_uppercase(), path.clone());
                    operations.insert(Operation { service, method, path }, outcomes(operation));
                }
            }
        }
        Self(operations)
    }

    /// The operation that a request is for.
    fn operation(&self, request: &Request) -> Option<&Operation> {
        let path = request.path.split('?').next().unwrap_or_default();
        let matching = self.0.keys().filter(|operation| {
            operation.service == request.service && operation.method == request.method && fits(path, &operation.path)
        });
        matching.min_by_key(|operation| operation.path.matches('{').count())
    }
}

fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len() && path.iter().zip(template).all(|(part, name)| name.starts_with('{') || *part == name)
}

/// Of an error the description names each code: the words in capitals.
fn outcomes(operation: &Value) -> BTreeSet<Outcome> {
    let responses = operation["responses"].as_object().expect("an operation has answers");
    let mut outcomes = BTreeSet::new();
    for (status, response) in responses {
        let status: u16 = status.parse().expect("a status is a number");
        let description = response["description"].as_str().unwrap_or_default();
        let words = description.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.len() > 4);
        if response["content"]["application/problem+json"].is_object() {
            outcomes.extend(words.map(|code| (status, code.to_owned())));
        } else {
            outcomes.insert((status, String::new()));
        }
    }
    outcomes
}

/// Which answers have been seen.
pub(crate) struct Coverage {
    pub(crate) documents: Documents,
    seen: Mutex<BTreeMap<(Operation, Outcome), Answer>>,
}

impl Coverage {
    pub(crate) fn of(documents: Documents) -> Self {
        Self { documents, seen: Mutex::default() }
    }

    /// Sends a request of a documented operation, and remembers its answer.
    pub(crate) async fn send(&self, world: &World, request: &Request) -> Answer {
        let answer = request.send(world).await;
        let operation = self.documents.operation(request).unwrap_or_else(|| panic!("not documented: {request:?}"));
        assert!(answer.header("x-request-id").len() > 8, "{operation:?} has no X-Request-ID");
        assert!(answer.code().is_empty() || answer.is_problem(), "{operation:?}: {answer:?}");
        let outcome = (answer.status, answer.code().to_owned());
        let mut seen = self.seen.lock().expect("no task has panicked with it");
        seen.entry((operation.clone(), outcome)).or_insert_with(|| answer.clone());
        answer
    }

    /// Documented, and not seen.
    pub(crate) fn missing(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("no task has panicked with it");
        let promised =
            self.documents.0.iter().flat_map(|(operation, outcomes)| {
                outcomes.iter().map(move |outcome| (operation.clone(), outcome.clone()))
            });
        promised.filter(|promise| !seen.contains_key(promise)).map(|promise| shown(&promise)).collect()
    }

    /// Seen, and not documented.
    pub(crate) fn undocumented(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("no task has panicked with it");
        let unknown = seen.iter().filter(|((operation, outcome), _)| !self.documents.0[operation].contains(outcome));
        unknown.map(|(answer, reply)| format!("{}: {:.200}", shown(answer), reply.text)).collect()
    }

    /// One line for each answer seen.
    pub(crate) fn summary(&self) -> String {
        let seen = self.seen.lock().expect("no task has panicked with it");
        seen.iter().map(|(answer, reply)| format!("{} :: {:.3000}\n", shown(answer), reply.text)).collect()
    }
}

fn shown((operation, (status, code)): &(Operation, Outcome)) -> String {
    format!("{} {} {} {status} {code}", operation.service.program(), operation.method, operation.path)
}
