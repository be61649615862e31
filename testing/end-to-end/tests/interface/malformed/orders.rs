//! Malformed orders. Each is sent to the synchronous and to the asynchronous endpoint.

use end_to_end::Service;

use super::{BAD_KEY, Case, INVALID, NOT_JSON, TOO_LARGE, WRONG_TYPE, with_field};
use crate::client::Request;

const GOOD: &str = r#"{"customerId":1,"productId":1,"quantity":2,"amount":20000}"#;
const PATHS: [&str; 2] = ["/api/temporal/orders", "/api/temporal/orders/async"];

/// The fields of an order, each with invalid values.
const VALUES: [(&str, &[&str]); 5] = [
    (
        "customerId",
        &[
            "0",
            "-1",
            "1.0",
            "1.5",
            "1e2",
            "1e999",
            "9223372036854775808",
            "-9223372036854775809",
            "1e-400",
            "99999999999999999999999999",
            "\"1\"",
            "\"\"",
            "null",
            "true",
            "[1]",
            "{\"id\":1}",
        ],
    ),
    ("productId", &["0", "-7", "1.0", "18446744073709551616", "\"one\"", "null", "false", "[]", "{}"]),
    ("quantity", &["0", "-1", "1000001", "2.0", "0.5", "2147483648", "1e400", "\"2\"", "null", "[2]"]),
    (
        "amount",
        &[
            "0",
            "0.00",
            "-0",
            "-20000",
            "20000.001",
            "0.001",
            "10000000000000",
            "1234567890123456",
            "9999999999999.999",
            "1e999",
            "1e99999999999999999999",
            "1e-3",
            "1E-30",
            "0e0",
            "\"20000\"",
            "\"NaN\"",
            "null",
            "true",
            "[20000]",
            "{\"value\":20000}",
            "20000.00000000000000000000000000000000001",
            "20000.00000000000000000000000000000000001e0",
        ],
    ),
    (
        "paymentMethod",
        &[
            "null",
            "\"\"",
            "\"card\"",
            "\"CARD DECLINED\"",
            "\"C\u{c4}RD\"",
            "\"CARD\\u0000\"",
            "1",
            "[\"CARD\"]",
            "{\"type\":\"CARD\"}",
        ],
    ),
];

/// A name, the body, the expected status and code, and the field that the answer must name.
type Body = (&'static str, Vec<u8>, (u16, &'static str), &'static str);

