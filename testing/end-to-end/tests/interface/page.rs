//! docs/api.md: it says what the OpenAPI documents say, and its commands work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use end_to_end::{Service, World};

use crate::documented::openapi::{Documents, Operation, Outcome};

/// Each program's port in the page.
const PORTS: [(Service, &str); 4] = [
    (Service::Orchestrator, "21081"),
    (Service::Order, "21082"),
    (Service::Inventory, "21083"),
    (Service::Payment, "21084"),
];

fn page() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in testing/");
    std::fs::read_to_string(root.join("docs/api.md")).expect("docs/api.md is there")
}

/// The operations of the page: a heading of the second level says whose they are, one of the third is an operation,
/// and the rows of its table are its answers.
fn operations(page: &str) -> BTreeMap<Operation, BTreeSet<Outcome>> {
    let mut operations = BTreeMap::new();
    let (mut services, mut current): (Vec<Service>, Vec<Operation>) = (Vec::new(), Vec::new());
    for line in page.lines() {
        if let Some(section) = line.strip_prefix("## ") {
            services = PORTS.iter().filter(|(_, port)| section.contains(port)).map(|(service, _)| *service).collect();
            current.clear();
        } else if let Some(heading) = line.strip_prefix("### `") {
            let (method, path) = heading.trim_end_matches('`').split_once(' ').expect("a heading is METHOD path");
            let operation = |service: &Service| {
                let (service, method, path) = (*service, method.to_owned(), path.to_owned());
                Operation { service, method, path }
            };
            current = services.iter().map(operation).collect();
            operations.extend(current.iter().map(|operation| (operation.clone(), BTreeSet::new())));
        } else {
            for operation in &current {
                operations.entry(operation.clone()).or_default().extend(outcomes(line));
            }
        }
    }
    operations
}

/// The answers in a row `| status | codes | when |`.
fn outcomes(line: &str) -> Vec<Outcome> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let Some(status) = cells.get(1).and_then(|cell| cell.parse::<u16>().ok()) else { return Vec::new() };
    let codes: Vec<Outcome> = cells[2].split('`').skip(1).step_by(2).map(|code| (status, code.to_owned())).collect();
    if codes.is_empty() { vec![(status, String::new())] } else { codes }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_every_operation_and_every_answer_and_no_other() {
    let world = World::start().await;
    let (documents, page) = (Documents::read(&world).await.0, operations(&page()));
    let flat = |operations: &BTreeMap<Operation, BTreeSet<Outcome>>| -> BTreeSet<String> {
        let shown = |(operation, outcomes): (&Operation, &BTreeSet<Outcome>)| {
            let name = format!("{} {} {}", operation.service.program(), operation.method, operation.path);
            outcomes.iter().map(move |(status, code)| format!("{name} {status} {code}")).collect::<Vec<_>>()
        };
        operations.iter().flat_map(shown).collect()
    };
    let (documents, page) = (flat(&documents), flat(&page));
    let (lacking, wrong): (Vec<_>, Vec<_>) =
        (documents.difference(&page).collect(), page.difference(&documents).collect());
    assert!(lacking.is_empty() && wrong.is_empty(), "docs/api.md lacks {lacking:#?}\nand has too much {wrong:#?}");
}

/// The shell blocks of the page as one script that prints each `curl … # status` that ends with another status.
fn script(page: &str, world: &World) -> (String, usize) {
    let mut script = String::from(
        "check() { want=$1; shift; got=$(\"$@\" --silent --output /dev/null --write-out '%{http_code}')\n\
         [ \"$got\" = \"$want\" ] || echo \"$*: $got, not $want\"; }\n",
    );
    let mut count = 0;
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    for line in blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()) {
        match line.strip_prefix("curl ").and_then(|rest| rest.rsplit_once(" # ")) {
            Some((arguments, status)) => {
                count += 1;
                script.push_str(&format!("check {status} curl {arguments}\n"));
            }
            None => {
                assert!(!line.starts_with("curl "), "no status: {line}");
                script.push_str(&format!("{line}\n"));
            }
        }
    }
    for (service, port) in PORTS {
        script = script.replace(&format!("http://localhost:{port}"), &world.process(service).url());
    }
    (script, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_curl_of_the_page_is_answered_as_it_says() {
    let world = World::start().await;
    let page = page();
    let (script, count) = script(&page, &world);
    assert!(count >= operations(&page).len() / 2, "only {count} curls");
    let run = move || Command::new("bash").args(["-c", &script]).env("no_proxy", "*").output().expect("bash runs");
    let output = tokio::task::spawn_blocking(run).await.expect("the script ends");
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((printed(&output.stdout), printed(&output.stderr)), (String::new(), String::new()));
}
