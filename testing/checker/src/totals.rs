//! Checks the totals over all sagas: the units of each product, and the money.

use rust_decimal::Decimal;

use crate::ledgers::{ChargeRow, Ledgers};
use crate::report::Report;

pub(crate) fn verify_totals(ledgers: &Ledgers, report: &mut Report) {
    verify_stock(ledgers, report);
    verify_money(ledgers, report);
}

fn verify_stock(ledgers: &Ledgers, report: &mut Report) {
    for stock in &ledgers.stock {
        let sum = |status: &str| -> i64 {
            let of_product = ledgers.reservations.values().filter(|r| r.product_id == stock.product_id);
            of_product.filter(|r| r.status == status).map(|r| r.quantity).sum()
        };
        let (reserved, sold) = (sum("RESERVED"), sum("CONFIRMED"));
        let product = format!("total of product {}", stock.product_id);
        if stock.reserved != reserved {
            let units = format!("{} units as reserved, but the reservations hold {reserved}", stock.reserved);
            report.error(&product, format!("the stock row counts {units}"));
        }
        if stock.received - stock.quantity != sold {
            let units = format!("{} units were received and {} are left", stock.received, stock.quantity);
            report.error(&product, format!("{units}, but {sold} were sold"));
        }
        if stock.quantity < 0 || stock.reserved < 0 || stock.reserved > stock.quantity {
            report.error(&product, format!("{} units are left and {} are reserved", stock.quantity, stock.reserved));
        }
    }
}

fn verify_money(ledgers: &Ledgers, report: &mut Report) {
    let paid: Decimal = ledgers.payments.values().filter(|p| p.status == "APPROVED").map(|p| p.amount).sum();
    let is_paid = |charge: &&ChargeRow| {
        ledgers.payments.get(&charge.charge_key).is_some_and(|payment| payment.status == "APPROVED")
    };
    let kept: Decimal = ledgers.charges.values().filter(|c| c.is_kept()).filter(is_paid).map(|c| c.amount).sum();
    if paid != kept {
        report.error("total of money", format!("the approved payments add up to {paid}, but the gateway keeps {kept}"));
    }
}
