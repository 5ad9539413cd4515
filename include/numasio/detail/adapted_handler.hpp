// A completion handler behind a function that makes its arguments of others.
#pragma once

#include <boost/asio/associator.hpp>

#include <utility>

namespace numasio::detail {

/// Called with anything, calls `call(std::move(handler), anything...)`. Executor, allocator and cancellation slot are the handler's.
template <class Handler, class Function>
struct adapted_handler {
    Handler handler;
    [[no_unique_address]] Function call;

    template <class... Args>
    void operator()(Args&&... args) {
        call(std::move(handler), std::forward<Args>(args)...);
    }
};
template <class Handler, class Function>
adapted_handler(Handler, Function) -> adapted_handler<Handler, Function>;

}  // namespace numasio::detail

template <template <class, class> class Associator, class Handler, class Function, class Default>
struct boost::asio::associator<Associator, numasio::detail::adapted_handler<Handler, Function>, Default> : Associator<Handler, Default> {
    using adapted = numasio::detail::adapted_handler<Handler, Function>;
    static auto get(const adapted& from) noexcept -> typename Associator<Handler, Default>::type {
        return Associator<Handler, Default>::get(from.handler);
    }
    static auto get(const adapted& from, const Default& fallback) noexcept
        -> decltype(Associator<Handler, Default>::get(from.handler, fallback)) {
        return Associator<Handler, Default>::get(from.handler, fallback);
    }
};
