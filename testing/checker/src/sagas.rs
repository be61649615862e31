//! One saga: all its rows must tell the same story.

use crate::books::{Books, ChargeRow, OrderRow, PaymentRow, ReservationRow};
use crate::report::Report;

/// All that a saga left behind.
struct Rows<'a> {
    saga: &'a str,
    order: Option<&'a OrderRow>,
    reservation: Option<&'a ReservationRow>,
    payment: Option<&'a PaymentRow>,
    charge: Option<&'a ChargeRow>,
}

pub(crate) fn judge(books: &Books, saga: &str, report: &mut Report) {
    let rows = Rows {
        saga,
        order: books.orders.get(saga),
        reservation: books.reservations.get(saga),
        payment: books.payments.get(saga),
        charge: books.charges.get(saga),
    };
    never(&rows, report);
    agree(&rows, report);
    let open = rows.open();
    if !open.is_empty() {
        report.unfinished(saga, open.join(", "));
        return;
    }
    let before = report.faults.len();
    let status = rows.order.map_or("absent", |order| order.status.as_str());
    match status {
        "CONFIRMED" => confirmed(&rows, report),
        "CANCELLED" => cancelled(&rows, report),
        other => report.fault(saga, format!("its order is {other}, and everything else is at its end")),
    }
    if report.faults.len() == before {
        if status == "CONFIRMED" {
            report.confirmed += 1;
        } else {
            report.cancelled += 1;
        }
    }
}

/// What must hold at every moment, also before the dust has settled.
fn never(rows: &Rows<'_>, report: &mut Report) {
    let decided_against =
        rows.payment.is_some_and(|payment| payment.status == "CANCELLED" || payment.status == "DECLINED");
    if decided_against && rows.charge.is_some_and(ChargeRow::is_kept) {
        report.fault(rows.saga, "money is kept although its payment was cancelled or declined");
    }
    if rows.charge.is_some_and(|charge| charge.is_kept() && charge.effective) && rows.payment.is_none() {
        report.fault(rows.saga, "money was taken without a payment row");
    }
    let paid = rows.payment.is_some_and(|payment| payment.status == "APPROVED");
    if rows.order.is_some_and(|order| order.status == "CONFIRMED") && !paid {
        report.fault(rows.saga, "its order is CONFIRMED although its payment is not APPROVED");
    }
    if rows.reservation.is_some_and(|reservation| reservation.status == "CONFIRMED") && !paid {
        report.fault(rows.saga, "its stock is gone although its payment is not APPROVED");
    }
    if paid && !rows.charge.is_some_and(ChargeRow::is_kept) {
        report.fault(rows.saga, "its payment is APPROVED although the gateway keeps no money");
    }
    if paid && rows.order.is_some_and(|order| order.status == "CANCELLED") {
        report.fault(rows.saga, "its order is CANCELLED although its payment is APPROVED");
    }
    if paid && rows.reservation.is_some_and(|r| r.status == "RELEASED" || r.status == "REFUSED") {
        report.fault(rows.saga, "its stock is back although its payment is APPROVED");
    }
}

/// All rows are of one request.
fn agree(rows: &Rows<'_>, report: &mut Report) {
    let order = rows.order.map(|row| (&row.fingerprint, &row.order_id));
    let reservation = rows.reservation.map(|row| (&row.fingerprint, &row.order_id));
    let payment = rows.payment.map(|row| (&row.fingerprint, &row.order_id));
    let mut told = [order, reservation, payment].into_iter().flatten();
    if let Some(first) = told.next()
        && told.any(|other| other != first)
    {
        report.fault(rows.saga, "its rows are of different requests, or name different orders");
    }
    if let (Some(order), Some(reservation)) = (rows.order, rows.reservation)
        && (reservation.product_id, reservation.quantity) != (order.product_id, order.quantity)
    {
        report.fault(rows.saga, "another product or quantity is reserved than was ordered");
    }
}

fn confirmed(rows: &Rows<'_>, report: &mut Report) {
    let Some(order) = rows.order else { return };
    match rows.reservation {
        Some(r) if r.status == "CONFIRMED" => {
            if r.unit_price.map(|price| price * rust_decimal::Decimal::from(r.quantity)) != Some(order.amount) {
                report.fault(rows.saga, "the amount is not price × quantity");
            }
        }
        other => report.fault(rows.saga, format!("CONFIRMED, but its reservation is {}", status(other, |r| &r.status))),
    }
    match rows.charge {
        Some(charge) if charge.is_kept() && charge.effective => {
            if charge.amount != order.amount {
                report.fault(rows.saga, format!("{} were taken, {} were due", charge.amount, order.amount));
            }
        }
        other => report.fault(rows.saga, format!("CONFIRMED, but its charge is {}", status(other, |c| &c.status))),
    }
    match rows.payment {
        Some(payment) => {
            if payment.amount != order.amount {
                report.fault(rows.saga, "payment and order have other amounts");
            }
            if payment.payment_id != order.payment_id {
                report.fault(rows.saga, "payment and order name other payment ids");
            }
        }
        None => report.fault(rows.saga, "CONFIRMED without a payment"),
    }
}

fn cancelled(rows: &Rows<'_>, report: &mut Report) {
    let Some(order) = rows.order else { return };
    match rows.payment {
        Some(payment) if payment.status == "CANCELLED" || payment.status == "DECLINED" => {
            if payment.reason != order.reason {
                report.fault(rows.saga, format!("order says {:?}, payment says {:?}", order.reason, payment.reason));
            }
        }
        other => report.fault(rows.saga, format!("CANCELLED, but its payment is {}", status(other, |p| &p.status))),
    }
    if rows.charge.is_some_and(ChargeRow::is_kept) {
        report.fault(rows.saga, "CANCELLED, but money is kept");
    }
    if rows.reservation.is_none_or(|reservation| reservation.status != "RELEASED") {
        let is = status(rows.reservation, |r| &r.status);
        report.fault(rows.saga, format!("CANCELLED, but its reservation is {is}"));
    }
}

impl Rows<'_> {
    /// The rows that say that the saga has not come to its end.
    fn open(&self) -> Vec<String> {
        let mut open = Vec::new();
        let status = self.order.map_or("absent", |order| order.status.as_str());
        if status == "PENDING" || status == "absent" {
            open.push(format!("order {status}"));
        }
        if let Some(reservation) = self.reservation.filter(|r| r.status == "RESERVED") {
            open.push(format!("reservation {}", reservation.status));
        }
        if let Some(payment) = self.payment.filter(|p| p.status == "APPROVING" || p.status == "CANCELLING") {
            open.push(format!("payment {}", payment.status));
        }
        open
    }
}

fn status<'a, T>(row: Option<&'a T>, of: impl Fn(&'a T) -> &'a str) -> &'a str {
    row.map_or("absent", of)
}
