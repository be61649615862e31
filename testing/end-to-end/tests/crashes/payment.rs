//! service-payment dies, or stands still, at every point of a payment, also between the gateway's commit and its own.

use end_to_end::steps::{ORDER_LIMIT, begin, cancel, last_answer, one_piece};
use end_to_end::{Service, World};
use futures::future::join_all;
use harness::process::ServiceProcess;
use harness::wait;

use crate::database::{Database, Lock};
use crate::points::{books, patient};

/// Where a payment is when service-payment dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    /// Our first commit is done, the gateway knows nothing.
    Claimed,
    /// The gateway thinks.
    Asked,
    /// The gateway has approved, and its answer is lost.
    ApprovalLost,
    /// The gateway has declined, and its answer is lost.
    RefusalLost,
    /// The gateway has approved, and our second commit waits.
    Recording,
    /// The order is cancelled, and the gateway is told so.
    Settling,
    /// The gateway knows that the order is cancelled, and our second commit waits.
    Settled,
}

impl At {
    fn method(self) -> &'static str {
        match self {
            Self::Claimed | Self::Recording => "CARD",
            Self::Asked => "CARD_APPROVED_AFTER_12S",
            Self::ApprovalLost => "CARD_TIMEOUT_THEN_APPROVED",
            Self::RefusalLost => "CARD_TIMEOUT_THEN_DECLINED",
            Self::Settling | Self::Settled => "CARD_APPROVED_AFTER_3600S",
        }
    }

    /// How the order ends: status and code.
    fn answer(self, deleted: bool) -> (u16, &'static str) {
        match self {
            Self::RefusalLost if !deleted => (402, "PAYMENT_DECLINED"),
            Self::Settling | Self::Settled => (409, "CANCELLED_BY_CUSTOMER"),
            _ if deleted => (409, "CANCELLED_BY_CUSTOMER"),
            _ => (200, "CONFIRMED"),
        }
    }
}

/// An order on its way to such a point.
struct Payment {
    at: At,
    key: String,
    /// Will the customer cancel it after the crash?
    deleted: bool,
    /// What holds it at its point.
    lock: Option<Lock>,
}

fn payments(points: &[At], deleted: bool) -> Vec<Payment> {
    let payment = |at: &At| Payment { at: *at, key: format!("pay-{at:?}-{deleted}"), deleted, lock: None };
    points.iter().map(payment).collect()
}

impl Payment {
    /// Places the order, and waits until it is at its point.
    async fn reach(&mut self, world: &World, database: &Database) {
        let (key, saga, body) = (self.key.clone(), world.saga(&self.key), one_piece(self.at.method()));
        begin(world, &key, &body).await;
        database.payment_is(&saga, "APPROVING").await;
        match self.at {
            At::Claimed => {}
            At::Recording => {
                self.lock = Some(database.lock_payment(&saga).await);
                database.charge_is(&saga, "APPROVED").await;
            }
            At::RefusalLost => database.charge_is(&saga, "DECLINED").await,
            At::Asked | At::ApprovalLost => database.charge_is(&saga, "APPROVED").await,
            At::Settling | At::Settled => self.reach_settle(world, database, &saga).await,
        }
    }

    async fn reach_settle(&mut self, world: &World, database: &Database, saga: &str) {
        database.charge_is(saga, "APPROVED").await;
        let charge = database.lock_charge(saga).await;
        assert_eq!(cancel(world, &self.key).await.status, 202, "{}: DELETE", self.key);
        // Quick tries are given up too soon: the third is a regular activity.
        wait::until(&format!("{}: a third call", self.key), ORDER_LIMIT, async || {
            let calls = world.to_payment.calls_to("steps/settle").into_iter();
            calls.filter(|call| call.text().contains(saga)).count() >= 3
        })
        .await;
        // What a quick try has left behind may wait for some time yet.
        let of_quick_tries = database.last_began().await;
        wait::until(&format!("{}: the gateway to be told", self.key), ORDER_LIMIT, async || {
            database.ledger_is_waited_for_since(&of_quick_tries).await
        })
        .await;
        self.lock = Some(charge);
        if self.at == At::Settled {
            // Our own row is locked before the gateway goes on.
            self.lock = Some(database.lock_payment(saga).await);
            database.charge_is(saga, "CANCELLED").await;
        }
    }

    async fn assert_ended_as_meant(&self, world: &World) {
        let reply = last_answer(world, &self.key, &one_piece(self.at.method())).await;
        let meant = [self.at.answer(self.deleted), self.at.answer(false)];
        // A DELETE may come too late; the checker knows what it was told.
        assert!(meant.contains(&reply.brief()), "{}: {reply:?}", self.key);
    }
}

/// A world whose gateway writes nothing down for the first 5 s of an approval: so long a payment is claimed only.
async fn slow_gateway() -> World {
    let builder = [("GATEWAY_DELAY_MS", 5000), ("GATEWAY_TIMEOUT_MS", 8000), ("PAYMENT_LEASE_MS", 10_000)]
        .iter()
        .fold(patient(), |builder, (name, value)| builder.env(Service::Payment, name, value));
    builder.start().await
}

/// Brings all payments to their points, those that stay there only briefly last.
async fn reach(world: &World, database: &Database, payments: &mut [Payment]) {
    // One after the other: it shows in the database that one waits, not which.
    for payment in payments.iter_mut().filter(|payment| payment.at >= At::Settling) {
        payment.reach(world, database).await;
    }
    let (briefly, longer): (Vec<_>, Vec<_>) =
        payments.iter_mut().filter(|payment| payment.at < At::Settling).partition(|payment| payment.at == At::Claimed);
    join_all(longer.into_iter().map(|payment| payment.reach(world, database))).await;
    join_all(briefly.into_iter().map(|payment| payment.reach(world, database))).await;
}

