// Bounded channels: crossbeam's and Tokio's mpsc, filled and drained on one thread; crossbeam's between threads.
use crate::{keep, Backoff, Message};
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use tokio::sync::mpsc;

pub trait Channel: Send + Sync {
    fn fill_and_drain(&mut self, count: u64) -> u64;
    fn send(&self, first: u64, count: u64, spin: bool);
    fn receive(&self, count: u64, spin: bool) -> u64;
}

struct Crossbeam<const N: usize> {
    to: Sender<Message<N>>,
    from: Receiver<Message<N>>,
}

impl<const N: usize> Channel for Crossbeam<N> {
    fn fill_and_drain(&mut self, count: u64) -> u64 {
        let mut message = Message::<N>::new();
        for i in 0..count {
            message.set(i);
            keep(&mut message);
            self.to.send(message).unwrap();
        }
        let mut sum = 0;
        for _ in 0..count {
            let mut got = self.from.recv().unwrap();
            keep(&mut got);
            sum += got.get();
        }
        sum
    }

    fn send(&self, first: u64, count: u64, spin: bool) {
        let mut message = Message::<N>::new();
        for i in first..first + count {
            message.set(i);
            keep(&mut message);
            if !spin {
                self.to.send(message).unwrap();
                continue;
            }
            let mut backoff = Backoff::new();
            while let Err(why) = self.to.try_send(message) {
                assert!(matches!(why, TrySendError::Full(_)));
                backoff.wait();
            }
        }
    }

    fn receive(&self, count: u64, spin: bool) -> u64 {
        let mut sum = 0;
        for _ in 0..count {
            let mut got = if spin { self.poll() } else { self.from.recv().unwrap() };
            keep(&mut got);
            sum += got.get();
        }
        sum
    }
}

impl<const N: usize> Crossbeam<N> {
    fn poll(&self) -> Message<N> {
        let mut backoff = Backoff::new();
        loop {
            match self.from.try_recv() {
                Ok(got) => return got,
                Err(TryRecvError::Empty) => backoff.wait(),
                Err(TryRecvError::Disconnected) => unreachable!(),
            }
        }
    }
}

/// On one thread only, by try_send and try_recv: without a runtime's own cost.
struct Tokio<const N: usize> {
    to: mpsc::Sender<Message<N>>,
    from: mpsc::Receiver<Message<N>>,
}

impl<const N: usize> Channel for Tokio<N> {
    fn fill_and_drain(&mut self, count: u64) -> u64 {
        let mut message = Message::<N>::new();
        for i in 0..count {
            message.set(i);
            keep(&mut message);
            assert!(self.to.try_send(message).is_ok());
        }
        let mut sum = 0;
        for _ in 0..count {
            let mut got = self.from.try_recv().unwrap();
            keep(&mut got);
            sum += got.get();
        }
        sum
    }
    fn send(&self, _: u64, _: u64, _: bool) {
        unreachable!()
    }
    fn receive(&self, _: u64, _: bool) -> u64 {
        unreachable!()
    }
}

/// 32 KB buffers that change owner: the pointers travel.
struct CrossbeamBoxes {
    to: Sender<Box<Message<32768>>>,
    from: Receiver<Box<Message<32768>>>,
    idle: Vec<Box<Message<32768>>>,
}

impl Channel for CrossbeamBoxes {
    fn fill_and_drain(&mut self, count: u64) -> u64 {
        for i in 0..count {
            let mut message = self.idle.pop().unwrap();
            message.set(i);
            self.to.send(message).unwrap();
        }
        let mut sum = 0;
        for _ in 0..count {
            let mut got = self.from.recv().unwrap();
            keep(&mut got);
            sum += got.get();
            self.idle.push(got);
        }
        sum
    }
    fn send(&self, _: u64, _: u64, _: bool) {
        unreachable!()
    }
    fn receive(&self, _: u64, _: bool) -> u64 {
        unreachable!()
    }
}

fn crossbeam<const N: usize>(capacity: usize) -> Box<dyn Channel> {
    let (to, from) = crossbeam_channel::bounded(capacity);
    Box::new(Crossbeam::<N> { to, from })
}

fn tokio_mpsc<const N: usize>(capacity: usize) -> Box<dyn Channel> {
    let (to, from) = mpsc::channel(capacity);
    Box::new(Tokio::<N> { to, from })
}

fn handle(channel: Option<Box<dyn Channel>>) -> *mut Box<dyn Channel> {
    channel.map_or(std::ptr::null_mut(), |c| Box::into_raw(Box::new(c)))
}

#[no_mangle]
pub extern "C" fn peer_crossbeam_new(bytes: usize, capacity: usize) -> *mut Box<dyn Channel> {
    handle(match bytes {
        8 => Some(crossbeam::<8>(capacity)),
        16 => Some(crossbeam::<16>(capacity)),
        64 => Some(crossbeam::<64>(capacity)),
        256 => Some(crossbeam::<256>(capacity)),
        1024 => Some(crossbeam::<1024>(capacity)),
        4096 => Some(crossbeam::<4096>(capacity)),
        32768 => Some(crossbeam::<32768>(capacity)),
        _ => None,
    })
}

#[no_mangle]
pub extern "C" fn peer_crossbeam_boxes_new(capacity: usize) -> *mut Box<dyn Channel> {
    let (to, from) = crossbeam_channel::bounded(capacity);
    let idle = (0..capacity).map(|_| Box::new(Message::new())).collect();
    handle(Some(Box::new(CrossbeamBoxes { to, from, idle })))
}

#[no_mangle]
pub extern "C" fn peer_tokio_mpsc_new(bytes: usize, capacity: usize) -> *mut Box<dyn Channel> {
    handle(match bytes {
        8 => Some(tokio_mpsc::<8>(capacity)),
        64 => Some(tokio_mpsc::<64>(capacity)),
        256 => Some(tokio_mpsc::<256>(capacity)),
        1024 => Some(tokio_mpsc::<1024>(capacity)),
        4096 => Some(tokio_mpsc::<4096>(capacity)),
        32768 => Some(tokio_mpsc::<32768>(capacity)),
        _ => None,
    })
}

/// # Safety
/// `channel` came from one of the functions above and is not used any more.
#[no_mangle]
pub unsafe extern "C" fn peer_channel_free(channel: *mut Box<dyn Channel>) {
    drop(Box::from_raw(channel));
}

/// # Safety
/// `channel` is alive and nobody else uses it meanwhile.
#[no_mangle]
pub unsafe extern "C" fn peer_channel_fill_and_drain(channel: *mut Box<dyn Channel>, count: u64) -> u64 {
    (*channel).fill_and_drain(count)
}

/// # Safety
/// `channel` is alive.
#[no_mangle]
pub unsafe extern "C" fn peer_channel_send(channel: *const Box<dyn Channel>, first: u64, count: u64, spin: bool) {
    (*channel).send(first, count, spin)
}

/// # Safety
/// `channel` is alive.
#[no_mangle]
pub unsafe extern "C" fn peer_channel_receive(channel: *const Box<dyn Channel>, count: u64, spin: bool) -> u64 {
    (*channel).receive(count, spin)
}
