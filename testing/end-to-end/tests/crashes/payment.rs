//! service-payment is killed or paused at every point of a payment, even between the commit of the gateway and its own.

use end_to_end::steps::{ORDER_LIMIT, cancel_order, final_answer, one_unit_paid_by, start_order};
use end_to_end::{Service, TestSystem};
use futures::future::join_all;
use harness::process::ServiceProcess;
use harness::wait;

use crate::database::{Database, Lock};
use crate::points::{ledgers, with_long_deadline};

/// The point of a payment at which service-payment is killed or paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PaymentPoint {
    /// The first commit is done. The gateway has no charge yet.
    Claimed,
    /// The gateway processes the charge.
    AtGateway,
    /// The gateway has approved the charge, but its answer is lost.
    ApprovalLost,
    /// The gateway has declined the charge, but its answer is lost.
    DeclineLost,
    /// The gateway has approved the charge, and the second commit waits for a lock.
    Recording,
    /// The order is cancelled, and the gateway processes the void.
    Voiding,
    /// The gateway has voided the charge, and the second commit waits for a lock.
    Voided,
}

impl PaymentPoint {
    fn method(self) -> &'static str {
        match self {
            Self::Claimed | Self::Recording => "CARD",
            Self::AtGateway => "CARD_APPROVED_AFTER_12S",
            Self::ApprovalLost => "CARD_TIMEOUT_THEN_APPROVED",
            Self::DeclineLost => "CARD_TIMEOUT_THEN_DECLINED",
            Self::Voiding | Self::Voided => "CARD_APPROVED_AFTER_3600S",
        }
    }

    /// The status and the code of the final answer.
    fn expected_answer(self, deleted: bool) -> (u16, &'static str) {
        match self {
            Self::DeclineLost if !deleted => (402, "PAYMENT_DECLINED"),
            Self::Voiding | Self::Voided => (409, "CANCELLED_BY_CUSTOMER"),
            _ if deleted => (409, "CANCELLED_BY_CUSTOMER"),
            _ => (200, "CONFIRMED"),
        }
    }
}

/// An order whose payment is brought to one point.
struct Payment {
    point: PaymentPoint,
    key: String,
    /// Whether the customer cancels the order after the crash.
    deleted: bool,
    /// The lock that holds the payment at its point.
    lock: Option<Lock>,
}

fn payments(points: &[PaymentPoint], deleted: bool) -> Vec<Payment> {
    let payment =
        |point: &PaymentPoint| Payment { point: *point, key: format!("pay-{point:?}-{deleted}"), deleted, lock: None };
    points.iter().map(payment).collect()
}

impl Payment {
    /// Places the order, and waits until its payment is at its point.
    async fn reach(&mut self, system: &TestSystem, database: &Database) {
        let (key, saga, body) = (self.key.clone(), system.saga(&self.key), one_unit_paid_by(self.point.method()));
        start_order(system, &key, &body).await;
        database.wait_for_payment_status(&saga, "APPROVING").await;
        match self.point {
            PaymentPoint::Claimed => {}
            PaymentPoint::Recording => {
                self.lock = Some(database.lock_payment(&saga).await);
                database.wait_for_charge_status(&saga, "APPROVED").await;
            }
            PaymentPoint::DeclineLost => database.wait_for_charge_status(&saga, "DECLINED").await,
            PaymentPoint::AtGateway | PaymentPoint::ApprovalLost => {
                database.wait_for_charge_status(&saga, "APPROVED").await
            }
            PaymentPoint::Voiding | PaymentPoint::Voided => self.reach_void(system, database, &saga).await,
        }
    }

    async fn reach_void(&mut self, system: &TestSystem, database: &Database, saga: &str) {
        database.wait_for_charge_status(saga, "APPROVED").await;
        let charge = database.lock_charge(saga).await;
        assert_eq!(cancel_order(system, &self.key).await.status, 202, "DELETE of {}", self.key);
        // Quick attempts end too soon. The third call is a durable attempt.
        wait::until(&format!("a third void call of {}", self.key), ORDER_LIMIT, async || {
            let calls = system.to_payment.calls_to("steps/void").into_iter();
            calls.filter(|call| call.text().contains(saga)).count() >= 3
        })
        .await;
        // A quick attempt's transaction may still wait for the lock. The test needs that of a durable attempt.
        let quick_attempts = database.newest_transaction_start().await;
        wait::until(&format!("the gateway to process the void of {}", self.key), ORDER_LIMIT, async || {
            database.waits_for_ledger_since(&quick_attempts).await
        })
        .await;
        self.lock = Some(charge);
        if self.point == PaymentPoint::Voided {
            // The payment row is locked before the gateway continues.
            self.lock = Some(database.lock_payment(saga).await);
            database.wait_for_charge_status(saga, "CANCELLED").await;
        }
    }

    async fn assert_expected_answer(&self, system: &TestSystem) {
        let reply = final_answer(system, &self.key, &one_unit_paid_by(self.point.method())).await;
        let expected = [self.point.expected_answer(self.deleted), self.point.expected_answer(false)];
        // The DELETE may arrive too late. The checker compares its answer with the order.
        assert!(expected.contains(&reply.status_and_code()), "{}: {reply:?}", self.key);
    }
}

/// A system whose gateway stores a charge only after 5 s. Until then a payment is at the point `Claimed`.
async fn system_with_slow_gateway() -> TestSystem {
    let builder = [("GATEWAY_DELAY_MS", 5000), ("GATEWAY_TIMEOUT_MS", 8000), ("PAYMENT_LEASE_MS", 10_000)]
        .iter()
        .fold(with_long_deadline(), |builder, (name, value)| builder.env(Service::Payment, name, value));
    builder.start().await
}

