//! All sagas together: pieces per product, and money.

use rust_decimal::Decimal;

use crate::books::{Books, ChargeRow};
use crate::report::Report;

pub(crate) fn judge(books: &Books, report: &mut Report) {
    for stock in &books.stock {
        let sum = |status: &str| -> i64 {
            let of_product = books.reservations.values().filter(|r| r.product_id == stock.product_id);
            of_product.filter(|r| r.status == status).map(|r| r.quantity).sum()
        };
        let (reserved, gone) = (sum("RESERVED"), sum("CONFIRMED"));
        let name = format!("total of product {}", stock.product_id);
        if stock.reserved != reserved {
            report.fault(&name, format!("{} pieces are marked reserved, reservations hold {reserved}", stock.reserved));
        }
        if stock.received - stock.quantity != gone {
            report.fault(
                &name,
                format!("{} came in and {} are here, but {gone} were sold", stock.received, stock.quantity),
            );
        }
        if stock.quantity < 0 || stock.reserved < 0 || stock.reserved > stock.quantity {
            report.fault(&name, format!("{} here, {} reserved", stock.quantity, stock.reserved));
        }
    }
    let paid: Decimal = books.payments.values().filter(|p| p.status == "APPROVED").map(|p| p.amount).sum();
    let of_paid = |charge: &&ChargeRow| {
        books.payments.get(&charge.charge_key).is_some_and(|payment| payment.status == "APPROVED")
    };
    let kept: Decimal = books.charges.values().filter(|c| c.is_kept()).filter(of_paid).map(|c| c.amount).sum();
    if paid != kept {
        report.fault("total of money", format!("payments say {paid}, the gateway's ledger says {kept}"));
    }
}
