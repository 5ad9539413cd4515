// What carries a request and its reply, and how the request ended.
#pragma once

#include <numasio/detail/cell_state.hpp>
#include <numasio/detail/lane_base.hpp>
#include <numasio/detail/request_terms.hpp>
#include <numasio/detail/slot_list.hpp>
#include <numasio/errc.hpp>

#include <boost/asio/error.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>

namespace numasio::detail {

/// How the worker ended a request; none: it did not, and somebody cancelled or stopped it.
enum class ending : std::uint8_t { none, served, failed, expired, dropped, shed };

/// A request's slot and its reply's reserved place in one. Cache lines of its own: they travel between two cores.
template <class Request, class Response>
struct alignas(64) cell {
    using state_type = cell_state;
    state_type state;
    std::int64_t submitted_ns = 0;
    std::uint32_t limit = 0;  // as request_terms has it
    ending end = ending::none;
    request_flags flags;
    std::optional<Request> request;
    std::optional<Response> reply;
};
template <class Request, class Response>
struct linked_cell : cell<Request, Response> {
    std::uint32_t next = no_slot;  // in the list that the cell is in
};

/// What is no longer needed. A value that has nothing to destroy stays until it is overwritten: that writes no cache line.
template <class T>
void reset(std::optional<T>& what) noexcept {
    if constexpr (!std::is_trivially_destructible_v<T>) { what.reset(); }
}

/// Of a request that has ended, and not as ending::served.
template <class Request, class Response>
error_code why_not_served(const cell<Request, Response>& c) noexcept {
    switch (c.end) {
        case ending::failed: return errc::service_failed;
        case ending::expired: return boost::asio::error::timed_out;
        case ending::dropped: return errc::dropped;
        case ending::shed: return errc::shed;
        case ending::none: break;
        case ending::served: unexpected("a served request that was not");
    }
    switch (c.state.get()) {
        case cell_state::stopped: return errc::stopped;
        case cell_state::done: return boost::asio::error::operation_aborted;
        default: unexpected("a reply whose cell is neither done nor stopped");
    }
}

}  // namespace numasio::detail
