//! docs/api.md: it must agree with the OpenAPI documents, and its commands must work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use end_to_end::{Service, TestSystem};

use crate::api_document::openapi::{AnswerKind, Documents, Operation};

/// The port of each program on the page.
const PORTS: [(Service, &str); 4] = [
    (Service::Orchestrator, "21081"),
    (Service::Order, "21082"),
    (Service::Inventory, "21083"),
    (Service::Payment, "21084"),
];

fn page() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in testing/");
    std::fs::read_to_string(root.join("docs/api.md")).expect("docs/api.md can be read")
}

/// The operations of the page. A second-level heading names the programs, a third-level heading is an operation, and
/// the rows of its table are the operation's answers.
fn operations(page: &str) -> BTreeMap<Operation, BTreeSet<AnswerKind>> {
    let mut operations = BTreeMap::new();
    let (mut services, mut current): (Vec<Service>, Vec<Operation>) = (Vec::new(), Vec::new());
    for line in page.lines() {
        if let Some(section) = line.strip_prefix("## ") {
            services = PORTS.iter().filter(|(_, port)| section.contains(port)).map(|(service, _)| *service).collect();
            current.clear();
        } else if let Some(heading) = line.strip_prefix("### `") {
            let (method, path) =
                heading.trim_end_matches('`').split_once(' ').expect("a heading has the form METHOD path");
            let operation = |service: &Service| {
                let (service, method, path) = (*service, method.to_owned(), path.to_owned());
                Operation { service, method, path }
            };
            current = services.iter().map(operation).collect();
            operations.extend(current.iter().map(|operation| (operation.clone(), BTreeSet::new())));
        } else {
            for operation in &current {
                operations.entry(operation.clone()).or_default().extend(kinds(line));
            }
        }
    }
    operations
}

/// The answers in a row `| status | codes | when |`.
fn kinds(line: &str) -> Vec<AnswerKind> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let Some(status) = cells.get(1).and_then(|cell| cell.parse::<u16>().ok()) else { return Vec::new() };
    let codes: Vec<AnswerKind> = cells[2].split('`').skip(1).step_by(2).map(|code| (status, code.to_owned())).collect();
    if codes.is_empty() { vec![(status, String::new())] } else { codes }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_exactly_the_operations_and_answers_of_the_openapi_documents() {
    let system = TestSystem::start().await;
    let (documents, page) = (Documents::read(&system).await.0, operations(&page()));
    let flat = |operations: &BTreeMap<Operation, BTreeSet<AnswerKind>>| -> BTreeSet<String> {
        let shown = |(operation, kinds): (&Operation, &BTreeSet<AnswerKind>)| {
            let name = format!("{} {} {}", operation.service.program(), operation.method, operation.path);
            kinds.iter().map(move |(status, code)| format!("{name} {status} {code}")).collect::<Vec<_>>()
        };
        operations.iter().flat_map(shown).collect()
    };
    let (documents, page) = (flat(&documents), flat(&page));
    let (lacking, wrong): (Vec<_>, Vec<_>) =
        (documents.difference(&page).collect(), page.difference(&documents).collect());
    assert!(lacking.is_empty() && wrong.is_empty(), "docs/api.md lacks {lacking:#?}\nand must not have {wrong:#?}");
}

/// A curl command of the page and the answer that the page states.
struct Curl {
    arguments: String,
    kind: AnswerKind,
}

