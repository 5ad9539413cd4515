// When nobody reads what was replaced any more: epochs, and each reader's mark of the one that it began in.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::detail {

/// One thread's: the epoch in which what it reads began; 0 while it reads nothing.
template <class Atomics>
struct basic_read_mark {
    typename Atomics::template atomic<std::uint64_t> since{0};
};

/// Readers write their marks and nothing that others write; who replaces something learns from the marks when the last reader of it is gone.
/// Threads: enter() and leave() each with the mark of its own; the rest any.
template <class Atomics>
class basic_read_epochs {
public:
    using mark = basic_read_mark<Atomics>;

    /// Before the pointer to what is read is loaded (acquire).
    void enter(mark& mine) const noexcept {
        // Release: who sees this mark and frees, frees after what its thread read before.
        mine.since.store(now_.load(Atomics::acquire), Atomics::release);
        Atomics::light_fence();  // [read-1]
    }
    /// By the mark's thread.
    static bool is_in(const mark& mine) noexcept { return mine.since.load(Atomics::relaxed) != 0; }
    static void leave(mark& mine) noexcept { mine.since.store(0, Atomics::release); }
    /// The same by a thread that has no mark. Cost: an atomic add that all such threads share.
    void enter_unmarked() noexcept {
        unmarked_.fetch_add(1, Atomics::relaxed);
        Atomics::light_fence();  // [read-1]
    }
    void leave_unmarked() noexcept { unmarked_.fetch_sub(1, Atomics::release); }

    /// After the pointer to it was replaced (release): what has_left() is to be asked with, after meet_readers().
    std::uint64_t retire() noexcept { return now_.fetch_add(1, Atomics::acq_rel) + 1; }
    /// False where the system refuses: nobody may be taken to have left then. Cost: a system call.
    [[nodiscard]] static bool meet_readers() noexcept { return Atomics::heavy_fence(); }  // [read-2]
    /// Will this reader not look at what was replaced before that retire() any more?
    static bool has_left(const mark& reader, std::uint64_t replaced) noexcept {
        const auto since = reader.since.load(Atomics::acquire);
        return since == 0 || since >= replaced;
    }

    /// Does nobody read without a mark?
    bool unmarked_have_left() const noexcept { return unmarked_.load(Atomics::acquire) == 0; }

private:
    typename Atomics::template atomic<std::uint64_t> now_{1};
    typename Atomics::template atomic<std::uint64_t> unmarked_{0};
};

using read_mark = basic_read_mark<std_atomics>;
using read_epochs = basic_read_epochs<std_atomics>;

}  // namespace numasio::detail
