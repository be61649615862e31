//! For tests only: random sequences of calls on a real database, and the shortest one that goes wrong.

mod crash;
mod order;
mod world;

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Runtime;

pub use crash::{crashed_after, start_together};
pub use order::{order, reused};
pub use world::database;

/// What is wrong after a sequence, or in the midst of it.
pub type Judgement = Result<(), String>;

/// Threads that draw sequences; they share the world, above all its database.
const THREADS: u32 = 4;
/// How many shorter sequences are tried for one that goes wrong.
const SHRINKS: u32 = 3000;

/// Draws so many sequences and runs each in the one world; panics with the shortest one found that goes wrong.
///
/// # Panics
/// A sequence goes wrong.
pub fn check<S, T, W>(
    sequences: u32,
    drawn_from: fn() -> S,
    world: impl Future<Output = W>,
    run: impl AsyncFn(&W, &[T]) -> Judgement + Sync,
) where
    S: Strategy<Value = Vec<T>>,
    T: Debug + Send,
    W: Sync,
{
    let runtime = Runtime::new().expect("a thread can have a runtime");
    let world = runtime.block_on(world);
    let (failed, calls, begun) = (AtomicBool::new(false), AtomicUsize::new(0), Instant::now());
    let draw = || {
        let config = Config {
            cases: sequences / THREADS,
            failure_persistence: None,
            max_shrink_iters: SHRINKS,
            ..Config::default()
        };
        let shrinking = AtomicBool::new(false);
        TestRunner::new(config).run(&drawn_from(), |sequence| {
            // One thread's failure is enough, and it shrinks faster alone.
            if failed.load(Ordering::SeqCst) && !shrinking.load(Ordering::SeqCst) {
                return Ok(());
            }
            calls.fetch_add(sequence.len(), Ordering::Relaxed);
            let Err(why) = runtime.block_on(run(&world, &sequence)) else { return Ok(()) };
            if !shrinking.load(Ordering::SeqCst) && failed.swap(true, Ordering::SeqCst) {
                return Ok(());
            }
            shrinking.store(true, Ordering::SeqCst);
            Err(TestCaseError::fail(why))
        })
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(draw)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a sequence does not panic")).collect()
    });
    println!("{sequences} sequences of {} calls in all, {:.1?}", calls.into_inner(), begun.elapsed());
    for result in results {
        if let Err(error) = result {
            panic!("{}", described(error));
        }
    }
}

fn described<T: Debug>(error: TestError<Vec<T>>) -> String {
    match error {
        TestError::Fail(why, sequence) => {
            let mut text = format!("{why}\nThe shortest sequence found that goes wrong:\n");
            for (number, call) in sequence.iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{:3}. {call:?}", number + 1);
            }
            text
        }
        TestError::Abort(why) => why.to_string(),
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
    fn what_always_holds_passes() {
        check(
            100,
            numbers,
            async {},
            async |(), sequence| if sequence.len() < 20 { Ok(()) } else { Err(String::new()) },
        );
    }

    #[test]
    #[should_panic(expected = "two large ones\nThe shortest sequence found that goes wrong:\n  1. 50\n  2. 50\n")]
    fn a_failing_sequence_is_printed_shrunk() {
        check(1000, numbers, async {}, async |(), sequence| {
            let large = sequence.iter().filter(|n| **n >= 50).count();
            if large < 2 { Ok(()) } else { Err("two large ones".to_owned()) }
        });
    }
}
