// What was replaced is destroyed after the last look at it, and is not kept for ever.
#include "search.hpp"

#include <numasio/detail/read_epochs.hpp>

#include <string>

namespace numasio::model {
namespace {

/// The kernel's membarrier: each thread fences where it happens to be, and who asked goes on when all have. A light fence is nothing then.
struct interrupts {
    static constexpr int most_threads = 4;
    static inline int asked, fenced[most_threads];
    static inline bool ended[most_threads];

    static void reset() {
        asked = 0;
        for (int i = 0; i < most_threads; ++i) { fenced[i] = 0, ended[i] = false; }
    }
    /// Before each operation of a thread that may be interrupted.
    static void arrive() {
        const auto self = static_cast<int>(rl::ctx().threadx_->index_);
        const int now = asked;
        if (fenced[self] == now) { return; }
        rl::atomic_thread_fence(rl::mo_seq_cst, info());
        fenced[self] = now;
    }
    /// Of the thread: the kernel fences whom it takes off a processor.
    static void end() {
        rl::atomic_thread_fence(rl::mo_seq_cst, info());
        ended[rl::ctx().threadx_->index_] = true;
    }
    static void fence_all() {
        const auto self = static_cast<int>(rl::ctx().threadx_->index_);
        rl::atomic_thread_fence(rl::mo_seq_cst, info());
        ++asked;
        fenced[self] = asked;
        for (int i = 0; i < self; ++i) {  // the readers
            while (fenced[i] != asked && !ended[i]) { rl::yield(1, info()); }
        }
        rl::atomic_thread_fence(rl::mo_seq_cst, info());
    }
};

template <class T>
class interrupted_atomic : public checked_atomic<T> {
    using base = checked_atomic<T>;

public:
    using base::base;
    T load(rl::memory_order order, const place& where = place::current()) const {
        interrupts::arrive();
        return base::load(order, where);
    }
    void store(T value, rl::memory_order order, const place& where = place::current()) {
        interrupts::arrive();
        base::store(value, order, where);
    }
    T fetch_add(T value, rl::memory_order order, const place& where = place::current()) {
        interrupts::arrive();
        return base::fetch_add(value, order, where);
    }
    T fetch_sub(T value, rl::memory_order order, const place& where = place::current()) {
        interrupts::arrive();
        return base::fetch_sub(value, order, where);
    }
};

/// Where the kernel has membarrier; relacy_atomics is where it refuses.
struct interrupting_atomics : relacy_atomics {
    template <class T>
    using atomic = interrupted_atomic<T>;
    static void light_fence() {}
    static bool heavy_fence() {
        interrupts::fence_all();
        return true;
    }
};

/// Readers and publisher as in replicated.hpp. Destroying a value writes it, so that a look beside it, or one that nothing orders before it, is a data race.
/// The first `Unmarked` of the readers have no marks.
template <class Atomics, int Readers, int Unmarked, int Reads, int Values>
struct replacing : rl::test_suite<replacing<Atomics, Readers, Unmarked, Reads, Values>, Readers + 1> {
    using epochs_type = detail::basic_read_epochs<Atomics>;
    epochs_type epochs;
    typename epochs_type::mark marks[Readers];
    rl::var<int> values[Values];
    typename Atomics::template atomic<int> shown{0};

    struct old {
        int value;
        std::uint64_t since;
    } kept[Values];
    int kept_count = 0;

    static constexpr int alive = 7, destroyed = 0;

    void before() {
        interrupts::reset();
        values[0](info()).store(alive);
    }
    void thread(unsigned index) {
        if (index < Readers) {
            read(index);
            return interrupts::end();
        }
        for (int next = 1; next < Values; ++next) { publish(next); }
    }

