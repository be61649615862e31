//! A client that knocks fifty times at once.

use end_to_end::{World, order};
use futures::future::join_all;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_one_key_are_one_order_with_one_charge_and_equal_answers() {
    let world = World::start().await;
    let body = order();
    let replies: Vec<_> =
        join_all((0..50).map(|_| world.try_place("fifty-at-once", &body))).await.into_iter().flatten().collect();

    assert_eq!(replies.len(), 50);
    for reply in &replies {
        assert_eq!((reply.brief(), &reply.json), ((200, "CONFIRMED"), &replies[0].json));
    }
    assert_eq!(world.stock(1).await, (98, 0));
    assert_eq!(world.settled().await.confirmed, 1);
}
