//! For tests only: runs random sequences of calls on a real database, and prints the shortest sequence that fails.

mod crash;
mod order;
mod system;

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Runtime;

pub use crash::{crashed_after, start_together};
pub use order::{order, reused};
pub use system::database;

/// The result of a sequence. The error says what is wrong.
pub type Verification = Result<(), String>;

/// The number of threads that run sequences. They share one system and its database.
const THREADS: u32 = 4;
/// The maximum number of shorter sequences that are tried after one fails.
const SHRINK_LIMIT: u32 = 3000;

/// Runs this number of random sequences, all on the same system.
///
/// # Panics
/// Panics if a sequence fails. The message shows the shortest failing sequence that was found.
pub fn check<S, T, System>(
    count: u32,
    sequences_of: fn() -> S,
    system: impl Future<Output = System>,
    run: impl AsyncFn(&System, &[T]) -> Verification + Sync,
) where
    S: Strategy<Value = Vec<T>>,
    T: Debug + Send,
    System: Sync,
{
    let runtime = Runtime::new().expect("a thread can have a runtime");
    let system = runtime.block_on(system);
    let (failed, calls, started) = (AtomicBool::new(false), AtomicUsize::new(0), Instant::now());
    let run_share = || {
        let config = Config {
            cases: count / THREADS,
            failure_persistence: None,
            max_shrink_iters: SHRINK_LIMIT,
            ..Config::default()
        };
        let shrinking = AtomicBool::new(false);
        TestRunner::new(config).run(&sequences_of(), |sequence| {
            // One failure is enough. Its sequence is shrunk faster when the other threads stop.
            if failed.load(Ordering::SeqCst) && !shrinking.load(Ordering::SeqCst) {
                return Ok(());
            }
            calls.fetch_add(sequence.len(), Ordering::Relaxed);
            let Err(error) = runtime.block_on(run(&system, &sequence)) else { return Ok(()) };
            if !shrinking.load(Ordering::SeqCst) && failed.swap(true, Ordering::SeqCst) {
                return Ok(());
            }
            shrinking.store(true, Ordering::SeqCst);
            Err(TestCaseError::fail(error))
        })
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run_share)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a sequence does not panic")).collect()
    });
    println!("{count} sequences with {} calls in total, {:.1?}", calls.into_inner(), started.elapsed());
    for result in results {
        if let Err(error) = result {
            panic!("{}", description(error));
        }
    }
}

fn description<T: Debug>(error: TestError<Vec<T>>) -> String {
    match error {
        TestError::Fail(error, sequence) => {
            let mut text = format!("{error}\nThe shortest failing sequence that was found:\n");
            for (number, call) in sequence.iter().enumerate() {
                // A write to a String cannot fail.
                let _ = writeln!(text, "{:3}. {call:?}", number + 1);
            }
            text
        }
        TestError::Abort(reason) => reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;

    use super::*;

    fn numbers() -> impl Strategy<Value = Vec<u32>> {
        vec(0..100_u32, 0..20)
    }

    #[test]
    fn a_check_without_a_failing_sequence_passes() {
        check(
            100,
            numbers,
            async {},
            async |(), sequence| if sequence.len() < 20 { Ok(()) } else { Err(String::new()) },
        );
    }

    #[test]
    #[should_panic(expected = "two large ones\nThe shortest failing sequence that was found:\n  1. 50\n  2. 50\n")]
    fn the_shortest_failing_sequence_is_printed() {
        check(1000, numbers, async {}, async |(), sequence| {
            let large = sequence.iter().filter(|n| **n >= 50).count();
            if large < 2 { Ok(()) } else { Err("two large ones".to_owned()) }
        });
    }
}