    void read(unsigned index) {
        for (int i = 0; i < Reads; ++i) {
            if (index < Unmarked) { epochs.enter_unmarked(); }
            else { epochs.enter(marks[index]); }
            const auto seen = shown.load(rl::mo_acquire);
            interrupts::arrive();  // between two instructions as well as before a shared one
            require(values[seen](info()).load() == alive, "what is read is there");
            if (index < Unmarked) { epochs.leave_unmarked(); }
            else { epochs.leave(marks[index]); }
        }
    }

    void publish(int next) {
        values[next](info()).store(alive);
        shown.store(next, rl::mo_release);
        kept[kept_count++] = {next - 1, epochs.retire()};
        destroy_some();
    }
    void destroy_some() {
        if (!epochs.meet_readers()) { return; }
        int left = 0;
        for (int i = 0; i < kept_count; ++i) {
            if (have_left(kept[i].since)) { values[kept[i].value](info()).store(destroyed); }
            else { kept[left++] = kept[i]; }
        }
        kept_count = left;
    }
    bool have_left(std::uint64_t since) {
        if (Unmarked != 0 && !epochs.unmarked_have_left()) { return false; }
        for (int i = Unmarked; i < Readers; ++i) {
            if (!epochs.has_left(marks[i], since)) { return false; }
        }
        return true;
    }
    void after() {
        destroy_some();
        require(kept_count == 0, "nothing is kept that nobody reads");
    }
};

/// A reader that began when the value had been replaced does not keep it.
struct beginning_later : rl::test_suite<beginning_later, 2> {
    detail::basic_read_epochs<relacy_atomics> epochs;
    detail::basic_read_mark<relacy_atomics> mark;
    checked_atomic<int> was_replaced{0}, reads{0};

    void thread(unsigned index) {
        if (index == 0) {
            if (was_replaced.load(rl::mo_acquire) == 0) { return; }
            epochs.enter(mark);
            return reads.store(1, rl::mo_release);
        }
        const auto since = epochs.retire();
        was_replaced.store(1, rl::mo_release);
        if (reads.load(rl::mo_acquire) == 0) { return; }
        require(epochs.meet_readers() && epochs.has_left(mark, since), "a later reader does not keep what was replaced before");
    }
};

/// Under both kinds of fences.
template <int Readers, int Unmarked, int Reads, int Values>
bool explore_replacing(const char* name, std::uint64_t executions) {
    return explore_random<replacing<relacy_atomics, Readers, Unmarked, Reads, Values>>(name, executions) &&
           explore_random<replacing<interrupting_atomics, Readers, Unmarked, Reads, Values>>((std::string(name) + ", membarrier").c_str(), executions);
}

}  // namespace

bool hunt_read_epochs() {
    return explore_all<beginning_later>("a reader that begins later") && explore_replacing<2, 0, 2, 3>("two readers of three values", 20'000) &&
           explore_replacing<2, 2, 2, 3>("two readers without marks", 20'000) && explore_replacing<1, 0, 3, 4>("a reader of four values", 20'000);
}

bool check_read_epochs(bool deep) {
    return explore_all<replacing<relacy_atomics, 1, 0, 1, 2>>("all: one reader, one look, two values") &&
           explore_all<replacing<relacy_atomics, 1, 1, 1, 2>>("all: one reader without a mark, one look, two values") &&
           explore_few<replacing<relacy_atomics, 1, 0, 2, 3>>("one reader, two looks, three values", deep ? 5 : 3) &&
           explore_few<replacing<relacy_atomics, 2, 1, 1, 2>>("two readers, one of them without a mark", deep ? 4 : 3) &&
           explore_few<replacing<interrupting_atomics, 1, 0, 2, 3>>("one reader, two looks, three values, membarrier", deep ? 5 : 3) &&
           explore_replacing<2, 0, 2, 3>("two readers of three values", deep ? 2'000'000 : 50'000) &&
           explore_replacing<3, 1, 2, 4>("three readers of four values", deep ? 2'000'000 : 50'000) && hunt_read_epochs();
}

}  // namespace numasio::model
