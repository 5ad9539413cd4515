// What an operation ended with, and on which thread an executor runs: for tests that look at it from outside.
#ifndef NUMASIO_TESTS_SUPPORT_FAILURES_HPP
#define NUMASIO_TESTS_SUPPORT_FAILURES_HPP

#include <numasio/errc.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <future>
#include <string>
#include <thread>

namespace numasio::test {

template <class Executor>
std::thread::id thread_of(const Executor& at) {
    return boost::asio::post(at, boost::asio::use_future([] { return std::this_thread::get_id(); })).get();
}

/// The code of the system_error that `f` throws.
template <class F>
error_code code_of(F&& f) {
    try {
        f();
    } catch (const boost::system::system_error& e) { return e.code(); }
    return {};
}
/// The same of what a future gets. It is kept meanwhile: how libstdc++ counts exceptions is hidden from ThreadSanitizer, how it counts futures is not.
template <class T>
error_code code_of(std::future<T> f) {
    const auto kept = f.share();
    return code_of([&] { kept.get(); });
}
template <class T>
std::string what_of(std::future<T> f) {
    const auto kept = f.share();
    try {
        kept.get();
    } catch (const std::exception& e) { return e.what(); }
    return {};
}
inline error_code code_in(const std::exception_ptr& failed) {
    return code_of([&] {
        if (failed) { std::rethrow_exception(failed); }
    });
}

}  // namespace numasio::test

#endif
