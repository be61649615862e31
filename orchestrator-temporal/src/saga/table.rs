//! The saga as data: one row per step. Names, time limits, stuck thresholds and undos come from this table only.
//!
//! `ARCHITECTURE.md` shows the same table; a test compares the two.

use std::time::Duration;

/// The time limit of one durable attempt of a step that calls the payment gateway.
const GATEWAY_ATTEMPT: Duration = Duration::from_secs(10);
/// The time limit of one durable attempt of any other step. It is longer than one attempt of a database transaction
/// (4 s). It is short because an attempt holds a worker slot, and a service that hangs must not take all slots.
const ROW_ATTEMPT: Duration = Duration::from_secs(5);

/// When a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The first stage, before the payment.
    First,
    /// The payment.
    Second,
    /// The last stage, after the payment.
    Third,
    /// Any time before the third stage: the step undoes another step.
    Undo,
}

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The step can be refused, and its undos reverse it.
    Compensatable,
    /// The step can be refused. Once it succeeds, the order can only go forward.
    Pivot,
    /// The step is retried until it succeeds.
    UntilDone,
}

/// How long a step may wait before it counts as stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StuckThreshold {
    /// The stuck limit (`STUCK_AFTER_MS`).
    Limit,
    /// The stuck limit or the deadline, whichever is longer. After the deadline, `payment.pay` runs only for an order
    /// that is known to be paid.
    LimitOrDeadline,
    /// The deadline plus the stuck limit. Workers end the step at the deadline; a step waiting longer has no worker.
    LimitAfterDeadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The name of the step and of its Temporal activity. Histories contain it, so it must never change.
    pub name: &'static str,
    pub stage: Stage,
    pub kind: Kind,
    pub attempt_limit: Duration,
    pub stuck: StuckThreshold,
    pub undos: &'static [Step],
}

/// Defines the enum `Step` together with its rows, so that no step can lack a row.
macro_rules! table {
    ($($step:ident $name:literal $stage:ident $kind:ident $limit:ident $stuck:ident [$($undo:ident)*];)*) => {
        /// A step of the saga: one call to one service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Step { $($step,)* }

        impl Step {
            pub const ALL: &'static [Self] = &[$(Self::$step,)*];

            #[must_use]
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$step => Row {
                        name: $name,
                        stage: Stage::$stage,
                        kind: Kind::$kind,
                        attempt_limit: $limit,
                        stuck: StuckThreshold::$stuck,
                        undos: &[$(Self::$undo,)*],
                    },)*
                }
            }
        }
    };
}

table! {
    // Step        name              stage   kind           attempt limit    stuck threshold     undos
    OrderCreate    "order.create"    First   Compensatable  ROW_ATTEMPT      LimitAfterDeadline  [OrderCancel];
    StockReserve   "stock.reserve"   First   Compensatable  ROW_ATTEMPT      LimitAfterDeadline  [StockRelease];
    PaymentPay     "payment.pay"     Second  Pivot          GATEWAY_ATTEMPT  LimitOrDeadline     [PaymentCancel PaymentVoid];
    OrderConfirm   "order.confirm"   Third   UntilDone      ROW_ATTEMPT      Limit               [];
    StockConfirm   "stock.confirm"   Third   UntilDone      ROW_ATTEMPT      Limit               [];
    PaymentCancel  "payment.cancel"  Undo    UntilDone      ROW_ATTEMPT      Limit               [];
    PaymentVoid    "payment.void"    Undo    UntilDone      GATEWAY_ATTEMPT  Limit               [];
    StockRelease   "stock.release"   Undo    UntilDone      ROW_ATTEMPT      Limit               [];
    OrderCancel    "order.cancel"    Undo    UntilDone      ROW_ATTEMPT      Limit               [];
}

impl Step {
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The step with this name. `None` for a step from a newer release.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.name() == name)
    }

    /// All undos, in the order of the table.
    pub fn undos() -> impl Iterator<Item = Self> {
        Self::ALL.iter().flat_map(|step| step.row().undos).copied()
    }
}
