//! The simulator's test cards: the payment method chooses the outcome, never chance.

use std::time::Duration;

/// What the simulated network does with a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scenario {
    /// Does it take the money in the end?
    pub(super) approves: bool,
    /// How long until its verdict takes effect, whether or not anybody still waits for it.
    pub(super) effective_after: Duration,
    /// For how long it answers no call at all.
    pub(super) unavailable_for: Duration,
    /// How many refunds fail before one works.
    pub(super) refund_failures: u32,
    /// Is the answer to the first call lost?
    pub(super) first_answer_lost: bool,
}

const PLAIN: Scenario = Scenario {
    approves: true,
    effective_after: Duration::ZERO,
    unavailable_for: Duration::ZERO,
    refund_failures: 0,
    first_answer_lost: false,
};
/// How long `CARD_SLOW` takes.
const SLOW: Duration = Duration::from_secs(3);

impl Scenario {
    /// The scenario of a payment method; `None` for a method that this network does not know.
    ///
    /// | method | what happens |
    /// |---|---|
    /// | `CARD` | approved at once |
    /// | `CARD_DECLINED` | declined at once |
    /// | `CARD_SLOW` | approved after 3 s |
    /// | `CARD_APPROVED_AFTER_<n>S` | approved after n s |
    /// | `CARD_DECLINED_AFTER_<n>S` | declined after n s |
    /// | `CARD_TIMEOUT_THEN_APPROVED` | approved at once, but the first answer is lost |
    /// | `CARD_TIMEOUT_THEN_DECLINED` | declined at once, but the first answer is lost |
    /// | `CARD_UNAVAILABLE_<n>S` | no call answered for n s, then approved |
    /// | `CARD_REFUND_FAILS_<n>` | approved after 3 s; the first n refunds fail |
    pub(super) fn of(method: &str) -> Option<Self> {
        let number = |prefix: &str, suffix: &str| -> Option<u32> {
            let number: u32 = method.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok()?;
            (number <= 3600).then_some(number)
        };
        let seconds = |prefix| number(prefix, "S").map(|n| Duration::from_secs(n.into()));
        Some(match method {
            "CARD" => PLAIN,
            "CARD_DECLINED" => Self { approves: false, ..PLAIN },
            "CARD_SLOW" => Self { effective_after: SLOW, ..PLAIN },
            "CARD_TIMEOUT_THEN_APPROVED" => Self { first_answer_lost: true, ..PLAIN },
            "CARD_TIMEOUT_THEN_DECLINED" => Self { approves: false, first_answer_lost: true, ..PLAIN },
            _ => {
                if let Some(effective_after) = seconds("CARD_APPROVED_AFTER_") {
                    Self { effective_after, ..PLAIN }
                } else if let Some(effective_after) = seconds("CARD_DECLINED_AFTER_") {
                    Self { approves: false, effective_after, ..PLAIN }
                } else if let Some(unavailable_for) = seconds("CARD_UNAVAILABLE_") {
                    Self { unavailable_for, ..PLAIN }
                } else {
                    let refund_failures = number("CARD_REFUND_FAILS_", "")?;
                    Self { effective_after: SLOW, refund_failures, ..PLAIN }
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
        assert_eq!(Scenario::of("CARD"), Some(PLAIN));
        assert!(Scenario::of("CARD_DECLINED").is_some_and(|s| !s.approves));
        let late = Scenario::of("CARD_APPROVED_AFTER_20S").expect("known");
        assert_eq!(late.effective_after, Duration::from_secs(20));
        assert_eq!(Scenario::of("CARD_REFUND_FAILS_20").map(|s| s.refund_failures), Some(20));
    }

    #[test]
    fn a_method_that_the_network_does_not_know_has_no_scenario() {
        for method in ["CASH", "CARD_APPROVED_AFTER_S", "CARD_APPROVED_AFTER_9999S", "CARD_UNAVAILABLE_-1S"] {
            assert_eq!(Scenario::of(method), None, "{method}");
        }
    }
}
