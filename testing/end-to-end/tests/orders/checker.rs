//! The checker finds errors: the tests corrupt correct ledgers, one row at a time.

use checker::{Answer, Ledgers, Promise, check};
use end_to_end::{TestSystem, order, order_paid_by};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;

/// Statements that corrupt ledgers with one CONFIRMED and one CANCELLED order. `{o}`, `{i}`, `{p}` and `{g}` stand for
/// the databases of orders, inventory, payments and the gateway.
const FALSIFICATIONS: [&str; 16] = [
    "UPDATE {o}.orders SET status = 'CANCELLED', reason = 'PAYMENT_DECLINED' WHERE status = 'CONFIRMED'",
    "UPDATE {o}.orders SET status = 'CONFIRMED', reason = NULL WHERE status = 'CANCELLED'",
    "UPDATE {o}.orders SET amount = amount + 1 WHERE status = 'CONFIRMED'",
    "UPDATE {o}.orders SET quantity = quantity + 1 WHERE status = 'CONFIRMED'",
    "UPDATE {o}.orders SET fingerprint = REPEAT('0', 64) WHERE status = 'CONFIRMED'",
    "UPDATE {o}.orders SET reason = 'DEADLINE_EXCEEDED' WHERE status = 'CANCELLED'",
    "UPDATE {i}.reservations SET status = 'RELEASED' WHERE status = 'CONFIRMED'",
    "UPDATE {i}.reservations SET quantity = quantity + 1 WHERE status = 'RELEASED'",
    "UPDATE {i}.reservations SET order_id = REPEAT('0', 36) WHERE status = 'CONFIRMED'",
    "UPDATE {i}.stock SET quantity = quantity + 1 WHERE product_id = 1",
    "UPDATE {i}.stock SET reserved = reserved + 1 WHERE product_id = 1",
    "UPDATE {p}.payments SET status = 'DECLINED', reason = 'PAYMENT_DECLINED' WHERE status = 'APPROVED'",
    "UPDATE {p}.payments SET fingerprint = REPEAT('0', 64) WHERE status = 'APPROVED'",
    "UPDATE {g}.charges SET status = 'REFUNDED' WHERE status = 'APPROVED'",
    "UPDATE {g}.charges SET status = 'APPROVED' WHERE status <> 'APPROVED'",
    "UPDATE {g}.charges SET amount = amount + 1 WHERE status = 'APPROVED'",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_finds_every_falsified_row() {
    let system = TestSystem::start().await;
    assert_eq!(system.place("falsified-yes", &order()).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(
        system.place("falsified-no", &order_paid_by("CARD_DECLINED")).await.status_and_code(),
        (402, "PAYMENT_DECLINED")
    );
    assert!(system.wait_until_finished().await.is_consistent());

    let databases = &system.databases;
    let pool = MySqlPool::connect(&system.servers.ledgers_url).await.expect("the database answers");
    let run = async |sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    for falsification in FALSIFICATIONS {
        let sql = falsification.replace("{o}", &databases.orders).replace("{i}", &databases.inventory);
        let sql = sql.replace("{p}", &databases.payments).replace("{g}", &databases.gateway);
        let table = sql.split_whitespace().nth(1).expect("UPDATE is followed by a table").to_owned();
        run(format!("CREATE TABLE {table}_copy AS SELECT * FROM {table}")).await;
        assert_eq!(run(sql).await.rows_affected(), 1, "{falsification}");
        assert!(!system.report().await.is_consistent(), "not found: {falsification}");
        run(format!("DELETE FROM {table}")).await;
        run(format!("INSERT INTO {table} SELECT * FROM {table}_copy")).await;
        run(format!("DROP TABLE {table}_copy")).await;
        assert!(system.report().await.is_consistent(), "after the repair of {falsification}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_finds_every_answer_that_disagrees_with_the_order() {
    let system = TestSystem::start().await;
    assert_eq!(system.place("answered-yes", &order()).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(
        system.place("answered-no", &order_paid_by("CARD_DECLINED")).await.status_and_code(),
        (402, "PAYMENT_DECLINED")
    );
    system.wait_until_finished().await;
    let ledgers = Ledgers::read(&system.databases).await.expect("the databases answer");
    let other = || "0192f0c1-2a3b-7c4d-8e5f-000000000000".to_owned();
    let false_answers = [
        ("answered-yes", Promise::Cancelled { code: "PAYMENT_DECLINED".to_owned() }),
        ("answered-yes", Promise::WillBeCancelled),
        ("answered-yes", Promise::Confirmed { order_id: other(), payment_id: other() }),
        ("answered-yes", Promise::Accepted { order_id: other(), payment_id: other() }),
        ("answered-no", Promise::Confirmed { order_id: other(), payment_id: other() }),
        ("answered-no", Promise::Cancelled { code: "INSUFFICIENT_STOCK".to_owned() }),
        ("answered-no", Promise::WillBeConfirmed),
        ("answered-unknown", Promise::WillBeConfirmed),
    ];
    for (key, promise) in false_answers {
        let answer = Answer { saga: system.saga(key), promise };
        assert!(!check(&ledgers, std::slice::from_ref(&answer)).is_consistent(), "not found: {answer:?}");
    }
}
