// When a chunk is reused, when it is replaced, and by how large a one.
#include "resp/input_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace kv::resp {

std::span<char> input_buffer::room() {
    constexpr std::size_t worth_reading = 1024;
    const auto left = unread();
    if (chunk_ && left.empty() && chunk_.use_count() == 1) {
        begin_ = end_ = 0;  // nobody looks at it any more
    }
    if (chunk_ && chunk_->size - end_ >= worth_reading) {
        return {chunk_->data.get() + end_, chunk_->size - end_};
    }
    // Grow by doubling, never to the length that a client merely announced.
    const std::size_t size = std::max(chunk_bytes, left.size() * 2);
    metered charge;
    if (size > chunk_bytes) {
        if (!meter_->has_room(size)) { return {}; }
        charge = metered(*meter_, size);
    }
    auto fresh = std::make_shared<chunk>(chunk{size, std::move(charge), std::unique_ptr<char[]>(new char[size])});
    if (!left.empty()) { std::memcpy(fresh->data.get(), left.data(), left.size()); }
    begin_ = 0;
    end_ = left.size();
    chunk_ = std::move(fresh);
    return {chunk_->data.get() + end_, size - end_};
}

}  // namespace kv::resp
