//! Every step fails in every way, and the order still ends as expected.

use end_to_end::steps::{Outcome, STEPS, Step};
use end_to_end::{Service, TestSystem};
use futures::{StreamExt, stream};
use harness::faults::Action;
use orchestrator_temporal::table::Kind;

use crate::steps::{faulty_calls, run_to_end};

/// The number of orders that run at the same time. Most of the time, they wait for the next retry.
const CONCURRENT_ORDERS: usize = 20;

/// One way to fail.
#[derive(Clone)]
struct Fault {
    name: &'static str,
    /// The number of calls that fail before one succeeds.
    times: u64,
    action: Action,
    /// How many times each failed call reaches the service.
    effects: usize,
}

fn fault(name: &'static str, times: u64, action: Action, effects: usize) -> Fault {
    Fault { name, times, action, effects }
}

fn html_page(status: u16) -> Action {
    Action::Status(status, "<html><body>It works!</body></html>".to_owned(), "text/html")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_before_its_effect_is_retried() {
    let unavailable = || Action::problem(503, "DATABASE_UNAVAILABLE");
    let faults = [
        fault("closed", 1, Action::Refuse, 0),
        fault("closed", 4, Action::Refuse, 0),
        fault("503", 1, unavailable(), 0),
        fault("503", 4, unavailable(), 0),
    ];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_answer_is_lost_takes_effect_once() {
    let faults = [1, 3].map(|times| fault("answer-lost", times, Action::LoseReply, 1));
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_called_twice_takes_effect_once() {
    let faults = [fault("twice", 1, Action::Twice, 2), fault("twice-in-parallel", 1, Action::TwiceInParallel, 2)];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answered_500_is_retried_even_with_the_code_of_a_refusal() {
    let faults = [
        fault("500", 5, Action::status(500), 0),
        fault("500-with-a-refusal", 5, Action::problem(500, "INSUFFICIENT_STOCK"), 0),
    ];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answered_with_an_unknown_4xx_is_retried() {
    let not_found = Action::Status(404, "404 page not found".to_owned(), "text/plain");
    let faults = [fault("418", 3, Action::problem(418, "UNKNOWN_CODE"), 0), fault("404", 3, not_found, 0)];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answered_with_garbage_is_retried() {
    let faults = [
        fault("garbage", 2, Action::Garbage, 1),
        fault("torn", 2, Action::TornReply, 1),
        fault("garbage-without-effect", 2, html_page(200), 0),
    ];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_undo_or_confirm_is_retried_and_raises_the_alarm() {
    let faults = [fault("refused-late", 3, Action::problem(409, "INSUFFICIENT_STOCK"), 0)];
    let steps: Vec<_> = STEPS.into_iter().filter(|step| step.kind == Kind::UntilDone).collect();
    let system = fail_every_step(&faults, &steps).await;
    let metrics = system.process(Service::Orchestrator).get("/actuator/prometheus").await.expect("metrics").1;
    for step in steps {
        let counted = |start: String| metrics.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u32>().ok());
        let alarms = counted(format!("saga_refused_after_decision_total{{step=\"{}\"}} ", step.name));
        // The proxy refuses three calls. On a slow machine, the orchestrator may not wait for every answer.
        let received = format!("saga_step_attempts_total{{step=\"{}\",outcome=\"INSUFFICIENT_STOCK\"}} ", step.name);
        assert!(alarms > Some(0) && alarms == counted(received), "{}: {alarms:?}\n{metrics}", step.name);
    }
}

/// Runs one order for each pair of a step and a fault, all in one system.
async fn fail_every_step(faults: &[Fault], steps: &[Step]) -> TestSystem {
    // The machine may be slow, so the deadline is too long to matter.
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    let cases: Vec<_> = steps.iter().flat_map(|step| faults.iter().map(move |fault| (*step, fault))).collect();
    let failures: Vec<String> = stream::iter(&cases)
        .map(|(step, fault)| run_with_fault(&system, *step, fault))
        .buffer_unordered(CONCURRENT_ORDERS)
        .filter_map(|result| async { result.err() })
        .collect()
        .await;
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));

    let confirmed = cases.iter().filter(|(step, _)| step.outcome == Outcome::Confirmed).count();
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, cases.len() - confirmed), "{report}");
    let sold = i64::try_from(confirmed).expect("the number is small");
    assert_eq!(system.stock(1).await, (100 - sold, 0));
    println!("{} cases", cases.len());
    system
}

/// Runs one order in which one step fails in one way.
async fn run_with_fault(system: &TestSystem, step: Step, fault: &Fault) -> Result<(), String> {
    let key = format!("{}-{}-{}", step.name.replace('.', "-"), fault.name, fault.times);
    step.proxy(system).add(step.rule(system, &key).first(fault.times).then(fault.action.clone()));
    let reply = run_to_end(system, &key, step.outcome).await;
    if reply.status_and_code() != step.outcome.expected_answer() {
        return Err(format!("{key} was answered {:?}", reply.status_and_code()));
    }
    let faulty = faulty_calls(step, system, &key).await;
    let effects: Vec<_> = faulty.iter().map(|call| call.effects.len()).collect();
    if effects != vec![fault.effects; usize::try_from(fault.times).expect("the number is small")] {
        return Err(format!("{key} did not have the intended fault: {faulty:#?}"));
    }
    Ok(())
}
