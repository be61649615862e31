//! The catalogue and deliveries.

use api_client::{code, field};
use serde_json::{Value, json};
use sqlx::{Connection, MySqlConnection};

use crate::app::App;

const PRODUCTS: &str = "/api/inventory/products";

fn cup() -> Value {
    json!({"productId": 7, "name": "찻잔 ☕", "price": 3.5, "quantity": 4})
}

#[tokio::test]
async fn a_product_is_created_once_and_a_repeated_call_returns_it() {
    let app = App::ready().await;
    let created = app.send(PRODUCTS, &cup()).await.expect("an answer");
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["location"], "/api/inventory/products/7");
    let body: Value = created.json().await.expect("a product");
    assert_eq!(app.post(PRODUCTS, &cup()).await, (200, body.clone()));
    assert_eq!(app.get("/api/inventory/products/7").await, (200, body.clone()));
    assert_eq!(body["name"], "찻잔 ☕");
    assert_eq!(app.stock(7).await, (4, 0));
}

#[tokio::test]
async fn an_existing_product_is_never_changed() {
    let app = App::ready().await;
    app.post(PRODUCTS, &cup()).await;
    for (name, value) in [("name", json!("찻잔")), ("price", json!(3.51))] {
        let mut other = cup();
        other[name] = value;
        assert_eq!(code(&app.post(PRODUCTS, &other).await), (409, "PRODUCT_EXISTS"));
    }
    assert_eq!(app.post(PRODUCTS, &cup()).await.0, 200);
}

#[tokio::test]
async fn a_wrong_product_is_refused_with_its_field_and_not_stored() {
    let app = App::ready().await;
    for (name, value) in [
        ("name", json!("")),
        ("name", json!(" \u{3000}")),
        ("name", json!("a\nb")),
        ("name", json!("☕".repeat(201))),
        ("price", json!(0)),
        ("price", json!(0.001)),
        ("price", json!("3.5")),
        ("productId", json!(0)),
        ("quantity", json!(-1)),
        ("quantity", json!(4_294_967_296_u64)),
        ("color", json!("red")),
    ] {
        let mut wrong = cup();
        wrong[name] = value;
        assert_eq!(field(&app.post(PRODUCTS, &wrong).await), (422, name), "{wrong}");
    }
    assert_eq!(code(&app.get("/api/inventory/products/7").await), (404, "NOT_FOUND"));
    let mut longest = cup();
    longest["name"] = json!("☕".repeat(200));
    assert_eq!(app.post(PRODUCTS, &longest).await.0, 201);
}

#[tokio::test]
async fn products_are_listed_in_the_order_of_their_ids() {
    let app = App::ready().await;
    for id in [9, 5] {
        app.post(PRODUCTS, &json!({"productId": id, "name": "Cup", "price": 1})).await;
    }
    let (status, list) = app.get(PRODUCTS).await;
    let ids: Vec<_> = list.as_array().expect("a list").iter().map(|product| product["productId"].as_i64()).collect();
    assert_eq!((status, ids), (200, [1, 2, 3, 5, 9].map(Some).to_vec()));
    assert_eq!(app.stock(5).await, (0, 0));
    assert_eq!(field(&app.get("/api/inventory/products/x").await), (422, "productId"));
}

#[tokio::test]
async fn a_delivery_is_added_once() {
    let app = App::ready().await;
    let delivery = json!({"deliveryId": "delivery-1", "quantity": 5});
    let first = app.post("/api/inventory/products/1/stock", &delivery).await;
    assert_eq!((first.0, &first.1["quantity"]), (200, &json!(105)));
    assert_eq!(app.post("/api/inventory/products/1/stock", &delivery).await, first);

    let reused = (422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(&app.post("/api/inventory/products/2/stock", &delivery).await), reused);
    let more = json!({"deliveryId": "delivery-1", "quantity": 6});
    assert_eq!(code(&app.post("/api/inventory/products/1/stock", &more).await), reused);
    assert_eq!((app.stock(1).await, app.stock(2).await), ((105, 0), (50, 0)));
}

#[tokio::test]
async fn the_id_of_a_refused_delivery_can_be_used_again() {
    let app = App::ready().await;
    let delivery = json!({"deliveryId": "delivery-1", "quantity": 5});
    assert_eq!(code(&app.post("/api/inventory/products/99/stock", &delivery).await), (404, "NOT_FOUND"));
    assert_eq!(app.post("/api/inventory/products/1/stock", &delivery).await.0, 200);
}

#[tokio::test]
async fn a_wrong_delivery_is_refused_with_its_field() {
    let app = App::ready().await;
    for (name, value) in [
        ("deliveryId", json!("short")),
        ("deliveryId", json!("has a space")),
        ("quantity", json!(0)),
        ("quantity", json!(1_000_001)),
        ("color", json!("red")),
    ] {
        let mut wrong = json!({"deliveryId": "delivery-1", "quantity": 5});
        wrong[name] = value;
        assert_eq!(field(&app.post("/api/inventory/products/1/stock", &wrong).await), (422, name), "{wrong}");
    }
    assert_eq!(app.stock(1).await, (100, 0));
}

#[tokio::test]
async fn more_units_than_the_stock_can_hold_are_refused() {
    let app = App::ready().await;
    let mut db = MySqlConnection::connect(&app.database_url().await).await.expect("a connection");
    let fill =
        sqlx::query("UPDATE stock SET quantity = ?, received = quantity WHERE product_id = 1").bind(i64::MAX - 5);
    fill.execute(&mut db).await.expect("an update");
    let too_many = json!({"deliveryId": "delivery-1", "quantity": 6});
    assert_eq!(field(&app.post("/api/inventory/products/1/stock", &too_many).await), (422, "quantity"));
    let just_enough = json!({"deliveryId": "delivery-1", "quantity": 5});
    assert_eq!(app.post("/api/inventory/products/1/stock", &just_enough).await.0, 200);
    assert_eq!(app.stock(1).await, (i64::MAX, 0));
}
