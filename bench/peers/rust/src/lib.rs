// The Rust peers behind a C interface: each function is a whole loop, so that no call between the languages is timed.
// bench/peers/rust_peers.hpp says what each promises.
mod channels;
mod echo;
mod spawns;
mod tasks;

/// The messages of the C++ side: eight-byte aligned, the sequence number first.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Message<const N: usize>([u8; N]);

impl<const N: usize> Message<N> {
    pub fn new() -> Self {
        Message([0; N])
    }
    pub fn set(&mut self, sequence: u64) {
        self.0[..8].copy_from_slice(&sequence.to_ne_bytes());
    }
    pub fn get(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_ne_bytes(first)
    }
}

/// The compiler must take the value as read and as changed.
#[inline(always)]
pub fn keep<T>(value: &mut T) {
    unsafe { core::arch::asm!("/* {0} */", in(reg) value, options(nostack, preserves_flags)) }
}

/// What every polled peer of the benchmark does while it waits: pauses 64 times, then yields the processor.
pub struct Backoff(u32);

impl Backoff {
    pub fn new() -> Self {
        Backoff(0)
    }
    pub fn wait(&mut self) {
        if self.0 < 64 {
            self.0 += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}
