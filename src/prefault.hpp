// Touches the pages of a mapping, by the calling thread or by pinned ones. Private to src/.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/region_options.hpp>

#include <cstddef>
#include <functional>
#include <span>

namespace numasio {

struct prefault_result {
    error_code error;  ///< the first; what was not touched by then is not
    error_code pin;    ///< a thread could not be made or pinned: everything is touched all the same
};

/// `huge`: pages of a pool, `page` bytes each: one that is not there is EFAULT, never a signal.
/// `touched` is told of each part, by one thread at a time. Threads: any. Blocks: until all is touched.
prefault_result prefault_pages(std::span<std::byte> pages, std::size_t page, bool huge, const prefault_options& how,
                               const std::function<void(std::size_t)>& touched);

}  // namespace numasio
