//! The checker finds what is wrong: sound books are falsified, one row at a time.

use checker::{Answer, Books, Said, check};
use end_to_end::{World, body, order};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;

/// What somebody may have done to books in which one order is CONFIRMED and one CANCELLED; `{o}`, `{i}`, `{p}` and
/// `{g}` stand for the databases of orders, inventory, payments and the gateway.
const WRONGS: [&str; 16] = [
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
async fn books_that_were_falsified_anywhere_are_found_wrong() {
    let world = World::start().await;
    assert_eq!(world.place("judged-yes", &order()).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.place("judged-no", &body("CARD_DECLINED")).await.brief(), (402, "PAYMENT_DECLINED"));
    assert!(world.settled().await.is_sound());

    let at = &world.addresses;
    let pool = MySqlPool::connect(&world.servers.books).await.expect("the database answers");
    let run = async |sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    };
    for wrong in WRONGS {
        let sql = wrong.replace("{o}", &at.orders).replace("{i}", &at.inventory);
        let sql = sql.replace("{p}", &at.payments).replace("{g}", &at.gateway);
        let table = sql.split_whitespace().nth(1).expect("UPDATE is followed by a table").to_owned();
        run(format!("CREATE TABLE {table}_kept AS SELECT * FROM {table}")).await;
        assert_eq!(run(sql).await.rows_affected(), 1, "{wrong}");
        assert!(!world.report().await.is_sound(), "not found: {wrong}");
        run(format!("DELETE FROM {table}")).await;
        run(format!("INSERT INTO {table} SELECT * FROM {table}_kept")).await;
        run(format!("DROP TABLE {table}_kept")).await;
        assert!(world.report().await.is_sound(), "after {wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_agree_with_the_end_is_found_wrong() {
    let world = World::start().await;
    assert_eq!(world.place("told-yes", &order()).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.place("told-no", &body("CARD_DECLINED")).await.brief(), (402, "PAYMENT_DECLINED"));
    world.settled().await;
    let books = Books::read(&world.addresses).await.expect("the databases answer");
    let other = || "0192f0c1-2a3b-7c4d-8e5f-000000000000".to_owned();
    let lies = [
        ("told-yes", Said::Cancelled { code: "PAYMENT_DECLINED".to_owned() }),
        ("told-yes", Said::WillBeCancelled),
        ("told-yes", Said::Confirmed { order_id: other(), payment_id: other() }),
        ("told-yes", Said::Taken { order_id: other(), payment_id: other() }),
        ("told-no", Said::Confirmed { order_id: other(), payment_id: other() }),
        ("told-no", Said::Cancelled { code: "INSUFFICIENT_STOCK".to_owned() }),
        ("told-no", Said::WillBeConfirmed),
        ("told-nobody", Said::WillBeConfirmed),
    ];
    for (key, said) in lies {
        let answer = Answer { saga: world.saga(key), said };
        assert!(!check(&books, std::slice::from_ref(&answer)).is_sound(), "not found: {answer:?}");
    }
}