/// Waits until every payment has come to its end; fails unless it is a right one.
async fn ended_as_meant(world: &World, payments: &[Payment]) {
    join_all(payments.iter().map(|payment| payment.assert_ended_as_meant(world))).await;
    let report = world.settled().await;
    assert_eq!(report.confirmed + report.cancelled, payments.len(), "{report}");
    let sold = i64::try_from(report.confirmed).expect("a small number");
    assert_eq!(world.stock(1).await, (100 - sold, 0));
    println!("{} cases, {} confirmed", payments.len(), report.confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_between_its_two_commits_service_payment_takes_no_money_twice_and_none_for_nothing() {
    let world = slow_gateway().await;
    let database = Database::of(&world).await;
    use At::{ApprovalLost, Asked, Claimed, Recording, RefusalLost, Settled, Settling};
    let mut payments = payments(&[Settled, Settling, Asked, ApprovalLost, RefusalLost, Recording, Claimed], false);
    payments.extend(self::payments(&[Asked, ApprovalLost, RefusalLost, Recording, Claimed], true));
    reach(&world, &database, &mut payments).await;

    world.process(Service::Payment).kill().await;
    for payment in &mut payments {
        let heard = database.has_charge(&world.saga(&payment.key)).await;
        assert_eq!(heard, payment.at != At::Claimed, "{}: it died at another point", payment.key);
        payment.lock = None;
    }
    world.process(Service::Payment).start();
    world.process(Service::Payment).wait_up().await;
    join_all(payments.iter().filter(|payment| payment.deleted).map(|payment| cancel(&world, &payment.key))).await;
    ended_as_meant(&world, &payments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stood_still_past_its_lease_does_no_harm_whether_the_order_was_paid_or_cancelled_meanwhile() {
    let (world, database, second) = two_replicas().await;
    let first = world.process(Service::Payment);
    let points = [At::Asked, At::ApprovalLost, At::RefusalLost, At::Claimed];
    let mut payments: Vec<_> = [false, true].into_iter().flat_map(|deleted| self::payments(&points, deleted)).collect();
    reach(&world, &database, &mut payments).await;

    world.to_payment.set_target(&second.url());
    // Not in the middle of a transaction: its rows would stay locked until it goes on.
    wait::until("it to stand still outside of a transaction", ORDER_LIMIT, async || {
        first.pause().await;
        let free = !database.in_transaction().await;
        if !free {
            first.resume();
        }
        free
    })
    .await;
    the_first_wakes_up_when_all_is_over(&world, &payments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stood_still_in_the_middle_of_a_commit_does_no_harm() {
    let (world, database, second) = two_replicas().await;
    let mut payments = payments(&[At::Settled, At::Settling, At::Recording], false);
    payments.extend(self::payments(&[At::Recording], true));
    reach(&world, &database, &mut payments).await;

    world.to_payment.set_target(&second.url());
    world.process(Service::Payment).pause().await;
    // Its statements get their locks now, and keep them until the server hangs up on a client that says nothing.
    for payment in &mut payments {
        payment.lock = None;
    }
    wait::until("a transaction to stay open", ORDER_LIMIT, async || database.in_transaction().await).await;
    the_first_wakes_up_when_all_is_over(&world, &payments).await;
}

/// A world, its databases, and a second replica of service-payment that runs and is not called yet.
async fn two_replicas() -> (World, Database, ServiceProcess) {
    let world = slow_gateway().await;
    let database = Database::of(&world).await;
    let second = second_replica(&world);
    second.start();
    second.wait_up().await;
    (world, database, second)
}

/// The second replica brings all to its end; then the first goes on, and must change nothing.
async fn the_first_wakes_up_when_all_is_over(world: &World, payments: &[Payment]) {
    join_all(payments.iter().filter(|payment| payment.deleted).map(|payment| cancel(world, &payment.key))).await;
    world.settled().await;

    let before = books(world).await;
    let first = world.process(Service::Payment);
    first.resume();
    // It ends its calls to the gateway, and records them, or tries to, before it ends itself.
    assert_eq!(first.terminate().await, 0);
    assert_eq!(before, books(world).await, "the replica that had stood still changed something");
    ended_as_meant(world, payments).await;
}

/// Another process of service-payment on the same databases, not started.
fn second_replica(world: &World) -> ServiceProcess {
    let (servers, addresses) = (&world.servers, &world.addresses);
    let replica = [("SPRING", &addresses.payments), ("GATEWAY", &addresses.gateway)].into_iter().fold(
        ServiceProcess::new(Service::Payment.program()),
        |replica, (prefix, database)| {
            let url = format!("jdbc:mysql://{}/{database}?useSSL=false&allowPublicKeyRetrieval=true", servers.mysql);
            replica
                .with_env(&format!("{prefix}_DATASOURCE_URL"), url)
                .with_env(&format!("{prefix}_DATASOURCE_USERNAME"), "root")
                .with_env(&format!("{prefix}_DATASOURCE_PASSWORD"), "root1234")
        },
    );
    replica.with_env("SPRING_DATA_REDIS_HOST", "127.0.0.1").with_env("SPRING_DATA_REDIS_PORT", servers.redis_port)
}
