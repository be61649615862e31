//! Names that stand in histories and in Temporal's database. Never rename one: a saga that is running would be stuck.

use temporalio_common::{ActivityDefinition, WorkflowDefinition};

use super::super::{Activities, OrderSaga};

#[test]
fn the_workflow_and_its_steps_are_called_what_they_were_always_called() {
    assert_eq!(WorkflowDefinition::name(&OrderSaga::run), "OrderSaga");
    let names = [
        ActivityDefinition::name(&Activities::order_create).to_owned(),
        ActivityDefinition::name(&Activities::order_cancel).to_owned(),
        ActivityDefinition::name(&Activities::order_confirm).to_owned(),
        ActivityDefinition::name(&Activities::stock_reserve).to_owned(),
        ActivityDefinition::name(&Activities::stock_release).to_owned(),
        ActivityDefinition::name(&Activities::stock_confirm).to_owned(),
        ActivityDefinition::name(&Activities::payment_pay).to_owned(),
        ActivityDefinition::name(&Activities::payment_cancel).to_owned(),
        ActivityDefinition::name(&Activities::payment_settle).to_owned(),
    ];
    assert_eq!(
        names,
        [
            "order.create",
            "order.cancel",
            "order.confirm",
            "stock.reserve",
            "stock.release",
            "stock.confirm",
            "payment.pay",
            "payment.cancel",
            "payment.settle",
        ]
    );
}
