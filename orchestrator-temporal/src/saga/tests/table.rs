//! The table, its use in the workflow, and its copy in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::{ActivityDefinition, WorkflowDefinition};

use super::super::table::{Kind, Stage, Step};
use super::super::{Activities, OrderSaga};
use super::histories::{events, local_activity};

/// Histories and Temporal's database contain these names. If one were renamed, running sagas could not continue.
#[test]
fn the_workflow_and_its_steps_keep_their_names() {
    assert_eq!(WorkflowDefinition::name(&OrderSaga::run), "OrderSaga");
    let names = Step::ALL.iter().map(|step| activity_name(*step)).collect::<Vec<_>>();
    assert_eq!(
        names,
        [
            "order.create",
            "stock.reserve",
            "payment.pay",
            "order.confirm",
            "stock.confirm",
            "payment.cancel",
            "payment.void",
            "stock.release",
            "order.cancel",
        ]
    );
}

fn activity_name(step: Step) -> String {
    match step {
        Step::OrderCreate => ActivityDefinition::name(&Activities::order_create).to_owned(),
        Step::StockReserve => ActivityDefinition::name(&Activities::stock_reserve).to_owned(),
        Step::PaymentPay => ActivityDefinition::name(&Activities::payment_pay).to_owned(),
        Step::OrderConfirm => ActivityDefinition::name(&Activities::order_confirm).to_owned(),
        Step::StockConfirm => ActivityDefinition::name(&Activities::stock_confirm).to_owned(),
        Step::PaymentCancel => ActivityDefinition::name(&Activities::payment_cancel).to_owned(),
        Step::PaymentVoid => ActivityDefinition::name(&Activities::payment_void).to_owned(),
        Step::StockRelease => ActivityDefinition::name(&Activities::stock_release).to_owned(),
        Step::OrderCancel => ActivityDefinition::name(&Activities::order_cancel).to_owned(),
    }
}

#[test]
fn only_undos_undo_and_every_step_before_the_confirms_has_one() {
    for step in Step::ALL {
        let row = step.row();
        let needs_undo = matches!(row.kind, Kind::Compensatable | Kind::Pivot);
        assert_eq!(!row.undos.is_empty(), needs_undo, "{}", row.name);
        for undo in row.undos {
            assert_eq!((undo.row().stage, undo.row().kind), (Stage::Undo, Kind::UntilDone), "{}", undo.name());
        }
    }
    let undos: BTreeSet<_> = Step::undos().map(Step::name).collect();
    let stage: BTreeSet<_> =
        Step::ALL.iter().filter(|step| step.row().stage == Stage::Undo).map(|step| step.name()).collect();
    assert_eq!(undos, stage);
}

/// A cancelled saga that has to void its payment runs every undo; one that was refused runs all but `payment.void`.
#[tokio::test]
async fn the_undo_path_runs_exactly_the_undo_column() {
    let all: BTreeSet<String> = Step::undos().map(|undo| undo.name().to_owned()).collect();
    let mut without_void = all.clone();
    without_void.remove(Step::PaymentVoid.name());
    for (history, expected) in [
        ("cancelled_while_the_payment_waits", &all),
        ("refused_payment_declined", &without_void),
        ("refused_insufficient_stock", &without_void),
    ] {
        let run: BTreeSet<String> = steps_run(history).await.into_iter().filter(|name| all.contains(name)).collect();
        assert_eq!(&run, expected, "{history}");
    }
}

async fn steps_run(history: &str) -> BTreeSet<String> {
    let attributes = events(history).await.into_iter().filter_map(|event| event.attributes);
    let names = attributes.filter_map(|attributes| match attributes {
        Attributes::ActivityTaskScheduledEventAttributes(step) => step.activity_type.map(|kind| kind.name),
        Attributes::MarkerRecordedEventAttributes(marker) => local_activity(&marker),
        _ => None,
    });
    names.collect()
}

#[test]
fn architecture_md_shows_this_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md");
    let text = std::fs::read_to_string(page).expect("the page can be read");
    let shown: BTreeMap<String, Vec<String>> = text.lines().filter_map(row_of_page).collect();
    let table: BTreeMap<String, Vec<String>> = Step::ALL.iter().map(|step| row_of_table(*step)).collect();
    assert_eq!(shown, table);
}

/// A line such as `| \`order.create\` | 1 | … |`.
fn row_of_page(line: &str) -> Option<(String, Vec<String>)> {
    let mut cells = line.strip_prefix("| `")?.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned());
    let name = cells.next()?.trim_end_matches('`').to_owned();
    Step::from_name(&name)?;
    Some((name, cells.collect()))
}

fn row_of_table(step: Step) -> (String, Vec<String>) {
    use super::super::table::StuckThreshold;
    let row = step.row();
    let stage = match row.stage {
        Stage::First => "1",
        Stage::Second => "2",
        Stage::Third => "3",
        Stage::Undo => "undo",
    };
    let kind = match row.kind {
        Kind::Compensatable => "compensatable",
        Kind::Pivot => "pivot",
        Kind::UntilDone => "until done",
    };
    let stuck = match row.stuck {
        StuckThreshold::Limit => "stuck limit",
        StuckThreshold::LimitOrDeadline => "the longer of stuck limit and deadline",
        StuckThreshold::LimitAfterDeadline => "deadline + stuck limit",
    };
    let undos: Vec<_> = row.undos.iter().map(|undo| format!("`{}`", undo.name())).collect();
    let undos = if undos.is_empty() { "none".to_owned() } else { undos.join(", ") };
    let limit = format!("{} s", row.attempt_limit.as_secs());
    (row.name.to_owned(), vec![stage.to_owned(), kind.to_owned(), limit, stuck.to_owned(), undos])
}
