//! Every step fails in every way, and the order ends as if nothing had been.

use end_to_end::steps::{Ending, STEPS, Step};
use end_to_end::{Service, World};
use futures::{StreamExt, stream};
use harness::faults::Action;

use crate::steps::{run_to_end, struck};

/// Orders in flight at once: most of their time they wait for the next try.
const AT_ONCE: usize = 20;

/// One way to fail.
#[derive(Clone)]
struct Fault {
    name: &'static str,
    /// How many calls fail before one goes through.
    times: u64,
    action: Action,
    /// How often each of these calls reaches the service.
    effects: usize,
}

fn fault(name: &'static str, times: u64, action: Action, effects: usize) -> Fault {
    Fault { name, times, action, effects }
}

fn page(status: u16) -> Action {
    Action::Status(status, "<html><body>It works!</body></html>".to_owned(), "text/html")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_refused_before_its_effect_is_tried_again() {
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
async fn a_step_whose_answer_was_lost_happens_once() {
    let faults = [1, 3].map(|times| fault("answer-lost", times, Action::LoseReply, 1));
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_executed_twice_happens_once() {
    let faults = [fault("twice", 1, Action::Twice, 2), fault("twice-at-once", 1, Action::TwiceAtOnce, 2)];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answered_500_is_tried_again_whatever_code_the_answer_has() {
    let faults = [
        fault("500", 5, Action::status(500), 0),
        fault("500-with-a-refusal", 5, Action::problem(500, "INSUFFICIENT_STOCK"), 0),
    ];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answered_by_an_unknown_4xx_is_tried_again() {
    let not_found = Action::Status(404, "404 page not found".to_owned(), "text/plain");
    let faults = [fault("418", 3, Action::problem(418, "UNKNOWN_TO_US"), 0), fault("404", 3, not_found, 0)];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_answered_with_garbage_is_tried_again() {
    let faults = [
        fault("garbage", 2, Action::Garbage, 1),
        fault("torn", 2, Action::TornReply, 1),
        fault("page-for-nothing", 2, page(200), 0),
    ];
    fail_every_step(&faults, &STEPS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_or_a_confirm_that_is_refused_is_tried_again_and_raises_the_alarm() {
    let faults = [fault("refused-late", 3, Action::problem(409, "INSUFFICIENT_STOCK"), 0)];
    let steps: Vec<_> = STEPS.into_iter().skip(3).collect();
    let world = fail_every_step(&faults, &steps).await;
    let metrics = world.process(Service::Orchestrator).get("/actuator/prometheus").await.expect("metrics").1;
    for step in steps {
        let counted = |start: String| metrics.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u32>().ok());
        let alarms = counted(format!("saga_refused_after_decision_total{{step=\"{}\"}} ", step.name));
        // Three answers were made up; one that comes late, on a slow machine, is not heard.
        let heard = format!("saga_step_calls_total{{step=\"{}\",outcome=\"INSUFFICIENT_STOCK\"}} ", step.name);
        assert!(alarms > Some(0) && alarms == counted(heard), "{}: {alarms:?}\n{metrics}", step.name);
    }
}

/// Each of these steps fails in each of these ways, all in one world, a saga for each case.
async fn fail_every_step(faults: &[Fault], steps: &[Step]) -> World {
    // Nothing here is about the deadline, and the machine may be slow.
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    let cases: Vec<_> = steps.iter().flat_map(|step| faults.iter().map(move |fault| (*step, fault))).collect();
    let failures: Vec<String> = stream::iter(&cases)
        .map(|(step, fault)| fail(&world, *step, fault))
        .buffer_unordered(AT_ONCE)
        .filter_map(|result| async { result.err() })
        .collect()
        .await;
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));

    let confirmed = cases.iter().filter(|(step, _)| step.ending == Ending::Confirmed).count();
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, cases.len() - confirmed), "{report}");
    let sold = i64::try_from(confirmed).expect("a small number");
    assert_eq!(world.stock(1).await, (100 - sold, 0));
    println!("{} cases", cases.len());
    world
}

/// One order; one of its steps fails in one way.
async fn fail(world: &World, step: Step, fault: &Fault) -> Result<(), String> {
    let key = format!("{}-{}-{}", step.name.replace('.', "-"), fault.name, fault.times);
    step.proxy(world).add(step.rule(world, &key).first(fault.times).then(fault.action.clone()));
    let reply = run_to_end(world, &key, step.ending).await;
    if reply.brief() != step.ending.answer() {
        return Err(format!("{key}: answered {:?}", reply.brief()));
    }
    let struck = struck(step, world, &key).await;
    let effects: Vec<_> = struck.iter().map(|call| call.effects.len()).collect();
    if effects != vec![fault.effects; usize::try_from(fault.times).expect("a small number")] {
        return Err(format!("{key}: the fault did not strike as meant: {struck:#?}"));
    }
    Ok(())
}
