// Requests to one worker that are handed over together: one look at the lane's marks, one doorbell at most, one clock read.
#pragma once

#include <numasio/port.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace numasio {

/// Collects calls of one thread to one worker and hands them over by send(), with every 64th, and in its destructor, in the order in which they were made.
/// Until then a worker that sleeps is not woken for them; one that is awake may serve them already.
/// Threads: one; where it has no lane of its own (past the plan's `lane.producers`) each call is handed over by itself.
/// Lifetime: its own; one that outlives the bridge has nothing to hand over any more. A call is work for the bridge's context from send() on, not before: a run() meanwhile may end. Calls that a stop() finds not handed over may end with errc::stopped, once they are.
template <class Request, class Response>
class call_batch {
    using port_type = port<Request, Response>;
    using lane_type = typename port_type::lane_type;

public:
    static constexpr std::size_t most_at_once = 64;

    /// Cost: two reference counts.
    call_batch(const port_type& through, home to) noexcept : port_(through), to_(to) {}
    ~call_batch() { send(); }
    call_batch(const call_batch&) = delete;
    call_batch& operator=(const call_batch&) = delete;

    /// As port::try_call: an error where the request is not accepted (errc::lane_full also where the plan lets calls wait), and then neither it nor
    /// `handler` was touched; what was collected before is handed over then.
    /// Blocks: never. Cost: no allocation, system call or fence; on the lane that the threads beyond the plan's producers share, and while calls wait for places, as
    /// port::try_call. Where no `start_within` is set, the calls' times count from the first since the last send().
    template <class CompletionHandler>
    [[nodiscard]] error_code try_call(Request&& request, CompletionHandler&& handler) {
        static_assert(std::invocable<std::decay_t<CompletionHandler>, error_code, Response>,
                      "call_batch takes completion handlers, void(error_code, Response), and no tokens: nobody would send() while a coroutine waits");
        return add(port_.terms_, std::move(request), std::forward<CompletionHandler>(handler));
    }
    /// The same without a reply. Where the plan has drop_oldest it may be dropped.
    [[nodiscard]] error_code try_post(Request&& request) {
        return add(port_.terms_.as_lossy(), std::move(request), detail::no_reply{});
    }

    /// Calls that are collected now.
    std::size_t size() const noexcept { return count_; }

    /// Hands over what was collected. Blocks: never; a worker that sleeps is woken (one system call). Fails: never. Cost: a fence.
    void send() noexcept {
        if (count_ == 0) { return; }
        const auto n = std::exchange(count_, 0);
        if (core().is_open()) { return lane_->send(*core().worker(to_.worker), core().executor(), {tickets_.data(), n}); }
        if (const auto alive = core().worker_still_there(to_.worker)) { lane_->send(*alive, core().executor(), {tickets_.data(), n}); }
    }

private:
    detail::pool_core& core() const noexcept { return *port_.core_; }

    template <class Handler>
    error_code add(const detail::request_terms& terms, Request&& request, Handler&& handler) {
        errc why{};
        auto* const mine = port_type::lane_to(core(), to_, terms, why);
        if (mine != lane_) { send(); }
        if (mine == nullptr) { return why; }
        lane_ = mine;
        if (count_ == 0 || terms.limit != 0) { began_ns_ = detail::steady_ns(); }
        if (!lane_->is_alone()) {
            send();
            return port_.try_call(to_, terms, std::move(request), std::forward<Handler>(handler));
        }
        const auto& worker = core().worker(to_.worker);
        lane_->counters.offered.add();
        if (!lane_->reserve_alone()) {
            send();
            return lane_->refuse_full(*worker);
        }
        auto connect = port_type::connected_to(handler);
        try {
            tickets_[count_] = port_type::submit(core(), *lane_, worker, terms, began_ns_, std::move(request), std::forward<Handler>(handler), connect);
        } catch (...) {
            lane_->drop(*worker, core().executor());
            throw;
        }
        if (++count_ == most_at_once) { send(); }
        return {};
    }

    port_type port_;
    home to_;
    lane_type* lane_ = nullptr;
    std::int64_t began_ns_ = 0;
    std::size_t count_ = 0;
    std::array<detail::ticket, most_at_once> tickets_;
};

}  // namespace numasio
