// steady_probe own|parked|asio small|large: 64 calls in flight, and between two marks that a tracer sees, what they took: locks, posts, sleeps, as "key=value".
// `own`: a control plane that takes no lock and makes no system call, so that all there are are the library's. `parked`: the same, and a worker that sleeps whenever
// it can. `asio`: an io_context.
#include <numasio/bridge.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {
thread_local constinit std::uint64_t locks = 0;  // of this thread
using lock_call = int(pthread_mutex_t*);
lock_call* real_lock(const char* name) { return reinterpret_cast<lock_call*>(::dlsym(RTLD_NEXT, name)); }
}

// Every std::mutex, and Asio's, ends here.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    static lock_call* const real = real_lock("pthread_mutex_lock");
    ++locks;
    return real(mutex);
}
extern "C" int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    static lock_call* const real = real_lock("pthread_mutex_trylock");
    ++locks;
    return real(mutex);
}

namespace {

namespace asio = boost::asio;
using namespace numasio;

/// Runs functions on whom polls it; takes no lock, no memory and makes no system call.
class polled_context : public asio::execution_context {
public:
    ~polled_context() { shutdown(); }

    class executor_type {
    public:
        explicit executor_type(polled_context& c) noexcept : context_(&c) {}
        polled_context& query(asio::execution::context_t) const noexcept { return *context_; }
        static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept { return asio::execution::blocking.never; }
        executor_type require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
        template <class F>
        void execute(F f) const {
            context_->put(std::move(f));
        }
        friend bool operator==(const executor_type&, const executor_type&) noexcept = default;

    private:
        polled_context* context_;
    };
    executor_type get_executor() noexcept { return executor_type(*this); }

    void poll() {
        for (auto& s : slots_) {
            if (s.state.load(std::memory_order_acquire) == full) { s.run(s); }
        }
    }
    std::uint64_t puts() const noexcept { return puts_.load(std::memory_order_relaxed); }

private:
    enum : int { empty, busy, full };
    struct slot {
        std::atomic<int> state{empty};
        void (*run)(slot&) = nullptr;
        alignas(std::max_align_t) std::byte room[512];
    };
    template <class F>
    void put(F f) {
        static_assert(sizeof(F) <= sizeof(slot::room));
        for (auto& s : slots_) {
            int expected = empty;
            if (!s.state.compare_exchange_strong(expected, busy, std::memory_order_acquire)) { continue; }
            ::new (s.room) F(std::move(f));
            s.run = [](slot& of) {
                auto& kept = *std::launder(reinterpret_cast<F*>(of.room));
                F mine(std::move(kept));
                kept.~F();
                of.state.store(empty, std::memory_order_release);
                std::move(mine)();
            };
            puts_.fetch_add(1, std::memory_order_relaxed);
            return s.state.store(full, std::memory_order_release);
        }
        std::abort();  // so many are never pending
    }
    std::array<slot, 16> slots_;
    std::atomic<std::uint64_t> puts_{0};
};

template <std::size_t Bytes>
struct sized {
    int number = 0;
    std::array<char, Bytes> rest{};
};

/// Answers how many locks its worker has taken so far.
template <std::size_t Bytes>
struct teller {
    explicit teller(node_context&) { worker = ::gettid(); }
    std::uint64_t operator()(const sized<Bytes>&) const noexcept { return locks; }
    static inline int worker = 0;
};

template <std::size_t Bytes>
struct next_call {
    port<sized<Bytes>, std::uint64_t>& p;
    int& left;
    int& under_way;
    std::uint64_t& answer;
    void operator()(error_code ec, std::uint64_t of_worker) {
        if (ec) { std::abort(); }
        answer = std::max(answer, of_worker);
        if (left-- > 0) { return p.async_call({0}, {1, {}}, std::move(*this)); }
        --under_way;
    }
};

template <std::size_t Bytes, class Executor, class Run, class Posts>
void measure(const Executor& executor, idle_strategy idle, Run run, Posts posts) {
    plan asked;
    auto& pool = asked.pools.emplace_back();
    pool.name = "p";
    pool.nodes = {discover_topology().executor_nodes().front()};
    pool.workers_per_node = 1;
    pool.memory.per_worker = bytes{1 << 20};
    pool.lane.capacity = 128;
    pool.idle.strategy = idle;
    bridge b{executor, asked};
    auto& p = b.template open<sized<Bytes>, std::uint64_t, teller<Bytes>>("p");
    b.start();
    int left = 0;
    int under_way = 64;
    std::uint64_t of_worker = 0;
    const auto calls = [&](int count) {
        left = count;
        under_way = 64;
        for (int i = 0; i < 64; ++i) { p.async_call({0}, {1, {}}, next_call<Bytes>{p, left, under_way, of_worker}); }
        run([&] { return under_way == 0; });
    };
    calls(10'000);
    const auto before = b.status().workers.at(0);
    const auto worker_locks = of_worker, own_locks = locks, posted = posts();
    static_cast<void>(::access("steady-state-begins", F_OK));
    calls(50'000);
    static_cast<void>(::access("steady-state-ends", F_OK));
    const auto own_locks_after = locks, posted_after = posts();
    const auto after = b.status().workers.at(0);
    std::printf("worker=%d\ncaller=%d\nworker_locks=%llu\ncaller_locks=%llu\nposts=%llu\nbatches=%llu\nparks=%llu\ndoorbells=%llu\nran=%llu\n", teller<Bytes>::worker, ::gettid(),
                static_cast<unsigned long long>(of_worker - worker_locks), static_cast<unsigned long long>(own_locks_after - own_locks),
                static_cast<unsigned long long>(posted_after - posted), static_cast<unsigned long long>(after.batches - before.batches),
                static_cast<unsigned long long>(after.parks - before.parks), static_cast<unsigned long long>(after.doorbells - before.doorbells),
                static_cast<unsigned long long>(after.lanes.at(0).ran - before.lanes.at(0).ran));
    b.stop(std::chrono::seconds(5));
}

template <std::size_t Bytes>
void measure(std::string_view control_plane) {
    if (control_plane != "asio") {
        polled_context control;
        const auto run = [&](auto over) {
            while (!over()) { control.poll(); }
        };
        return measure<Bytes>(control.get_executor(), control_plane == "own" ? idle_strategy::busy_spin : idle_strategy::park, run, [&] { return control.puts(); });
    }
    asio::io_context control;
    const auto run = [&](auto) {
        control.run();
        control.restart();
    };
    measure<Bytes>(control.get_executor(), idle_strategy::busy_spin, run, [] { return 0; });
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) { return 2; }
    if (std::string_view(arguments[2]) == "small") { measure<4>(arguments[1]); }
    else { measure<1000>(arguments[1]); }
}
