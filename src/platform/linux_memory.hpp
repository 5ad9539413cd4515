// The calls that map, advise, lock, touch and find pages. Private to src/.
#pragma once

#include <numasio/errc.hpp>

#include <cstddef>
#include <span>

namespace numasio::platform {

std::size_t page_size() noexcept;

/// Anonymous private memory; `size` is a multiple of the page size. `huge`: of pages of that size from the pools
/// (hugetlb); 0: of the usual ones. Throws system_error.
std::span<std::byte> map_pages(std::size_t size, std::size_t huge = 0);
/// What map_pages() gave, with the same `huge`.
void unmap_pages(std::span<std::byte> pages, std::size_t huge = 0) noexcept;

/// MADV_HUGEPAGE or MADV_NOHUGEPAGE. EINVAL where the kernel was built without transparent huge pages.
error_code advise_transparent(std::span<std::byte> pages, bool wanted) noexcept;

/// mlock2(2): what is touched from now on stays in memory.
error_code lock_pages(std::span<std::byte> pages) noexcept;

/// MADV_POPULATE_WRITE; EINVAL before Linux 5.14.
error_code populate(std::span<std::byte> pages) noexcept;

/// Touches one page so that a fault that cannot be served is EFAULT, not a signal; its bytes stay as they are.
error_code touch_or_fail(std::byte& page) noexcept;

/// move_pages(2) as a query: `status[i]` is the node of `pages[i]`, or a negated errno. `pid` 0: this process.
error_code locate_pages(std::span<void*> pages, std::span<int> status, int pid = 0) noexcept;

/// move_pages(2): `pages[i]` to node `nodes[i]`, as far as the kernel can; locate_pages() tells. Throws std::bad_alloc.
void move_pages_to(std::span<void*> pages, std::span<const int> nodes);

}  // namespace numasio::platform
