// Values in a worker's memory, and handles with which the control plane reads them without a copy.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace kv {

struct blob;

/// The way home for values that the control plane has finished sending: any thread pushes, the worker
/// takes all at once (so there is no ABA problem) and frees them. Lives in the worker's memory.
struct blob_returns {
    std::atomic<blob*> head{nullptr};
};

/// A value's bytes follow this header. Only its worker writes, and only while nobody else holds it.
struct blob {
    std::atomic<std::uint32_t> holders;  ///< the table counts as one
    std::uint32_t size;
    std::uint32_t capacity;
    blob_returns* home;
    blob* next;  ///< used on the way home

    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
    std::string_view view() noexcept { return {bytes(), size}; }
    /// [blob-1] Worker: acquire pairs with [blob-2], so that a reader's last look comes before our write.
    bool only_ours() const noexcept { return holders.load(std::memory_order_acquire) == 1; }
};

/// Holds a blob from any thread; the last holder sends it home.
/// Lifetime: the worker's memory outlives it (release what a bridge handed out before destroying the bridge).
class blob_handle {
public:
    blob_handle() noexcept = default;
    explicit blob_handle(blob& held) noexcept : blob_(&held) {
        held.holders.fetch_add(1, std::memory_order_relaxed);
    }
    blob_handle(blob_handle&& other) noexcept : blob_(std::exchange(other.blob_, nullptr)) {}
    blob_handle& operator=(blob_handle&& other) noexcept {
        if (this != &other) {
            release();
            blob_ = std::exchange(other.blob_, nullptr);
        }
        return *this;
    }
    ~blob_handle() { release(); }

    explicit operator bool() const noexcept { return blob_ != nullptr; }
    std::string_view view() const noexcept { return blob_->view(); }

private:
    void release() noexcept {
        if (blob_ == nullptr) { return; }
        blob* const held = std::exchange(blob_, nullptr);
        // [blob-2] Release: our reads are done before the worker changes or frees it.
        if (held->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) { return; }
        auto& home = held->home->head;
        held->next = home.load(std::memory_order_relaxed);
        while (!home.compare_exchange_weak(held->next, held, std::memory_order_release,
                                           std::memory_order_relaxed)) {}
    }

    blob* blob_ = nullptr;
};

/// A value on its way to a client: a small one is copied, a large one stays where it is and is held.
class kv_value {
public:
    static constexpr std::size_t copied_bytes = 44;

    kv_value() noexcept = default;
    explicit kv_value(blob& found) noexcept : kv_value(found, 0, found.size) {}
    /// `size` bytes of it from `first` on.
    kv_value(blob& found, std::uint32_t first, std::uint32_t size) noexcept : present_(true) {
        if (size > copied_bytes) {
            large_ = blob_handle(found);
            part_ = {first, size};
        } else {
            size_ = static_cast<std::uint8_t>(size);
            std::memcpy(small_.data(), found.bytes() + first, size);
        }
    }
    /// A value without bytes.
    static kv_value empty() noexcept {
        kv_value none;
        none.present_ = true;
        return none;
    }

    bool present() const noexcept { return present_; }
    /// True where the bytes are in the worker's memory and this holds them there.
    bool is_held() const noexcept { return static_cast<bool>(large_); }
    std::string_view view() const noexcept {
        return large_ ? large_.view().substr(part_.first, part_.size) : std::string_view{small_.data(), size_};
    }

private:
    blob_handle large_;
    bool present_ = false;
    std::uint8_t size_ = 0;
    struct part {
        std::uint32_t first, size;
    };
    union {
        std::array<char, copied_bytes> small_{};
        part part_;  // of the large one
    };
};

}  // namespace kv
