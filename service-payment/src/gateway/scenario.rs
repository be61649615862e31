//! The simulator's test cards. The payment method determines the outcome; nothing is random.

use std::time::Duration;

/// What the simulated gateway does with a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scenario {
    /// Whether the gateway takes the money in the end.
    pub(super) approves: bool,
    /// The time until the verdict takes effect, even when no call waits for it.
    pub(super) effective_after: Duration,
    /// The time during which the gateway answers no call.
    pub(super) unavailable_for: Duration,
    /// The number of refunds that fail before one succeeds.
    pub(super) refund_failures: u32,
    /// Whether the answer to the first call is lost.
    pub(super) first_answer_lost: bool,
}

const APPROVED: Scenario = Scenario {
    approves: true,
    effective_after: Duration::ZERO,
    unavailable_for: Duration::ZERO,
    refund_failures: 0,
    first_answer_lost: false,
};
/// The delay of `CARD_SLOW` and `CARD_REFUND_FAILS_<n>`.
const SLOW_DELAY: Duration = Duration::from_secs(3);

impl Scenario {
    /// The scenario of a payment method, or `None` for an unknown method.
    ///
    /// | method | what happens |
    /// |---|---|
    /// | `CARD` | approved immediately |
    /// | `CARD_DECLINED` | declined immediately |
    /// | `CARD_SLOW` | approved after 3 s |
    /// | `CARD_APPROVED_AFTER_<n>S` | approved after n s |
    /// | `CARD_DECLINED_AFTER_<n>S` | declined after n s |
    /// | `CARD_TIMEOUT_THEN_APPROVED` | approved immediately, but the first answer is lost |
    /// | `CARD_TIMEOUT_THEN_DECLINED` | declined immediately, but the first answer is lost |
    /// | `CARD_UNAVAILABLE_<n>S` | no call is answered for n s; then approved |
    /// | `CARD_REFUND_FAILS_<n>` | approved after 3 s; the first n refunds fail |
    pub(super) fn of(method: &str) -> Option<Self> {
        let number = |prefix: &str, suffix: &str| -> Option<u32> {
            let number: u32 = method.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok()?;
            (number <= 3600).then_some(number)
        };
        let seconds = |prefix| number(prefix, "S").map(|n| Duration::from_secs(n.into()));
        Some(match method {
            "CARD" => APPROVED,
            "CARD_DECLINED" => Self { approves: false, ..APPROVED },
            "CARD_SLOW" => Self { effective_after: SLOW_DELAY, ..APPROVED },
            "CARD_TIMEOUT_THEN_APPROVED" => Self { first_answer_lost: true, ..APPROVED },
            "CARD_TIMEOUT_THEN_DECLINED" => Self { approves: false, first_answer_lost: true, ..APPROVED },
            _ => {
                if let Some(effective_after) = seconds("CARD_APPROVED_AFTER_") {
                    Self { effective_after, ..APPROVED }
                } else if let Some(effective_after) = seconds("CARD_DECLINED_AFTER_") {
                    Self { approves: false, effective_after, ..APPROVED }
                } else if let Some(unavailable_for) = seconds("CARD_UNAVAILABLE_") {
                    Self { unavailable_for, ..APPROVED }
                } else {
                    let refund_failures = number("CARD_REFUND_FAILS_", "")?;
                    Self { effective_after: SLOW_DELAY, refund_failures, ..APPROVED }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payment_method_chooses_the_outcome() {
        assert_eq!(Scenario::of("CARD"), Some(APPROVED));
        assert!(Scenario::of("CARD_DECLINED").is_some_and(|s| !s.approves));
        let late = Scenario::of("CARD_APPROVED_AFTER_20S").expect("known");
        assert_eq!(late.effective_after, Duration::from_secs(20));
        assert_eq!(Scenario::of("CARD_REFUND_FAILS_20").map(|s| s.refund_failures), Some(20));
    }

    #[test]
    fn an_unknown_method_has_no_scenario() {
        for method in ["CASH", "CARD_APPROVED_AFTER_S", "CARD_APPROVED_AFTER_9999S", "CARD_UNAVAILABLE_-1S"] {
            assert_eq!(Scenario::of(method), None, "{method}");
        }
    }
}