impl Curl {
    /// Parses `curl ARGUMENTS # STATUS CODE`.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim_start().strip_prefix("curl ")?;
        let (arguments, answer) =
            line.rsplit_once(" # ").unwrap_or_else(|| panic!("the command states no status: {line}"));
        let (status, code) = answer.split_once(' ').unwrap_or((answer, ""));
        let status = status.parse().unwrap_or_else(|_| panic!("the command states no status: {line}"));
        Some(Self { arguments: arguments.to_owned(), kind: (status, code.to_owned()) })
    }

    /// Whether this command calls the operation. A command with `$url` calls every URL in the loop of the page.
    fn calls(&self, operation: &Operation, page: &str) -> bool {
        let mut words = self.arguments.split_whitespace();
        let method = words.clone().skip_while(|word| *word != "-X").nth(1).unwrap_or("GET");
        let port = PORTS.iter().find(|(service, _)| *service == operation.service).expect("each program has a port").1;
        let path = regex::escape(&operation.path).replace("\\{", "{").replace("\\}", "}");
        let path =
            regex::Regex::new(r"\{\w+\}").expect("the pattern is a regular expression").replace_all(&path, "[^/\\s?]+");
        let url = format!("http://localhost:{port}{path}");
        let is_url = |pattern: String, text: &str| {
            regex::Regex::new(&pattern).expect("the pattern is a regular expression").is_match(text)
        };
        let called = match words.any(|word| word == "\"$url\"") {
            true => is_url(format!(r"(?m)^  {url} *\\?$"), page),
            false => is_url(format!(r#"(^|[\s"']){url}([?"'\s]|$)"#), &self.arguments),
        };
        let is_fixed_path =
            ["/unfinished", "/stuck"].iter().any(|end| !operation.path.ends_with(end) && self.arguments.contains(end));
        method.eq_ignore_ascii_case(&operation.method) && called && !is_fixed_path
    }
}

/// The commands in the shell blocks of the page, each in one line.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// All shell blocks of the page as one script. It prints each command whose answer is not the one that the page states.
fn script(page: &str, system: &TestSystem) -> String {
    let mut script = String::from(
        "body=$(mktemp)\n\
         check() { want=$1; code=$2; shift 2; got=$(\"$@\" --silent --output \"$body\" --write-out '%{http_code}')\n\
         [ \"$got\" = \"$want\" ] && { [ -z \"$code\" ] || grep -q \"\\\"code\\\":\\\"$code\\\"\" \"$body\"; } ||\n\
         echo \"$*: $got, not $want $code: $(cat \"$body\")\"; }\n",
    );
    for line in commands(page) {
        match Curl::parse(&line) {
            Some(Curl { arguments, kind: (status, code) }) => {
                script.push_str(&format!("check {status} '{code}' curl {arguments}\n"));
            }
            None => script.push_str(&format!("{line}\n")),
        }
    }
    for (service, port) in PORTS {
        script = script.replace(&format!("http://localhost:{port}"), &system.process(service).url());
    }
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn each_curl_command_of_the_page_gets_the_answer_that_the_page_states() {
    let system = TestSystem::start().await;
    let script = script(&page(), &system);
    let run = move || Command::new("bash").args(["-c", &script]).env("no_proxy", "*").output().expect("bash runs");
    let output = tokio::task::spawn_blocking(run).await.expect("the script ends");
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((printed(&output.stdout), printed(&output.stderr)), (String::new(), String::new()));
}

/// Whether a command alone cannot produce this answer. The answer needs an unavailable dependency, a reached limit, a
/// deadline that passes, or two orders with one key at the same time.
fn needs_more_than_a_command(kind: &AnswerKind) -> bool {
    kind.0 == 503 || ["DEADLINE_EXCEEDED", "ORDER_CONFLICT"].contains(&kind.1.as_str())
}

#[test]
fn the_page_has_a_curl_command_for_every_answer_that_a_command_can_produce() {
    let page = page();
    let curls: Vec<Curl> = commands(&page).iter().filter_map(|line| Curl::parse(line)).collect();
    let mut lacking = Vec::new();
    for (operation, kinds) in operations(&page) {
        // The actuator endpoints are the same in all four programs.
        if operation.path.starts_with("/actuator") && operation.service != Service::Orchestrator {
            continue;
        }
        for kind in kinds.into_iter().filter(|kind| !needs_more_than_a_command(kind)) {
            if !curls.iter().any(|curl| curl.kind == kind && curl.calls(&operation, &page)) {
                lacking.push(format!("{} {} {kind:?}", operation.method, operation.path));
            }
        }
    }
    assert!(lacking.is_empty(), "docs/api.md has no curl command for {lacking:#?}");
}
