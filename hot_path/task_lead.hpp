// Who of a task pool's workers runs its io_context.
#pragma once

#include <numasio/detail/atomics.hpp>

#include <cstdint>

namespace numasio::hot_path {

/// One at a time; nobody, where the context was never used.
template <class Atomics>
class basic_task_lead {
public:
    /// The context is about to be used. True: for the first time, and a sleeper is to be told (as of a task, behind a full fence).
    bool use() noexcept {
        return used_.load(Atomics::relaxed) == 0 && used_.exchange(1, Atomics::relaxed) == 0;
    }
    bool is_used() const noexcept { return used_.load(Atomics::relaxed) != 0; }

    /// Acquire: what the last leader wrote. False: another has it, or nobody is to.
    bool take() noexcept { return is_free() && taken_.exchange(1, Atomics::acquire) == 0; }
    bool is_free() const noexcept { return is_used() && taken_.load(Atomics::relaxed) == 0; }
    void drop() noexcept { taken_.store(0, Atomics::release); }

private:
    alignas(64) typename Atomics::template atomic<std::uint32_t> taken_{0};
    typename Atomics::template atomic<std::uint32_t> used_{0};
};

}  // namespace numasio::hot_path