/// Bodies that are not orders.
fn bodies() -> Vec<Body> {
    let text = |text: &str| text.as_bytes().to_vec();
    let deep = |open: &str, depth: usize| open.repeat(depth);
    vec![
        ("empty", vec![], NOT_JSON, "body"),
        ("blank", text(" \n"), NOT_JSON, "body"),
        ("an empty object", text("{}"), INVALID, "customerId"),
        ("null", text("null"), INVALID, "body"),
        ("a number", text("1"), INVALID, "body"),
        ("a string", text("\"order\""), INVALID, "body"),
        ("an empty array", text("[]"), INVALID, "body"),
        ("an order as an array", text("[1,1,2,20000,\"CARD\"]"), INVALID, "body"),
        ("an order in an array", text(&format!("[{GOOD}]")), INVALID, "body"),
        ("without productId", text(r#"{"customerId":1,"quantity":2,"amount":20000}"#), INVALID, "productId"),
        ("without quantity", text(r#"{"customerId":1,"productId":1,"amount":20000}"#), INVALID, "quantity"),
        ("without amount", text(r#"{"customerId":1,"productId":1,"quantity":2}"#), INVALID, "amount"),
        ("an extra field", text(&with_field(GOOD, "discount", "100")), INVALID, "discount"),
        ("a saga's field", text(&with_field(GOOD, "sagaId", "\"order-12345678\"")), INVALID, "sagaId"),
        ("a field in other letters", text(&with_field(GOOD, "CustomerId", "1")), INVALID, "CustomerId"),
        ("a field twice", text(&GOOD.replace("}", ",\"quantity\":2}")), INVALID, "quantity"),
        ("truncated", text(&GOOD[..GOOD.len() - 1]), NOT_JSON, "body"),
        ("truncated in a name", text("{\"customerI"), NOT_JSON, "body"),
        ("with trailing garbage", text(&format!("{GOOD}x")), NOT_JSON, "body"),
        ("two orders", text(&format!("{GOOD}{GOOD}")), NOT_JSON, "body"),
        ("NaN", text(&with_field(GOOD, "amount", "NaN")), NOT_JSON, "body"),
        ("Infinity", text(&with_field(GOOD, "amount", "Infinity")), NOT_JSON, "body"),
        ("-Infinity", text(&with_field(GOOD, "quantity", "-Infinity")), NOT_JSON, "body"),
        ("a leading zero", text(&with_field(GOOD, "quantity", "02")), NOT_JSON, "body"),
        ("a hexadecimal number", text(&with_field(GOOD, "quantity", "1x2")), NOT_JSON, "body"),
        ("a plus sign", text(&with_field(GOOD, "quantity", "+2")), NOT_JSON, "body"),
        ("single quotes", text(&GOOD.replace('"', "'")), NOT_JSON, "body"),
        ("a comment", text(&format!("/* order */{GOOD}")), NOT_JSON, "body"),
        ("half a surrogate pair", text(&with_field(GOOD, "paymentMethod", "\"\\ud800\"")), NOT_JSON, "body"),
        ("bad UTF-8", [&b"{\"customerId\":\"\xff\xfe"[..], b"\"}"].concat(), NOT_JSON, "body"),
        ("UTF-16", GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect(), NOT_JSON, "body"),
        ("a zero byte", text(&format!("\0{GOOD}")), NOT_JSON, "body"),
        ("a form", text("customerId=1&productId=1&quantity=2&amount=20000"), NOT_JSON, "body"),
        ("arrays nested deep", text(&deep("[", 20_000)), INVALID, "body"),
        ("objects nested deep", text(&deep("{\"a\":", 10_000)), INVALID, "a"),
        ("a deep amount", text(&with_field(GOOD, "amount", &deep("[", 20_000))), NOT_JSON, "body"),
        ("a deep quantity", text(&with_field(GOOD, "quantity", &deep("[", 20_000))), INVALID, "quantity"),
        ("an amount of 1000 digits", text(&with_field(GOOD, "amount", &"9".repeat(1000))), INVALID, "amount"),
        (
            "an amount of 1000 decimals",
            text(&with_field(GOOD, "amount", &format!("0.{}", "9".repeat(1000)))),
            INVALID,
            "amount",
        ),
        (
            "a long paymentMethod",
            text(&with_field(GOOD, "paymentMethod", &format!("\"{}\"", "C".repeat(41)))),
            INVALID,
            "paymentMethod",
        ),
        (
            "a paymentMethod of 60000",
            text(&with_field(GOOD, "paymentMethod", &format!("\"{}\"", "C".repeat(60_000)))),
            INVALID,
            "paymentMethod",
        ),
        ("65 KiB of blanks", " ".repeat(65 * 1024).into_bytes(), TOO_LARGE, "body"),
        ("65 KiB around an order", format!("{}{GOOD}", " ".repeat(65 * 1024)).into_bytes(), TOO_LARGE, "body"),
        (
            "a paymentMethod of 2 MiB",
            text(&with_field(GOOD, "paymentMethod", &format!("\"{}\"", "C".repeat(2 << 20)))),
            TOO_LARGE,
            "body",
        ),
    ]
}

const CONTENT_TYPES: [&str; 7] = [
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/octet-stream",
    "nonsense",
];

fn keys() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("an empty key", vec![]),
        ("a key of 7", b"1234567".to_vec()),
        ("a key of 65", b"k".repeat(65)),
        ("a key of 10000", b"k".repeat(10_000)),
        ("a key with a blank", b"key with blank".to_vec()),
        ("a key with a slash", b"../../etc/passwd".to_vec()),
        ("a key with a quote", b"key';DROP TABLE orders".to_vec()),
        ("a key with a tab", b"key\twith-tab".to_vec()),
        ("a key that is not ASCII", "schl\u{fc}ssel-1".as_bytes().to_vec()),
        ("a key that is not UTF-8", b"key-\xff\xfe-12345".to_vec()),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    PATHS.into_iter().flat_map(cases_of).collect()
}

fn cases_of(path: &'static str) -> Vec<Case> {
    let post = |body: Vec<u8>| Request::post(Service::Orchestrator, path, body);
    let good = || post(GOOD.into());
    let values = VALUES.iter().flat_map(|(field, values)| values.iter().map(move |value| (*field, *value)));
    let mut cases: Vec<Case> = values
        .map(|(field, value)| {
            Case::new(format!("{field} is {value}"), post(with_field(GOOD, field, value).into()), INVALID, field)
        })
        .collect();
    cases.extend(bodies().into_iter().map(|(what, body, refusal, field)| Case::new(what, post(body), refusal, field)));
    for content_type in CONTENT_TYPES {
        let request = good().without("Content-Type").header("Content-Type", content_type);
        cases.push(Case::new(content_type, request, WRONG_TYPE, "Content-Type"));
    }
    cases.push(Case::new("no content type", good().without("Content-Type"), WRONG_TYPE, "Content-Type"));
    for (what, key) in keys() {
        cases.push(Case::new(what, good().header("Idempotency-Key", key), BAD_KEY, "Idempotency-Key"));
    }
    let twice = good().header("Idempotency-Key", "sent-twice-1").header("Idempotency-Key", "sent-twice-1");
    cases.push(Case::new("the same key twice", twice, BAD_KEY, "Idempotency-Key"));
    cases
}
