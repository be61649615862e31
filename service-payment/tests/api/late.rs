//! A call of approve that is held up on its way to the gateway, and arrives when all is over.

use common::contract::SagaOrder;
use harness::proxy::{Mode, TcpProxy};

use crate::app::{Answer, App, LONG, assert_cancelled, code, decided, order, paid, settled};
use crate::books::{Books, Charge};

/// A replica whose way to the gateway can be held up, and another one.
struct Late {
    way: TcpProxy,
    late: App,
    other: App,
}

impl Late {
    async fn new() -> Self {
        let server = harness::servers::shared::database().await;
        let way = TcpProxy::start(server.address()).await;
        let books = Books::fresh().await;
        let url = server.url_of(&books.gateway).replace(&server.address(), &way.address());
        let late = App::new(books, LONG).await.with("GATEWAY_DATASOURCE_URL", format!("jdbc:{url}")).started().await;
        let other = late.replica(LONG).await;
        Self { way, late, other }
    }

    /// Pays while the way is held up, does the rest, and lets the call arrive; `None` if it was given up before (a
    /// slow machine): try again.
    async fn arrival(&self, order: &SagaOrder, meanwhile: impl AsyncFnOnce()) -> Option<Answer> {
        self.way.set_mode(Mode::Hang);
        let call = self.late.begin_pay(order);
        self.late.books.until(&order.saga_id, "APPROVING").await;
        meanwhile().await;
        self.way.set_mode(Mode::Pass);
        let answer = call.await.expect("no panic").expect("an answer");
        (code(&answer).1 != "GATEWAY_UNAVAILABLE").then_some(answer)
    }
}

#[tokio::test]
async fn an_approve_that_arrives_after_the_cancel_is_refused_by_the_gateway() {
    let world = Late::new().await;
    for _ in 0..5 {
        let order = order("CARD");
        let cancel = async || {
            let cancelled = world.other.cancel(&order, "CANCELLED_BY_CUSTOMER").await;
            assert_eq!(cancelled, decided("CANCELLING", "CANCELLED_BY_CUSTOMER"));
            assert_eq!(world.other.settle(&order).await, settled("CANCELLED"));
        };
        if let Some(answer) = world.arrival(&order, cancel).await {
            assert_cancelled(&answer, "CANCELLED_BY_CUSTOMER");
            let (row, charge) = world.late.books.both(&order.saga_id).await;
            assert_eq!((row.as_str(), charge), ("CANCELLED", Charge::of("CANCELLED", 1, 1)));
            return;
        }
    }
    panic!("no call arrived late");
}

#[tokio::test]
async fn an_approve_that_arrives_after_another_call_took_over_takes_no_second_charge() {
    let world = Late::new().await;
    for _ in 0..5 {
        let order = order("CARD");
        let take_over = async || {
            world.other.books.end_lease(&order.saga_id).await;
            // The gateway has not heard of it: status says NOT_FOUND, and the other call approves.
            assert_eq!(world.other.pay(&order).await, paid(&order));
        };
        if let Some(answer) = world.arrival(&order, take_over).await {
            assert_eq!(answer, paid(&order));
            let (row, charge) = world.late.books.both(&order.saga_id).await;
            assert_eq!((row.as_str(), charge), ("APPROVED", Charge::of("APPROVED", 2, 0)));
            return;
        }
    }
    panic!("no call arrived late");
}

#[tokio::test]
async fn a_call_whose_lease_ran_out_while_another_call_pays_leaves_the_verdict_to_that_one() {
    let world = Late::new().await;
    for _ in 0..5 {
        let order = order("CARD_TIMEOUT_THEN_APPROVED");
        let mut taking_over = None;
        let take_over = async || {
            world.other.books.end_lease(&order.saga_id).await;
            // The first answer is lost: that call has the row, and waits.
            taking_over = Some(world.other.begin_pay(&order));
            world.other.books.until_charged(&order.saga_id).await;
        };
        if let Some(answer) = world.arrival(&order, take_over).await {
            assert_eq!(code(&answer), (409, "IN_PROGRESS"));
            let (row, charge) = world.late.books.both(&order.saga_id).await;
            assert_eq!((row.as_str(), charge), ("APPROVING", Charge::of("APPROVED", 2, 0)));
            return;
        }
    }
    panic!("no call arrived late");
}
