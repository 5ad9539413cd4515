// node_buffer: blocks of a shared_node_memory over a region that lives as long as the last of them.
#include <numasio/node_buffer.hpp>

#include <new>

namespace numasio {
namespace {

region_options bound_to(node_id node) {
    region_options options;
    options.nodes = {node};
    return options;
}

}  // namespace

detail::buffer_memory::buffer_memory(bytes size, const region_options& options) : region(size, options), heap(region.data()) {
    // Stays: the first buffer would else be one piece with what aligning it left over, once it is free, and begin there.
    static_cast<void>(heap.try_allocate(1, node_buffers::alignment));
}
detail::buffer_memory::~buffer_memory() = default;

void node_buffer::give_back() noexcept { memory_->heap.deallocate(data_, size_, node_buffers::alignment); }

node_buffers::node_buffers(bytes size, const region_options& options) : memory_(new detail::buffer_memory(size, options)) {}
node_buffers::node_buffers(bytes size, node_id node) : node_buffers(size, bound_to(node)) {}

node_buffer node_buffers::take(std::size_t size) {
    if (auto taken = try_take(size)) { return taken; }
    throw std::bad_alloc();
}

node_buffer node_buffers::try_take(std::size_t size) noexcept {
    void* const block = memory_->heap.try_allocate(size, alignment);
    if (block == nullptr) { return {}; }
    return {memory_, block, size};
}

}  // namespace numasio
