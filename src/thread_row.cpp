// The rows of all threads: who has which, where counters are in them, what ended threads had counted.
#include <numasio/detail/thread_row.hpp>

#include "src/platform/linux_memory.hpp"
#include "src/platform/thread_end.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace numasio::detail {

constinit thread_local thread_row* row_of_this_thread = nullptr;
constinit read_epochs epochs_of_readers;

namespace {

thread_local constinit bool thread_ends = false;

class thread_rows {
public:
    // --- rows ---------------------------------------------------------------------------------------
    thread_row* add_row() {
        const auto pages = platform::map_pages(thread_row::size);
        auto* const row = new (pages.data()) thread_row;  // the counters behind it are zero, and their pages come when they are needed
        const std::lock_guard lock(mutex_);
        try {
            rows_.push_back(row);
        } catch (...) {
            unmap(row);
            throw;
        }
        return row;
    }
    void remove_row(thread_row* row) noexcept {
        {
            const std::lock_guard lock(mutex_);
            for (std::uint32_t place = 0; place < places_; ++place) { rest_[place].fetch_add(count_in(*row, place), std::memory_order_relaxed); }
            rows_.erase(std::find(rows_.begin(), rows_.end(), row));
        }
        unmap(row);
    }

    // --- counters -----------------------------------------------------------------------------------
    std::uint32_t take_place() {
        const std::lock_guard lock(mutex_);
        if (free_count_ != 0) { return free_[--free_count_]; }
        if (places_ == most_sharded_counters) { throw std::length_error("numasio::sharded_counter: this process has 8,000 of them, and there can be no more"); }
        return places_++;
    }
    void give_back_place(std::uint32_t place) noexcept {
        const std::lock_guard lock(mutex_);
        for (auto* const row : rows_) { std::atomic_ref(row->counters()[place]).store(0, std::memory_order_relaxed); }
        rest_[place].store(0, std::memory_order_relaxed);
        free_[free_count_++] = place;
    }
    /// By a thread without a row.
    void add(std::uint32_t place, std::uint64_t n) noexcept { rest_[place].fetch_add(n, std::memory_order_relaxed); }
    std::uint64_t sum(std::uint32_t place) noexcept {
        const std::lock_guard lock(mutex_);
        auto n = rest_[place].load(std::memory_order_relaxed);
        for (auto* const row : rows_) { n += count_in(*row, place); }
        return n;
    }

    // --- readers ------------------------------------------------------------------------------------
    bool have_left(std::uint64_t replaced) noexcept {
        if (!epochs_of_readers.unmarked_have_left()) { return false; }
        const std::lock_guard lock(mutex_);
        return std::ranges::all_of(rows_, [&](const thread_row* row) { return read_epochs::has_left(row->reading, replaced); });
    }
    std::uint32_t place_of(node_id node) {
        const std::lock_guard lock(mutex_);
        const auto known = std::ranges::find(nodes_, node);
        const auto place = static_cast<std::uint32_t>(known - nodes_.begin()) + 1;
        if (known == nodes_.end()) { nodes_.push_back(node); }
        return place;
    }

private:
    static std::uint64_t count_in(thread_row& row, std::uint32_t place) noexcept {
        return std::atomic_ref(row.counters()[place]).load(std::memory_order_relaxed);
    }
    static void unmap(thread_row* row) noexcept { platform::unmap_pages({reinterpret_cast<std::byte*>(row), thread_row::size}); }

    std::mutex mutex_;
    std::vector<thread_row*> rows_;  // of the threads that there are
    std::vector<node_id> nodes_;
    std::uint32_t places_ = 0;       // of counters that were ever taken at a time
    std::uint32_t free_count_ = 0;   // of them
    std::array<std::uint32_t, most_sharded_counters> free_{};
    std::array<std::atomic<std::uint64_t>, most_sharded_counters> rest_{};  // of threads that ended, and that have no row
};

/// Never destroyed: threads may end, and counters count, after main() has returned.
thread_rows& all_rows() {
    alignas(thread_rows) static std::array<std::byte, sizeof(thread_rows)> memory;
    static auto* const rows = new (memory.data()) thread_rows;
    return *rows;
}

void give_row_back(void* row) {
    thread_ends = true;
    row_of_this_thread = nullptr;
    all_rows().remove_row(static_cast<thread_row*>(row));
}

/// Null where the thread is ending.
thread_row* own_row() {
    if (thread_ends || row_of_this_thread != nullptr) { return row_of_this_thread; }
    static platform::thread_end at_end(&give_row_back);
    auto* const row = all_rows().add_row();
    if (!at_end.call_with(row)) {
        all_rows().remove_row(row);
        throw std::bad_alloc();
    }
    return row_of_this_thread = row;
}

}  // namespace

thread_row* try_row() noexcept {
    try {
        return own_row();
    } catch (...) { return nullptr; }  // the next time, perhaps
}

void prepare_row(node_id node) {
    const auto place = all_rows().place_of(node);
    auto* const row = own_row();
    if (row == nullptr) { return; }
    row->node_place = place;
    for (std::uint32_t i = 0; i < most_sharded_counters; ++i) { row->count(i, 0); }
}

std::uint32_t place_of_node(node_id node) { return all_rows().place_of(node); }

std::uint32_t take_counter_place() { return all_rows().take_place(); }
void give_back_counter_place(std::uint32_t place) noexcept { all_rows().give_back_place(place); }
std::uint64_t count_all(std::uint32_t place) noexcept { return all_rows().sum(place); }
void count_first(std::uint32_t place, std::uint64_t n) noexcept {
    if (auto* const row = try_row()) { return row->count(place, n); }
    all_rows().add(place, n);
}

bool readers_have_left(std::uint64_t replaced) noexcept { return all_rows().have_left(replaced); }

}  // namespace numasio::detail
