// Tasks of a Tokio runtime with pinned workers: spawned from outside, and by a task of the runtime, some at a time.
use crate::tasks::{pinned_workers, Pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use tokio::runtime::{Handle, Runtime};

pub struct Pool {
    runtime: Runtime,
}

struct Round {
    left: AtomicU64,   // tasks of the batch that have not ended
    to_do: AtomicU64,  // tasks of the batches to come
    over: AtomicU64,
    batch: u64,
}

fn wait_until(over: impl Fn() -> bool) {
    while !over() {
        std::hint::spin_loop();
    }
}

/// The last task of a batch spawns the next.
fn spawn_batch(round: &Arc<Round>) {
    let to_do = round.to_do.load(Ordering::Relaxed);
    if to_do == 0 {
        return round.over.store(1, Ordering::Release);
    }
    round.to_do.store(to_do - round.batch, Ordering::Relaxed);
    round.left.store(round.batch, Ordering::Relaxed);
    let handle = Handle::current();
    for _ in 0..round.batch {
        let round = round.clone();
        handle.spawn(async move {
            if round.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                spawn_batch(&round);
            }
        });
    }
}

#[no_mangle]
pub extern "C" fn peer_tokio_pool_new(workers: usize, pin: Pin) -> *mut Pool {
    Box::into_raw(Box::new(Pool { runtime: pinned_workers(workers, pin) }))
}

/// # Safety
/// `pool` is alive; one call at a time.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_pool_outside(pool: *const Pool, count: u64) {
    let left = Arc::new(AtomicU64::new(count));
    for _ in 0..count {
        let left = left.clone();
        (*pool).runtime.spawn(async move {
            left.fetch_sub(1, Ordering::AcqRel);
        });
    }
    wait_until(|| left.load(Ordering::Acquire) == 0);
}

/// # Safety
/// `pool` is alive; one call at a time; `count` is a multiple of `batch`.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_pool_inside(pool: *const Pool, count: u64, batch: u64) {
    let round = Arc::new(Round { left: AtomicU64::new(0), to_do: AtomicU64::new(count), over: AtomicU64::new(0), batch });
    let first = round.clone();
    (*pool).runtime.spawn(async move { spawn_batch(&first) });
    wait_until(|| round.over.load(Ordering::Acquire) == 1);
}

/// # Safety
/// `pool` is alive and not used any more.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_pool_free(pool: *mut Pool) {
    drop(Box::from_raw(pool));
}
