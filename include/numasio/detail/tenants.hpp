// What lives on a worker of a node_pool, found there without a lock, and told when the worker leaves.
#pragma once

#include <cstdint>

namespace numasio::detail {

struct tenant {
    tenant* next = nullptr;
    std::uint64_t number = 0;                    // of whose it is; no other's in this process, ever
    void (*leave)(tenant& self) noexcept = nullptr;  // the worker runs no more tasks; the tenant is out of the list, and may end itself
};

/// Threads: the worker's. Few: who looks for one looks at all.
class tenants {
public:
    void add(tenant& one) noexcept {
        one.next = newest_;
        newest_ = &one;
    }
    void remove(const tenant& one) noexcept {
        auto** at = &newest_;
        while (*at != nullptr && *at != &one) { at = &(*at)->next; }
        if (*at != nullptr) { *at = one.next; }
    }
    tenant* find(std::uint64_t number) const noexcept {
        auto* at = newest_;
        while (at != nullptr && at->number != number) { at = at->next; }
        return at;
    }
    /// The newest first, as scopes end.
    void all_leave() noexcept {
        while (auto* const one = newest_) {
            newest_ = one->next;
            one->leave(*one);
        }
    }

private:
    tenant* newest_ = nullptr;
};

}  // namespace numasio::detail
