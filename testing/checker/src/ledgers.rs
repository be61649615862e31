//! Reads the ledgers: the tables that the checker compares.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use rust_decimal::Decimal;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// The server and the names of the four databases.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// `mysql://user:password@host:port`, without a database name.
    pub server: String,
    /// The database of service-order.
    pub orders: String,
    /// The database of service-inventory.
    pub inventory: String,
    /// The database of service-payment.
    pub payments: String,
    /// The database of the payment gateway simulator.
    pub gateway: String,
}

impl Addresses {
    /// The databases under their default names.
    #[must_use]
    pub fn with_default_names(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            orders: "orders".to_owned(),
            inventory: "inventory".to_owned(),
            payments: "payments".to_owned(),
            gateway: "gateway".to_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct OrderRow {
    pub(crate) saga_id: String,
    pub(crate) fingerprint: String,
    pub(crate) order_id: String,
    pub(crate) payment_id: String,
    pub(crate) product_id: i64,
    pub(crate) quantity: i64,
    pub(crate) amount: Decimal,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
}

impl OrderRow {
    pub(crate) fn has(&self, order_id: &str, payment_id: &str) -> bool {
        self.order_id == order_id && self.payment_id == payment_id
    }
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ReservationRow {
    pub(crate) saga_id: String,
    pub(crate) fingerprint: String,
    pub(crate) order_id: String,
    pub(crate) product_id: i64,
    pub(crate) quantity: i64,
    pub(crate) unit_price: Option<Decimal>,
    pub(crate) status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PaymentRow {
    pub(crate) saga_id: String,
    pub(crate) fingerprint: String,
    pub(crate) order_id: String,
    pub(crate) payment_id: String,
    pub(crate) amount: Decimal,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ChargeRow {
    pub(crate) charge_key: String,
    pub(crate) amount: Decimal,
    pub(crate) status: String,
    /// Whether the gateway's verdict has taken effect, by the database's clock.
    pub(crate) effective: bool,
}

impl ChargeRow {
    /// Whether the gateway keeps the money, now or once the verdict takes effect.
    pub(crate) fn is_kept(&self) -> bool {
        self.status == "APPROVED"
    }
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct StockRow {
    pub(crate) product_id: i64,
    pub(crate) quantity: i64,
    pub(crate) reserved: i64,
    /// All units that were ever added to the stock.
    pub(crate) received: i64,
}

/// The rows of all databases, by saga.
#[derive(Debug, Clone, Default)]
pub struct Ledgers {
    pub(crate) orders: BTreeMap<String, OrderRow>,
    pub(crate) reservations: BTreeMap<String, ReservationRow>,
    pub(crate) payments: BTreeMap<String, PaymentRow>,
    pub(crate) charges: BTreeMap<String, ChargeRow>,
    pub(crate) stock: Vec<StockRow>,
}

impl Ledgers {
    /// Reads all rows from one consistent snapshot, even while other transactions change them.
    ///
    /// # Errors
    /// Returns an error if a database cannot be read.
    pub async fn read(at: &Addresses) -> anyhow::Result<Self> {
        let options: MySqlConnectOptions = at.server.parse().context("parsing the address of the server")?;
        let mut db = options.connect().await.context("connecting to the database")?;
        for sql in [
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ] {
            sqlx::raw_sql(sql).execute(&mut db).await.context(sql)?;
        }
        let orders: Vec<OrderRow> = rows(&mut db, ORDERS, &at.orders).await?;
        let reservations: Vec<ReservationRow> = rows(&mut db, RESERVATIONS, &at.inventory).await?;
        let stock = rows(&mut db, STOCK, &at.inventory).await?;
        let payments: Vec<PaymentRow> = rows(&mut db, PAYMENTS, &at.payments).await?;
        let charges: Vec<ChargeRow> = rows(&mut db, CHARGES, &at.gateway).await?;
        db.close().await?;
        Ok(Self {
            orders: by_key(orders, |row| row.saga_id.clone()),
            reservations: by_key(reservations, |row| row.saga_id.clone()),
            payments: by_key(payments, |row| row.saga_id.clone()),
            charges: by_key(charges, |row| row.charge_key.clone()),
            stock,
        })
    }

    /// The ids of all sagas that have a row in any database.
    pub(crate) fn sagas(&self) -> BTreeSet<&str> {
        let keys = self.orders.keys().chain(self.reservations.keys());
        keys.chain(self.payments.keys()).chain(self.charges.keys()).map(String::as_str).collect()
    }
}

fn by_key<T>(rows: Vec<T>, key: impl Fn(&T) -> String) -> BTreeMap<String, T> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

const ORDERS: &str =
    "SELECT saga_id, fingerprint, order_id, payment_id, product_id, quantity, amount, status, reason FROM {}.orders";
const RESERVATIONS: &str =
    "SELECT saga_id, fingerprint, order_id, product_id, quantity, unit_price, status FROM {}.reservations";
const STOCK: &str = "SELECT product_id, quantity, reserved, received FROM {}.stock";
const PAYMENTS: &str = "SELECT saga_id, fingerprint, order_id, payment_id, amount, status, reason FROM {}.payments";
const CHARGES: &str = "SELECT charge_key, amount, status, effective_at <= NOW(6) AS effective FROM {}.charges";

/// Reads all rows of a table. The database name replaces `{}` in the SQL.
async fn rows<T>(db: &mut MySqlConnection, sql: &str, database: &str) -> anyhow::Result<Vec<T>>
where
    T: for<'r> sqlx::FromRow<'r, MySqlRow> + Send + Unpin,
{
    let sql = sql.replace("{}", &format!("`{database}`"));
    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await.with_context(|| format!("reading the database {database}"))
}
