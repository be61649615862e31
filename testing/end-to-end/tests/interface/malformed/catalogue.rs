//! Malformed products and deliveries.

use end_to_end::Service;

use super::{Case, INVALID, NOT_JSON, TOO_LARGE, WRONG_TYPE, with_field};
use crate::client::Request;

const PRODUCTS: &str = "/api/inventory/products";
const STOCK: &str = "/api/inventory/products/1/stock";
const PRODUCT: &str = r#"{"productId":77,"name":"Tea","price":3.5,"quantity":1}"#;
const DELIVERY: &str = r#"{"deliveryId":"delivery-1","quantity":1}"#;

const PRODUCT_VALUES: [(&str, &[&str]); 4] = [
    ("productId", &["0", "-1", "77.0", "9223372036854775808", "\"77\"", "null", "[77]"]),
    ("name", &["\"\"", "\"  \"", "\"a\\nb\"", "\"a\\u0000b\"", "1", "null", "[\"Tea\"]"]),
    ("price", &["0", "-1", "3.555", "10000000000000", "1e99", "\"3.5\"", "null", "{}"]),
    ("quantity", &["-1", "1.5", "4294967296", "1e999", "\"1\"", "null"]),
];

const DELIVERY_VALUES: [(&str, &[&str]); 2] = [
    ("deliveryId", &["\"\"", "\"short\"", "\"with a blank\"", "\"schl\u{fc}ssel-1\"", "12345678", "null", "{}"]),
    ("quantity", &["0", "-1", "1000001", "1.0", "1e999", "\"1\"", "null"]),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = field_cases(PRODUCTS, PRODUCT, &PRODUCT_VALUES);
    cases.extend(field_cases(STOCK, DELIVERY, &DELIVERY_VALUES));
    cases.extend(long_texts());
    for (path, good) in [(PRODUCTS, PRODUCT), (STOCK, DELIVERY)] {
        cases.extend(body_cases(path, good));
    }
    cases
}

fn post(path: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(Service::Inventory, path, body)
}

fn field_cases(path: &str, good: &str, fields: &[(&str, &[&str])]) -> Vec<Case> {
    let values = fields.iter().flat_map(|(field, values)| values.iter().map(move |value| (*field, *value)));
    values
        .map(|(field, value)| {
            Case::new(format!("{field} is {value}"), post(path, with_field(good, field, value)), INVALID, field)
        })
        .collect()
}

fn long_texts() -> [Case; 3] {
    let long = |length: usize| format!("\"{}\"", "x".repeat(length));
    [
        Case::new("a name of 201", post(PRODUCTS, with_field(PRODUCT, "name", &long(201))), INVALID, "name"),
        Case::new(
            "a deliveryId of 65",
            post(STOCK, with_field(DELIVERY, "deliveryId", &long(65))),
            INVALID,
            "deliveryId",
        ),
        Case::new("a name of 60000", post(PRODUCTS, with_field(PRODUCT, "name", &long(60_000))), INVALID, "name"),
    ]
}

fn body_cases(path: &str, good: &str) -> Vec<Case> {
    let first = if path == PRODUCTS { "productId" } else { "deliveryId" };
    let array = if path == PRODUCTS { "[77,\"Tea\",3.5,1]" } else { "[\"delivery-1\",1]" };
    vec![
        Case::new("an empty object", post(path, "{}"), INVALID, first),
        Case::new("an extra field", post(path, with_field(good, "color", "\"green\"")), INVALID, "color"),
        Case::new("a field twice", post(path, good.replace("}", ",\"quantity\":1}")), INVALID, "quantity"),
        Case::new("as an array", post(path, array), INVALID, "body"),
        Case::new("null", post(path, "null"), INVALID, "body"),
        Case::new("empty", post(path, ""), NOT_JSON, "body"),
        Case::new("truncated", post(path, &good[..good.len() - 1]), NOT_JSON, "body"),
        Case::new("trailing garbage", post(path, format!("{good}]")), NOT_JSON, "body"),
        Case::new("NaN", post(path, with_field(good, "quantity", "NaN")), NOT_JSON, "body"),
        Case::new("bad UTF-8", post(path, b"{\"name\":\"\xc3\"}".to_vec()), NOT_JSON, "body"),
        Case::new("65 KiB", post(path, " ".repeat(65 * 1024)), TOO_LARGE, "body"),
        Case::new("no content type", post(path, good).without("Content-Type"), WRONG_TYPE, "Content-Type"),
    ]
}
