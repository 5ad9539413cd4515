// Fences in every thread of the process at once: membarrier(2).
#include <numasio/detail/platform.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace numasio::detail {

constinit std::atomic<bool> light_fences{false};

void prepare_light_fences() noexcept {
    // Once for all: who fences lightly, and who heavily, has been here or after somebody who was, so that both find the same answer.
    [[maybe_unused]] static const bool asked = [] {
        light_fences.store(::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0, std::memory_order_relaxed);
        return true;
    }();
}

bool fence_all_threads() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return !light_fences.load(std::memory_order_relaxed) || ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace numasio::detail
