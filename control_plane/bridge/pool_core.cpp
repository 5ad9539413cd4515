// Gives each producer thread its lanes and takes them back when the thread ends.
#include <numasio/detail/pool_core.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <type_traits>

namespace numasio::detail {
namespace {

/// The lanes of one thread in all pools that it has called; ends with the thread.
class thread_rows {
public:
    struct entry {
        std::weak_ptr<pool_core> pool;
        std::uint64_t id;
        std::size_t row;
    };
    ~thread_rows() {
        // Destructors of thread-locals that run after this one may still call a port: they are refused.
        pool_core::thread_ends();
        for (const auto& e : entries_) {
            if (const auto pool = e.pool.lock()) { pool->give_back(e.row); }
        }
    }
    const entry* find(std::uint64_t pool) const noexcept {
        const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.id == pool; });
        return found == entries_.end() ? nullptr : std::to_address(found);
    }
    void add(entry e) {
        std::erase_if(entries_, [](const entry& old) { return old.pool.expired(); });
        entries_.push_back(std::move(e));
    }

private:
    std::vector<entry> entries_;
};

std::uint64_t next_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

thread_rows& this_thread_rows() {
    thread_local thread_rows rows;
    return rows;
}

}  // namespace

constinit thread_local last_row pool_core::last_used_;

pool_core::pool_core(std::string name, boost::asio::any_io_executor executor, std::vector<node_id> nodes)
    : id_(next_id()), name_(std::move(name)), executor_(std::move(executor)), nodes_(std::move(nodes)),
      workers_(static_cast<std::uint32_t>(nodes_.size())) {}

bool pool_core::may_block() const noexcept {
    namespace asio = boost::asio;
    const auto runs_here = [this]<class Executor>(std::type_identity<Executor>) {
        const auto* known = executor_.target<Executor>();
        if (known == nullptr) { return false; }
        if constexpr (requires { known->get_inner_executor(); }) { return known->get_inner_executor().running_in_this_thread(); }
        else { return known->running_in_this_thread(); }
    };
    return !serving_scope::on_this_thread() && !runs_here(std::type_identity<asio::io_context::executor_type>{}) &&
           !runs_here(std::type_identity<asio::strand<asio::io_context::executor_type>>{}) &&
           !runs_here(std::type_identity<asio::thread_pool::executor_type>{}) &&
           !runs_here(std::type_identity<asio::strand<asio::thread_pool::executor_type>>{});
}

void pool_core::prepare(std::vector<std::shared_ptr<worker_core>> cores) {
    cores_ = std::move(cores);
    const std::lock_guard lock(rows_mutex_);
    rows_.clear();
    const auto lanes = cores_.empty() ? 0 : cores_.front()->lanes.size();
    has_bulk_ = lanes != 0 && cores_.front()->lanes.back()->bulk;
    const auto places = has_bulk_ ? lanes / 2 : lanes;
    rows_.resize(places);
    taken_.assign(places, false);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        for (const auto& core : cores_) { rows_[lane % places].push_back(core->lanes[lane].get()); }
    }
    fork_generation_ = fork_generation();
}

void pool_core::close() noexcept { phase_.store(closed_phase, std::memory_order_release); }

lane_base* const* pool_core::slow_row(errc& why) noexcept {
    const auto none = [&](errc reason) {
        why = reason;
        return nullptr;
    };
    const auto now = phase_.load(std::memory_order_acquire);
    if (now == new_phase) { return none(errc::not_started); }
    if (now == closed_phase) { return none(errc::stopped); }
    if (numasio::detail::fork_generation() != fork_generation_) { return none(errc::forked); }

    if (last_used_.thread_ends) { return none(errc::no_lane); }
    auto& mine = this_thread_rows();
    std::size_t row = 0;
    if (const auto* held = mine.find(id_)) {
        row = held->row;
    } else {
        const std::lock_guard lock(rows_mutex_);
        // The last row is that of all who find no other. Who has come to it stays: its requests keep their order.
        const auto free = std::find(taken_.begin(), std::prev(taken_.end()), false);
        row = static_cast<std::size_t>(std::distance(taken_.begin(), free));
        try {
            mine.add({weak_from_this(), id_, row});
        } catch (const std::exception&) {  // no memory for the thread's list: no lane
            return none(errc::no_lane);
        }
        *free = true;
        for (auto* l : rows_[row]) { l->producer.store(l->shared ? l : this_thread(), std::memory_order_relaxed); }
    }
    last_used_ = {id_, rows_[row].data(), false};
    return rows_[row].data();
}

void pool_core::give_back(std::size_t row) noexcept {
    if (numasio::detail::fork_generation() != fork_generation_) { return; }  // a child: who held the mutex is not there to let go of it
    const std::lock_guard lock(rows_mutex_);
    if (row >= taken_.size()) { return; }  // the bridge is gone
    if (row + 1 == taken_.size()) { return; }  // others share it
    taken_[row] = false;
    for (auto* l : rows_[row]) { l->producer.store(nullptr, std::memory_order_relaxed); }
}

void pool_core::release() noexcept {
    const std::lock_guard lock(rows_mutex_);
    rows_.clear();
    taken_.clear();
    cores_.clear();
}

std::shared_ptr<worker_core> pool_core::worker_still_there(std::uint32_t index) noexcept {
    if (numasio::detail::fork_generation() != fork_generation_) { return nullptr; }  // as in give_back()
    const std::lock_guard lock(rows_mutex_);
    return index < cores_.size() ? cores_[index] : nullptr;
}

}  // namespace numasio::detail
