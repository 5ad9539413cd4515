// The C interface of the Rust peers (bench/peers/rust): crossbeam's channel, Tokio's channels, tasks and sockets.
// A static library linked into the benchmark rather than programs of their own: contenders then alternate within one
// process, on the same pinned threads, with the same clock and the same heap (malloc), in rounds of milliseconds; two
// programs could only alternate by processes, each with its own pages and start. Each function is a whole loop, so that
// no call between the languages is timed.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct peer_channel;

/// `bytes`: 8, 16 (crossbeam only), 64, 256, 1024, 4096 or 32768; null otherwise.
peer_channel* peer_crossbeam_new(std::size_t bytes, std::size_t capacity);
peer_channel* peer_tokio_mpsc_new(std::size_t bytes, std::size_t capacity);
/// Of boxed 32 KB buffers, `capacity` of them, allocated here.
peer_channel* peer_crossbeam_boxes_new(std::size_t capacity);
void peer_channel_free(peer_channel* channel);
/// Sends 0 … count-1, then receives them; returns the sum of what came out.
std::uint64_t peer_channel_fill_and_drain(peer_channel* channel, std::uint64_t count);
/// Crossbeam's only, from any thread. `spin`: by try_send and try_recv with the benchmark's backoff; otherwise blocking.
void peer_channel_send(const peer_channel* channel, std::uint64_t first, std::uint64_t count, bool spin);
std::uint64_t peer_channel_receive(const peer_channel* channel, std::uint64_t count, bool spin);

/// Called on each thread that a runtime makes, with the thread's number.
using peer_pin = void (*)(std::size_t);

/// Calls through mpsc, replies through oneshot. `workers` 0: a current-thread runtime, on the thread that calls
/// peer_tokio_caller_round_trips(), and a thread of the benchmark's that serves by blocking_recv; otherwise a runtime of so many
/// workers, where a task serves.
struct peer_tokio_caller;
peer_tokio_caller* peer_tokio_caller_new(std::size_t workers, std::size_t capacity, peer_pin pin);
/// Serves until the caller is closed.
void peer_tokio_caller_serve(const peer_tokio_caller* caller);
/// `count` round trips by `in_flight` tasks, a divisor of `count`; returns the sum of the replies (each is 2).
std::uint64_t peer_tokio_caller_round_trips(const peer_tokio_caller* caller, std::uint64_t count, std::uint64_t in_flight);
void peer_tokio_caller_close(const peer_tokio_caller* caller);
void peer_tokio_caller_free(peer_tokio_caller* caller);

/// A runtime with one worker.
struct peer_tokio_worker;
peer_tokio_worker* peer_tokio_worker_new(peer_pin pin);
/// Spawns `count` tasks from the calling thread, which is none of the runtime's, and waits until all have run.
void peer_tokio_worker_spawn(const peer_tokio_worker* worker, std::uint64_t count);
void peer_tokio_worker_free(peer_tokio_worker* worker);

/// A runtime with some workers.
struct peer_tokio_pool;
peer_tokio_pool* peer_tokio_pool_new(std::size_t workers, peer_pin pin);
/// Spawns `count` tasks, each of which counts itself in one shared word, from the calling thread, and waits until all have run.
void peer_tokio_pool_outside(const peer_tokio_pool* pool, std::uint64_t count);
/// The same by tasks of the runtime, `batch` at a time, a divisor of `count`: the last to run of each batch spawns the next.
void peer_tokio_pool_inside(const peer_tokio_pool* pool, std::uint64_t count, std::uint64_t batch);
void peer_tokio_pool_free(peer_tokio_pool* pool);

/// Echo of 64 bytes on a current-thread runtime, on any free port of 127.0.0.1. `look` is called with each message before it is sent back,
/// and may change it; false: the server is to end, which it must have been told before it is freed.
struct peer_tokio_echo;
peer_tokio_echo* peer_tokio_echo_new(peer_pin pin, bool (*look)(std::uint8_t* message));
std::uint16_t peer_tokio_echo_port(const peer_tokio_echo* echo);
void peer_tokio_echo_free(peer_tokio_echo* echo);

}  // extern "C"
