// A node_memory over a span of the heap, and the blocks that a test holds of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

namespace numasio::test {

template <class Memory>
struct arena {
    explicit arena(std::size_t size) : storage(new std::byte[size]), memory({storage.get(), size}) {}
    std::unique_ptr<std::byte[]> storage;
    Memory memory;
};

struct block {
    std::byte* start;
    std::size_t size;
    std::size_t alignment;
    std::byte pattern;

    bool intact() const {
        return std::all_of(start, start + size, [&](std::byte x) { return x == pattern; });
    }
};

}  // namespace numasio::test
