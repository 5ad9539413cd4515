// An edge-triggered epoll instance for reading. Private to src/ and hot_path/.
#pragma once

#include "src/platform/descriptor.hpp"

#include <numasio/errc.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace numasio::platform {

struct edge {
    std::uint64_t id = 0;
    bool all = false;  ///< the other side has ended, there is an error, or urgent data, at which a read stops: read until the kernel says that there is nothing
};

/// Fails: the kernel's errno.
descriptor make_edge_set(error_code& ec) noexcept;
error_code watch(int set, int socket, std::uint64_t id) noexcept;
/// False: it was not watched.
bool forget(int set, int socket) noexcept;
/// What has come since the last look; how many. Blocks: never.
std::size_t take_edges(int set, std::span<edge> to) noexcept;

}  // namespace numasio::platform