/// Brings all payments to their points. Those that stay at their point only briefly come last.
async fn reach_points(system: &TestSystem, database: &Database, payments: &mut [Payment]) {
    // They come one after another: the database shows that a transaction is waiting, but not for which payment.
    for payment in payments.iter_mut().filter(|payment| payment.point >= PaymentPoint::Voiding) {
        payment.reach(system, database).await;
    }
    let (briefly, longer): (Vec<_>, Vec<_>) = payments
        .iter_mut()
        .filter(|payment| payment.point < PaymentPoint::Voiding)
        .partition(|payment| payment.point == PaymentPoint::Claimed);
    join_all(longer.into_iter().map(|payment| payment.reach(system, database))).await;
    join_all(briefly.into_iter().map(|payment| payment.reach(system, database))).await;
}

/// Waits until all orders have finished. Panics unless each has an expected answer.
async fn assert_finished_as_expected(system: &TestSystem, payments: &[Payment]) {
    join_all(payments.iter().map(|payment| payment.assert_expected_answer(system))).await;
    let report = system.wait_until_finished().await;
    assert_eq!(report.confirmed + report.cancelled, payments.len(), "{report}");
    let sold = i64::try_from(report.confirmed).expect("the number is small");
    assert_eq!(system.stock(1).await, (100 - sold, 0));
    println!("{} cases, {} confirmed", payments.len(), report.confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_payment_killed_between_its_two_commits_loses_and_doubles_no_charge() {
    let system = system_with_slow_gateway().await;
    let database = Database::of(&system).await;
    use PaymentPoint::{ApprovalLost, AtGateway, Claimed, DeclineLost, Recording, Voided, Voiding};
    let mut payments = payments(&[Voided, Voiding, AtGateway, ApprovalLost, DeclineLost, Recording, Claimed], false);
    payments.extend(self::payments(&[AtGateway, ApprovalLost, DeclineLost, Recording, Claimed], true));
    reach_points(&system, &database, &mut payments).await;

    system.process(Service::Payment).kill().await;
    for payment in &mut payments {
        let has_charge = database.has_charge(&system.saga(&payment.key)).await;
        assert_eq!(has_charge, payment.point != PaymentPoint::Claimed, "{} was at another point", payment.key);
        payment.lock = None;
    }
    system.process(Service::Payment).start();
    system.process(Service::Payment).wait_up().await;
    join_all(payments.iter().filter(|payment| payment.deleted).map(|payment| cancel_order(&system, &payment.key)))
        .await;
    assert_finished_as_expected(&system, &payments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_paused_past_its_lease_does_no_harm_to_orders_paid_or_cancelled_meanwhile() {
    let (system, database, second) = two_replicas().await;
    let first = system.process(Service::Payment);
    let points =
        [PaymentPoint::AtGateway, PaymentPoint::ApprovalLost, PaymentPoint::DeclineLost, PaymentPoint::Claimed];
    let mut payments: Vec<_> = [false, true].into_iter().flat_map(|deleted| self::payments(&points, deleted)).collect();
    reach_points(&system, &database, &mut payments).await;

    system.to_payment.set_target(&second.url());
    // The replica must not be in a transaction, because its rows would stay locked while it is paused.
    wait::until("the replica to be paused outside of a transaction", ORDER_LIMIT, async || {
        first.pause().await;
        let outside = !database.has_open_transaction().await;
        if !outside {
            first.resume();
        }
        outside
    })
    .await;
    resume_the_first_when_all_have_finished(&system, &payments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_paused_during_a_commit_does_no_harm() {
    let (system, database, second) = two_replicas().await;
    let mut payments = payments(&[PaymentPoint::Voided, PaymentPoint::Voiding, PaymentPoint::Recording], false);
    payments.extend(self::payments(&[PaymentPoint::Recording], true));
    reach_points(&system, &database, &mut payments).await;

    system.to_payment.set_target(&second.url());
    system.process(Service::Payment).pause().await;
    // The paused replica's statements now get these locks. The database releases them when it closes their connections.
    for payment in &mut payments {
        payment.lock = None;
    }
    wait::until("a transaction to stay open", ORDER_LIMIT, async || database.has_open_transaction().await).await;
    resume_the_first_when_all_have_finished(&system, &payments).await;
}

/// A system, its databases, and a second replica of service-payment that runs but is not called yet.
async fn two_replicas() -> (TestSystem, Database, ServiceProcess) {
    let system = system_with_slow_gateway().await;
    let database = Database::of(&system).await;
    let second = second_replica(&system);
    second.start();
    second.wait_up().await;
    (system, database, second)
}

/// Waits until all orders have finished on the second replica. Then the first one resumes, and must change nothing.
async fn resume_the_first_when_all_have_finished(system: &TestSystem, payments: &[Payment]) {
    join_all(payments.iter().filter(|payment| payment.deleted).map(|payment| cancel_order(system, &payment.key))).await;
    system.wait_until_finished().await;

    let before = ledgers(system).await;
    let first = system.process(Service::Payment);
    first.resume();
    // A draining replica finishes its calls to the gateway, and tries to record their results.
    assert_eq!(first.terminate().await, 0);
    assert_eq!(before, ledgers(system).await, "the paused replica changed a ledger");
    assert_finished_as_expected(system, payments).await;
}

/// A second process of service-payment on the same databases. It is not started.
fn second_replica(system: &TestSystem) -> ServiceProcess {
    let (servers, addresses) = (&system.servers, &system.databases);
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
