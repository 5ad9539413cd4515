// One request to every worker of a pool, all or none, and all their replies at once.
#pragma once

#include <numasio/detail/adapted_handler.hpp>
#include <numasio/port.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

namespace numasio {

/// Hands `request_for(home)` to each worker of the port's pool and gathers the replies, by worker: [i] is that of worker i.
/// Signature: void(error_code, std::vector<Response>). All or none: a place on every lane is taken before the first request is made.
/// Threads: any; with a cancellation slot, the handler's executor. Blocks: as port::try_reserve().
/// Fails: by the handler: as async_call where a place is missing, and then nothing was sent and there are no replies; else with the first
///        worker's error that there is, and the replies of the others ([i] default-initialised where worker i failed). What `request_for` or
///        the move of a request throws leaves the call: before the first request was sent nothing was, after it the others run.
/// Cost: async_call for each worker and a few allocations.
/// Lifetime: `request_for` is not called after return. The handler runs exactly once, as that of async_call.
/// Cancellation: reaches each request, as async_call has it.
template <class Request, class Response, class RequestFor, class CompletionToken>
    requires std::invocable<RequestFor&, home> && std::convertible_to<std::invoke_result_t<RequestFor&, home>, Request>
auto async_call_all(port<Request, Response>& to, RequestFor request_for, CompletionToken&& token) {
    using replies = std::vector<Response>;
    return boost::asio::async_initiate<CompletionToken, void(error_code, replies)>(
        [p = to](auto handler, RequestFor make) mutable {
            using handler_type = decltype(handler);
            // Each request ends where the handler does: its slot is cleared there, as whoever emits expects.
            const auto where = boost::asio::get_associated_executor(handler, p.get_executor());
            const auto call = [&p, &where](auto place, Request request) {
                return p.async_call(std::move(place), std::move(request), boost::asio::bind_executor(where, boost::asio::deferred));
            };
            std::vector<typename port<Request, Response>::reservation> places;
            places.reserve(p.workers());
            for (std::uint32_t w = 0; w < p.workers(); ++w) {
                places.push_back(p.try_reserve(p.at(w)));
                if (!places.back()) {
                    const auto why = places.back().error();
                    places.clear();
                    return detail::post_failure<handler_type, replies>(std::move(handler), why, p.get_executor());
                }
            }
            std::vector<decltype(call(std::move(places.front()), make(home{})))> calls;
            calls.reserve(places.size());
            for (std::uint32_t w = 0; w < places.size(); ++w) { calls.push_back(call(std::move(places[w]), make(home{w}))); }
            boost::asio::experimental::make_parallel_group(std::move(calls))
                .async_wait(boost::asio::experimental::wait_for_all(),
                            detail::adapted_handler{std::move(handler), [](auto h, const auto&, const std::vector<error_code>& each, replies got) {
                                                        const auto failed = std::find_if(each.begin(), each.end(), [](auto ec) { return bool(ec); });
                                                        std::move(h)(failed == each.end() ? error_code{} : *failed, std::move(got));
                                                    }});
        },
        token, std::move(request_for));
}

}  // namespace numasio
