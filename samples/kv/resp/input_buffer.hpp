// A connection's received bytes, kept alive as long as a request in flight has views into them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace kv::resp {

/// Bytes that all connections together hold beyond what each may have in any case.
struct memory_meter {
    std::size_t limit = 256 << 20;
    std::size_t used = 0;

    std::size_t left() const noexcept { return used < limit ? limit - used : 0; }
    bool has_room(std::size_t bytes) const noexcept { return bytes <= left(); }
};

/// Bytes taken from a meter, given back on destruction.
class metered {
public:
    metered() noexcept = default;
    /// Check with has_room() first: this takes them in any case.
    metered(memory_meter& from, std::size_t bytes) noexcept : from_(&from), bytes_(bytes) { from.used += bytes; }
    metered(metered&& other) noexcept : from_(std::exchange(other.from_, nullptr)), bytes_(other.bytes_) {}
    metered& operator=(metered&& other) noexcept {
        metered taken(std::move(other));
        std::swap(from_, taken.from_);
        std::swap(bytes_, taken.bytes_);
        return *this;
    }
    std::size_t bytes() const noexcept { return from_ != nullptr ? bytes_ : 0; }
    ~metered() { if (from_ != nullptr) { from_->used -= bytes_; } }

private:
    memory_meter* from_ = nullptr;
    std::size_t bytes_ = 0;
};

/// Commands are parsed where they were received and their arguments travel to a worker as views: nothing
/// is copied. So a chunk is shared between the buffer and the commands in flight that point into it; when
/// it is full, the begun command moves to a fresh chunk and the old one dies with its last command.
/// Threads: the control plane's only.
class input_buffer {
public:
    static constexpr std::size_t chunk_bytes = 16 << 10;

    explicit input_buffer(memory_meter& meter) noexcept : meter_(&meter) {}

    /// Room for the next read; empty where the server's limit for buffers is reached.
    std::span<char> room();
    void received(std::size_t size) noexcept { end_ += size; }
    std::span<char> unread() const noexcept { return chunk_ ? std::span<char>{chunk_->data.get() + begin_, end_ - begin_} : std::span<char>{}; }
    /// A chunk that grew for a large command goes with it: an idle connection must not keep it from others.
    void consume(std::size_t size) noexcept {
        begin_ += size;
        if (begin_ == end_ && capacity() > chunk_bytes) {
            chunk_.reset();
            begin_ = end_ = 0;
        }
    }
    std::size_t capacity() const noexcept { return chunk_ ? chunk_->size : 0; }

    /// Whoever holds this may use views into the bytes.
    std::shared_ptr<const void> hold() const noexcept { return chunk_; }

private:
    struct chunk {
        std::size_t size;
        metered charge;  ///< none for a small chunk: the cap on connections bounds those
        std::unique_ptr<char[]> data;
    };

    memory_meter* meter_;
    std::shared_ptr<chunk> chunk_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace kv::resp
