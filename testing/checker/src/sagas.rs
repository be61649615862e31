//! Checks that the rows of one saga agree.

use crate::ledgers::{ChargeRow, Ledgers, OrderRow, PaymentRow, ReservationRow};
use crate::report::Report;

/// The rows of one saga.
struct Rows<'a> {
    saga: &'a str,
    order: Option<&'a OrderRow>,
    reservation: Option<&'a ReservationRow>,
    payment: Option<&'a PaymentRow>,
    charge: Option<&'a ChargeRow>,
}

pub(crate) fn verify_saga(ledgers: &Ledgers, saga: &str, report: &mut Report) {
    let rows = Rows {
        saga,
        order: ledgers.orders.get(saga),
        reservation: ledgers.reservations.get(saga),
        payment: ledgers.payments.get(saga),
        charge: ledgers.charges.get(saga),
    };
    verify_invariants(&rows, report);
    verify_same_order(&rows, report);
    let unfinished = rows.unfinished();
    if !unfinished.is_empty() {
        report.unfinished(saga, unfinished.join(", "));
        return;
    }
    let errors_before = report.errors.len();
    let status = rows.order.map_or("absent", |order| order.status.as_str());
    match status {
        "CONFIRMED" => verify_confirmed(&rows, report),
        "CANCELLED" => verify_cancelled(&rows, report),
        other => report.error(saga, format!("the order is {other}, but all other rows are final")),
    }
    if report.errors.len() == errors_before {
        if status == "CONFIRMED" {
            report.confirmed += 1;
        } else {
            report.cancelled += 1;
        }
    }
}

/// Rules that hold at every moment, even while the saga is running.
fn verify_invariants(rows: &Rows<'_>, report: &mut Report) {
    let is_unpaid = rows.payment.is_some_and(|payment| payment.status == "CANCELLED" || payment.status == "DECLINED");
    if is_unpaid && rows.charge.is_some_and(ChargeRow::is_kept) {
        report.error(rows.saga, "the gateway keeps money, but the payment was cancelled or declined");
    }
    if rows.charge.is_some_and(|charge| charge.is_kept() && charge.effective) && rows.payment.is_none() {
        report.error(rows.saga, "the gateway took money, but there is no payment row");
    }
    let paid = rows.payment.is_some_and(|payment| payment.status == "APPROVED");
    if rows.order.is_some_and(|order| order.status == "CONFIRMED") && !paid {
        report.error(rows.saga, "the order is CONFIRMED, but the payment is not APPROVED");
    }
    if rows.reservation.is_some_and(|reservation| reservation.status == "CONFIRMED") && !paid {
        report.error(rows.saga, "the stock is taken, but the payment is not APPROVED");
    }
    if paid && !rows.charge.is_some_and(ChargeRow::is_kept) {
        report.error(rows.saga, "the payment is APPROVED, but the gateway keeps no money");
    }
    if paid && rows.order.is_some_and(|order| order.status == "CANCELLED") {
        report.error(rows.saga, "the order is CANCELLED, but the payment is APPROVED");
    }
    if paid && rows.reservation.is_some_and(|r| r.status == "RELEASED" || r.status == "REFUSED") {
        report.error(rows.saga, "the stock is released, but the payment is APPROVED");
    }
}

/// All rows must belong to the same request and order.
fn verify_same_order(rows: &Rows<'_>, report: &mut Report) {
    let order = rows.order.map(|row| (&row.fingerprint, &row.order_id));
    let reservation = rows.reservation.map(|row| (&row.fingerprint, &row.order_id));
    let payment = rows.payment.map(|row| (&row.fingerprint, &row.order_id));
    let mut identities = [order, reservation, payment].into_iter().flatten();
    if let Some(first) = identities.next()
        && identities.any(|other| other != first)
    {
        report.error(rows.saga, "the rows belong to different requests or orders");
    }
    if let (Some(order), Some(reservation)) = (rows.order, rows.reservation)
        && (reservation.product_id, reservation.quantity) != (order.product_id, order.quantity)
    {
        report.error(rows.saga, "the reservation has another product or quantity than the order");
    }
}

fn verify_confirmed(rows: &Rows<'_>, report: &mut Report) {
    let Some(order) = rows.order else { return };
    match rows.reservation {
        Some(r) if r.status == "CONFIRMED" => {
            if r.unit_price.map(|price| price * rust_decimal::Decimal::from(r.quantity)) != Some(order.amount) {
                report.error(rows.saga, "the amount of the order is not price × quantity");
            }
        }
        other => report.error(
            rows.saga,
            format!("the order is CONFIRMED, but the reservation is {}", status(other, |r| &r.status)),
        ),
    }
    match rows.charge {
        Some(charge) if charge.is_kept() && charge.effective => {
            if charge.amount != order.amount {
                report.error(rows.saga, format!("the charge is {}, but the order is {}", charge.amount, order.amount));
            }
        }
        other => report
            .error(rows.saga, format!("the order is CONFIRMED, but the charge is {}", status(other, |c| &c.status))),
    }
    match rows.payment {
        Some(payment) => {
            if payment.amount != order.amount {
                report.error(rows.saga, "the payment and the order have different amounts");
            }
            if payment.payment_id != order.payment_id {
                report.error(rows.saga, "the payment and the order have different payment ids");
            }
        }
        None => report.error(rows.saga, "the order is CONFIRMED, but there is no payment row"),
    }
}

fn verify_cancelled(rows: &Rows<'_>, report: &mut Report) {
    let Some(order) = rows.order else { return };
    match rows.payment {
        Some(payment) if payment.status == "CANCELLED" || payment.status == "DECLINED" => {
            if payment.reason != order.reason {
                report.error(
                    rows.saga,
                    format!("the reason of the order is {:?}, but of the payment {:?}", order.reason, payment.reason),
                );
            }
        }
        other => report
            .error(rows.saga, format!("the order is CANCELLED, but the payment is {}", status(other, |p| &p.status))),
    }
    if rows.charge.is_some_and(ChargeRow::is_kept) {
        report.error(rows.saga, "the order is CANCELLED, but the gateway keeps money");
    }
    if rows.reservation.is_none_or(|reservation| reservation.status != "RELEASED") {
        let status = status(rows.reservation, |r| &r.status);
        report.error(rows.saga, format!("the order is CANCELLED, but the reservation is {status}"));
    }
}

impl Rows<'_> {
    /// The rows that are not final, each with its status.
    fn unfinished(&self) -> Vec<String> {
        let mut unfinished = Vec::new();
        let status = self.order.map_or("absent", |order| order.status.as_str());
        if status == "PENDING" || status == "absent" {
            unfinished.push(format!("order {status}"));
        }
        if let Some(reservation) = self.reservation.filter(|r| r.status == "RESERVED") {
            unfinished.push(format!("reservation {}", reservation.status));
        }
        if let Some(payment) = self.payment.filter(|p| p.status == "APPROVING" || p.status == "CANCELLING") {
            unfinished.push(format!("payment {}", payment.status));
        }
        unfinished
    }
}

fn status<'a, T>(row: Option<&'a T>, of: impl Fn(&'a T) -> &'a str) -> &'a str {
    row.map_or("absent", of)
}
