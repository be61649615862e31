//! The answers that the OpenAPI documents list, and which of them the test has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use end_to_end::{Service, TestSystem};
use serde_json::Value;

use crate::client::{Answer, Request};

/// An operation of a program. Its path has the parameters in braces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) service: Service,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// A kind of answer: the status, and the code of an error.
pub(crate) type AnswerKind = (u16, String);

/// The operations of the four programs, with the kinds of answers that their OpenAPI documents list.
pub(crate) struct Documents(pub(crate) BTreeMap<Operation, BTreeSet<AnswerKind>>);

impl Documents {
    /// Reads `/v3/api-docs` of all four programs.
    pub(crate) async fn read(system: &TestSystem) -> Self {
        let mut operations = BTreeMap::new();
        for service in Service::ALL {
            let document = Request::get(service, "/v3/api-docs").send(system).await.json;
            for (path, methods) in document["paths"].as_object().expect("an OpenAPI document has paths") {
                for (method, operation) in methods.as_object().expect("a path has methods") {
                    let (method, path) = (method.to_uppercase(), path.clone());
                    operations.insert(Operation { service, method, path }, kinds(operation));
                }
            }
        }
        Self(operations)
    }

    /// The operation that the request calls.
    fn operation(&self, request: &Request) -> Option<&Operation> {
        let path = request.path.split('?').next().unwrap_or_default();
        let matching = self.0.keys().filter(|operation| {
            operation.service == request.service
                && operation.method == request.method
                && matches_template(path, &operation.path)
        });
        matching.min_by_key(|operation| operation.path.matches('{').count())
    }
}

fn matches_template(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len() && path.iter().zip(template).all(|(part, name)| name.starts_with('{') || *part == name)
}

/// The kinds of answers to an operation. The description of an error lists its codes: they are the words in capitals.
fn kinds(operation: &Value) -> BTreeSet<AnswerKind> {
    let responses = operation["responses"].as_object().expect("an operation has answers");
    let mut kinds = BTreeSet::new();
    for (status, response) in responses {
        let status: u16 = status.parse().expect("a status is a number");
        let description = response["description"].as_str().unwrap_or_default();
        let words = description.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.len() > 4);
        if response["content"]["application/problem+json"].is_object() {
            kinds.extend(words.map(|code| (status, code.to_owned())));
        } else {
            kinds.insert((status, String::new()));
        }
    }
    kinds
}

/// The kinds of answers that the test has seen.
pub(crate) struct Coverage {
    pub(crate) documents: Documents,
    seen: Mutex<BTreeMap<(Operation, AnswerKind), Answer>>,
}

impl Coverage {
    pub(crate) fn of(documents: Documents) -> Self {
        Self { documents, seen: Mutex::default() }
    }

    /// Sends a request to a documented operation, and records its answer.
    pub(crate) async fn send(&self, system: &TestSystem, request: &Request) -> Answer {
        let answer = request.send(system).await;
        let operation = self.documents.operation(request).unwrap_or_else(|| panic!("not documented: {request:?}"));
        assert!(answer.header("x-request-id").len() > 8, "{operation:?} has no X-Request-ID");
        assert!(answer.code().is_empty() || answer.is_problem(), "{operation:?}: {answer:?}");
        let kind = (answer.status, answer.code().to_owned());
        let mut seen = self.seen.lock().expect("nothing panics while it holds the answers");
        seen.entry((operation.clone(), kind)).or_insert_with(|| answer.clone());
        answer
    }

    /// The answers that are documented but were not seen.
    pub(crate) fn missing(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("nothing panics while it holds the answers");
        let documented = self
            .documents
            .0
            .iter()
            .flat_map(|(operation, kinds)| kinds.iter().map(move |kind| (operation.clone(), kind.clone())));
        documented.filter(|kind| !seen.contains_key(kind)).map(|kind| display(&kind)).collect()
    }

    /// The answers that were seen but are not documented.
    pub(crate) fn undocumented(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("nothing panics while it holds the answers");
        let unknown = seen.iter().filter(|((operation, kind), _)| !self.documents.0[operation].contains(kind));
        unknown.map(|(answer, reply)| format!("{}: {:.200}", display(answer), reply.text)).collect()
    }

    /// One line for each kind of answer that was seen.
    pub(crate) fn summary(&self) -> String {
        let seen = self.seen.lock().expect("nothing panics while it holds the answers");
        seen.iter().map(|(answer, reply)| format!("{} :: {:.3000}\n", display(answer), reply.text)).collect()
    }
}

fn display((operation, (status, code)): &(Operation, AnswerKind)) -> String {
    format!("{} {} {} {status} {code}", operation.service.program(), operation.method, operation.path)
}
