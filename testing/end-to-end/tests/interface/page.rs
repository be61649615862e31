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

/// A command of the page, with what it must be answered.
struct Curl {
    arguments: String,
    outcome: Outcome,
}

impl Curl {
    /// `curl ARGUMENTS # STATUS CODE`.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim_start().strip_prefix("curl ")?;
        let (arguments, answer) = line.rsplit_once(" # ").unwrap_or_else(|| panic!("no status: {line}"));
        let (status, code) = answer.split_once(' ').unwrap_or((answer, ""));
        let status = status.parse().unwrap_or_else(|_| panic!("no status: {line}"));
        Some(Self { arguments: arguments.to_owned(), outcome: (status, code.to_owned()) })
    }

    /// Is it a call of this operation? One of `$url` is of all that the page's loop names.
    fn is_of(&self, operation: &Operation, page: &str) -> bool {
        let mut words = self.arguments.split_whitespace();
        let method = words.clone().skip_while(|word| *word != "-X").nth(1).unwrap_or("GET");
        let port = PORTS.iter().find(|(service, _)| *service == operation.service).expect("each has a port").1;
        let path = regex::escape(&operation.path).replace("\\{", "{").replace("\\}", "}");
        let path = regex::Regex::new(r"\{\w+\}").expect("it is one").replace_all(&path, "[^/\\s?]+");
        let url = format!("http://localhost:{port}{path}");
        let is_url = |pattern: String, text: &str| regex::Regex::new(&pattern).expect("it is one").is_match(text);
        let called = match words.any(|word| word == "\"$url\"") {
            true => is_url(format!(r"(?m)^  {url} *\\?$"), page),
            false => is_url(format!(r#"(^|[\s"']){url}([?"'\s]|$)"#), &self.arguments),
        };
        let has_its_own =
            ["/unfinished", "/stuck"].iter().any(|end| !operation.path.ends_with(end) && self.arguments.contains(end));
        method.eq_ignore_ascii_case(&operation.method) && called && !has_its_own
    }
}

/// The lines of the page's shell blocks, each command on one.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The shell blocks of the page as one script that prints each command that is answered otherwise than it says.
fn script(page: &str, world: &World) -> String {
    let mut script = String::from(
        "body=$(mktemp)\n\
         check() { want=$1; code=$2; shift 2; got=$(\"$@\" --silent --output \"$body\" --write-out '%{http_code}')\n\
         [ \"$got\" = \"$want\" ] && { [ -z \"$code\" ] || grep -q \"\\\"code\\\":\\\"$code\\\"\" \"$body\"; } ||\n\
         echo \"$*: $got, not $want $code: $(cat \"$body\")\"; }\n",
    );
    for line in commands(page) {
        match Curl::parse(&line) {
            Some(Curl { arguments, outcome: (status, code) }) => {
                script.push_str(&format!("check {status} '{code}' curl {arguments}\n"));
            }
            None => script.push_str(&format!("{line}\n")),
        }
    }
    for (service, port) in PORTS {
        script = script.replace(&format!("http://localhost:{port}"), &world.process(service).url());
    }
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn each_curl_of_the_page_is_answered_as_it_says() {
    let world = World::start().await;
    let script = script(&page(), &world);
    let run = move || Command::new("bash").args(["-c", &script]).env("no_proxy", "*").output().expect("bash runs");
    let output = tokio::task::spawn_blocking(run).await.expect("the script ends");
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((printed(&output.stdout), printed(&output.stderr)), (String::new(), String::new()));
}

/// What no command can bring about at will: something away, all places taken, a minute over.
fn needs_more_than_a_command(outcome: &Outcome) -> bool {
    outcome.0 == 503 || outcome.1 == "DEADLINE_EXCEEDED"
}

#[test]
fn the_page_has_a_curl_for_every_endpoint_and_every_answer_that_a_command_can_bring_about() {
    let page = page();
    let curls: Vec<Curl> = commands(&page).iter().filter_map(|line| Curl::parse(line)).collect();
    let mut lacking = Vec::new();
    for (operation, outcomes) in operations(&page) {
        // The actuator's pages are the same in all four.
        if operation.path.starts_with("/actuator") && operation.service != Service::Orchestrator {
            continue;
        }
        for outcome in outcomes.into_iter().filter(|outcome| !needs_more_than_a_command(outcome)) {
            if !curls.iter().any(|curl| curl.outcome == outcome && curl.is_of(&operation, &page)) {
                lacking.push(format!("{} {} {outcome:?}", operation.method, operation.path));
            }
        }
    }
    assert!(lacking.is_empty(), "docs/api.md has no curl for {lacking:#?}");
}
