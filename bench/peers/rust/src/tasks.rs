// Tokio as a service's peer: requests through an mpsc channel, replies through oneshot; and plain spawned tasks.
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

/// Called on each thread that a runtime makes, with the thread's number.
pub type Pin = extern "C" fn(usize);

struct Call {
    request: u64,
    reply: oneshot::Sender<u64>,
}

pub struct Caller {
    runtime: Runtime,
    calls: Mutex<Option<mpsc::Sender<Call>>>,
    service: Mutex<Option<mpsc::Receiver<Call>>>,
}

async fn call_in_turn(calls: mpsc::Sender<Call>, count: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..count {
        let (reply, answer) = oneshot::channel();
        assert!(calls.send(Call { request: 1, reply }).await.is_ok());
        sum += answer.await.unwrap();
    }
    sum
}

pub fn pinned_workers(workers: usize, pin: Pin) -> Runtime {
    let number = AtomicU64::new(0);
    Builder::new_multi_thread()
        .worker_threads(workers)
        .on_thread_start(move || pin(number.fetch_add(1, Ordering::Relaxed) as usize))
        .build()
        .unwrap()
}

#[no_mangle]
pub extern "C" fn peer_tokio_caller_new(workers: usize, capacity: usize, pin: Pin) -> *mut Caller {
    let (to, mut from) = mpsc::channel::<Call>(capacity);
    let runtime = match workers {
        0 => Builder::new_current_thread().build().unwrap(),
        n => pinned_workers(n, pin),
    };
    let mut service = Mutex::new(None);
    if workers == 0 {
        service = Mutex::new(Some(from));
    } else {
        runtime.spawn(async move {
            while let Some(call) = from.recv().await {
                let _ = call.reply.send(call.request + 1);
            }
        });
    }
    Box::into_raw(Box::new(Caller { runtime, calls: Mutex::new(Some(to)), service }))
}

/// # Safety
/// `caller` is alive.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_caller_serve(caller: *const Caller) {
    let taken = (*caller).service.lock().unwrap().take();
    let mut from = taken.expect("a caller without workers is served once");
    while let Some(call) = from.blocking_recv() {
        let _ = call.reply.send(call.request + 1);
    }
}

/// # Safety
/// `caller` is alive and not closed.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_caller_round_trips(caller: *const Caller, count: u64, in_flight: u64) -> u64 {
    let to = (*caller).calls.lock().unwrap().clone().unwrap();
    let runtime = &(*caller).runtime;
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..in_flight).map(|_| runtime.spawn(call_in_turn(to.clone(), count / in_flight))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    })
}

/// # Safety
/// `caller` is alive.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_caller_close(caller: *const Caller) {
    (*caller).calls.lock().unwrap().take();
}

/// # Safety
/// `caller` is closed, peer_tokio_caller_serve has returned where it was called.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_caller_free(caller: *mut Caller) {
    drop(Box::from_raw(caller));
}

static RAN: AtomicU64 = AtomicU64::new(0);

#[no_mangle]
pub extern "C" fn peer_tokio_worker_new(pin: Pin) -> *mut Runtime {
    Box::into_raw(Box::new(pinned_workers(1, pin)))
}

/// One worker runs the tasks, so that their counter has one writer, as on the C++ side.
///
/// # Safety
/// `runtime` is alive; one call at a time.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_worker_spawn(runtime: *const Runtime, count: u64) {
    RAN.store(0, Ordering::Release);
    for _ in 0..count {
        (*runtime).spawn(async { RAN.store(RAN.load(Ordering::Relaxed) + 1, Ordering::Release) });
    }
    while RAN.load(Ordering::Acquire) != count {
        std::hint::spin_loop();
    }
}

/// # Safety
/// `runtime` is alive and not used any more.
#[no_mangle]
pub unsafe extern "C" fn peer_tokio_worker_free(runtime: *mut Runtime) {
    drop(Box::from_raw(runtime));
}
