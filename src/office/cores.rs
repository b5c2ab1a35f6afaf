//! Work that fills the processor, on all cores and off the threads that serve everybody else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{OfficeError, Result};

/// Does `work` on each item, on all cores; the results stand in the order of the items.
///
/// A program error on one item must not stop the others: `broken` says what stands in its place.
pub(super) async fn on_all_cores<T, R>(
    items: Vec<T>,
    work: impl Fn(&T) -> R + Send + Sync + 'static,
    broken: impl Fn(&T) -> R + Send + Sync + 'static,
) -> Result<Vec<(T, R)>>
where
    T: Send + Sync + 'static,
    R: Send + 'static,
{
    let one = move |item: &T| catch_unwind(AssertUnwindSafe(|| work(item))).unwrap_or_else(|_| broken(item));
    tokio::task::spawn_blocking(move || shared_out(items, &one))
        .await
        .map_err(|error| OfficeError::Interrupted(error.to_string()))
}

/// Each core takes the next item that nobody has taken, so that one dear item does not leave the others waiting.
fn shared_out<T: Sync, R: Send>(items: Vec<T>, work: &(impl Fn(&T) -> R + Sync)) -> Vec<(T, R)> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(item)));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(items.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    // Every item has its result, or the panic went on to the caller.
    results.sort_unstable_by_key(|(index, _)| *index);
    items.into_iter().zip(results.into_iter().map(|(_, result)| result)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_stand_in_the_order_of_the_items_and_a_broken_one_stops_nobody() {
        let work = |number: &u32| {
            assert!(*number != 7, "seven breaks the program");
            Some(number * 2)
        };
        let done = on_all_cores((0..1000).collect(), work, |_| None).await.unwrap();
        let wanted: Vec<(u32, Option<u32>)> = (0..1000).map(|n| (n, (n != 7).then_some(n * 2))).collect();
        assert_eq!(done, wanted);
    }
}
