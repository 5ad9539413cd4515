// One T on each worker of a node_pool, or on one worker of each node: built there, called there, stopped and destroyed there.
#pragma once

#include <numasio/detail/shard_ops.hpp>
#include <numasio/hash.hpp>
#include <numasio/ids.hpp>
#include <numasio/layout.hpp>
#include <numasio/node_pool.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/system/system_error.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace numasio {

/// On which workers a sharded<T> has a T: on each, or on the first of each node.
enum class shard_per : std::uint8_t { worker, node };

/// Ts that share nothing: each belongs to one worker, whose thread alone touches it, so that it needs no lock. It is built by a task of that worker, so that the pages
/// which it and what it allocates touch first come from the worker's node (its thread prefers that node's memory), and is destroyed there. What malloc gives out again, and a huge page that
/// two blocks share, stays where it was: a T for which all must be near has its data in a node_region.
/// A shard is asked with a function, which is moved to it and called with a T& in a task of its worker: by one thread in its order, never beside another (a function that waits for a task_group of its own worker lets others in meanwhile). What it returns goes to the
/// completion handler. It may be a coroutine, a function that returns asio::awaitable<R>: that is spawned on the worker; while it waits others run.
/// Completion handlers: any token. They run on their associated executors, by default get_executor(), and hold work there; operations are in memory of
/// their associated allocators. Signature: void(std::exception_ptr, R), without R where that is void; use_awaitable, use_future throw what is not null. R is default-initialisable and
/// movable, as Asio's signatures need it. Every accepted operation ends in exactly one way: its handler is invoked, with system_error(errc::stopped) where it never
/// ran; or, where the handler's own context never runs again, destroyed uninvoked with that. There is no cancellation: what was accepted runs.
/// Where the pool is stopped under it, its Ts are destroyed on their workers as these leave; those that a coroutine is still inside, with the pool.
/// Thread safety: distinct objects safe; shared objects safe, but for the destructor. Lifetime: the pool outlives it; whoever calls, too, until the operation is initiated.
template <class T>
class sharded {
    template <class F>
    using result = detail::shard_result<std::decay_t<F>, T>;
    template <class F>
    using result_signature = typename detail::result_signature<result<F>>::type;
    using no_result = void(std::exception_ptr);

public:
    using executor_type = node_pool::executor_type;

    /// Nothing is built yet. Threads: any. Blocks: never. Fails: throws std::bad_alloc.
    explicit sharded(node_pool& pool, shard_per per = shard_per::worker)
        : pool_(pool), workers_(workers_of(pool, per)), group_(std::make_shared<detail::shard_group>(pool.get_executor().pool(), workers_)) {}
    /// As stop(); what a T's stop() throws is lost. On a worker of the pool it cannot wait: the Ts are stopped and destroyed there soon after. In a forked child nothing is done.
    ~sharded() {
        group_->stop(nullptr);
        if (!group_->pool().runs_here()) { static_cast<void>(group_->wait_until_over()); }
    }
    sharded(const sharded&) = delete;
    sharded& operator=(const sharded&) = delete;

    // --- what there is: Threads: any. Blocks: never. Fails: as said ----------------------------------------
    /// Shards are numbered 0 … size()-1, as their workers are.
    std::uint32_t size() const noexcept { return group_->size(); }
    /// Where handlers without an executor of their own run: any worker of the pool, the one that has just answered where it can.
    executor_type get_executor() const noexcept { return pool_.get_executor(); }
    /// The executor of a shard's worker. Fails: throws system_error(errc::no_worker), and so do the next two.
    executor_type executor_of(std::uint32_t shard) const { return pool_.on(workers_.at(known(shard))); }
    const worker_site& site_of(std::uint32_t shard) const { return pool_.sites()[workers_[known(shard)]]; }
    /// The first shard on a node.
    std::uint32_t shard_on(node_id node) const {
        for (std::uint32_t shard = 0; shard < size(); ++shard) {
            if (site_of(shard).node == node) { return shard; }
        }
        throw boost::system::system_error(errc::no_worker, "sharded on node " + std::to_string(node.value));
    }
    /// The shard that a key belongs to: the same for equal keys. With a T on each worker it is on node_pool::home_of(key).
    template <class Key>
    std::uint32_t home_of(const Key& key) const noexcept {
        return scale_hash(hash_key(key), size());
    }

    /// The calling worker's own T, between its construction and its destruction; in a coroutine as long as that stays on the worker.
    /// Threads: workers that have one. Blocks: never. Fails: throws system_error(errc::no_worker) elsewhere; the other is null there. Cost: a look at what lives on the worker.
    T& local() const {
        if (auto* const here = try_local()) { return *here; }
        throw boost::system::system_error(errc::no_worker, "sharded::local()");
    }
    T* try_local() const noexcept {
        const auto* const desk = detail::desk_of_this_thread;
        auto* const found = desk == nullptr ? nullptr : desk->tenants.find(group_->number());
        return found == nullptr ? nullptr : &static_cast<detail::shard<T>*>(found)->object;
    }

    // --- start, once ---------------------------------------------------------------------------------------
    /// What builds a T from arguments: `T(args...)`, with a copy of them on each worker, taken as const. For async_start_with() and start_with().
    template <class... Args>
    static auto built_from(Args&&... args) {
        return [all = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)](const worker_site&) -> T {
            return std::apply([](const auto&... each) -> T { return T(each...); }, all);
        };
    }
    /// Builds all Ts, each on its worker, at the same time, by `make(const worker_site&)` or `make()`, of which each worker has a copy; T need not be movable.
    /// If one throws, those that were built are stopped and destroyed on their workers, and the handler gets the first exception. Calls are taken from the end of the start on.
    /// Signature: void(std::exception_ptr). Threads: any. Blocks: never. Cost: a task and an allocation for each.
    /// Fails: by the handler: what building throws; errc::pool_full, stopped, forked; errc::already_started; errc::stopped where a stop came meanwhile. Throws std::bad_alloc
    /// and what copying `make` throws: nothing was begun then.
    template <class Factory, boost::asio::completion_token_for<no_result> CompletionToken>
        requires std::invocable<const Factory&> || std::invocable<const Factory&, const worker_site&>
    auto async_start_with(Factory make, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, no_result>(
            [this](auto handler, Factory factory) {
                auto tasks = building_tasks(std::move(factory));
                auto* const told = waiter(std::move(handler));
                if (const auto refused = begin(std::move(tasks), told)) { told->complete(detail::shard_error(refused)); }
            },
            token, std::move(make));
    }
    /// The same with T's default constructor.
    template <boost::asio::completion_token_for<no_result> CompletionToken>
    auto async_start(CompletionToken&& token) {
        return async_start_with(built_from(), std::forward<CompletionToken>(token));
    }
    /// The same for threads outside the pool. Blocks: until all are built, or have ended again. Fails: throws what async_start_with() tells; system_error(errc::may_not_block)
    /// on a worker of the pool.
    template <class Factory>
        requires std::invocable<const Factory&> || std::invocable<const Factory&, const worker_site&>
    void start_with(Factory make) {
        may_block();
        if (const auto refused = begin(building_tasks(std::move(make)), nullptr)) { throw boost::system::system_error(refused, "sharded"); }
        group_->wait_until_built();
    }
    template <class... Args>
    void start(Args&&... args) {
        start_with(built_from(std::forward<Args>(args)...));
    }

    // --- calls ---------------------------------------------------------------------------------------------
    /// Calls `f(T&)` on one shard's worker, with std::invoke. Behind the calls that were accepted for it before, but not before others, which wait in coroutines.
    /// Signature: void(std::exception_ptr, R). Threads: any, also the shard's worker: it is a task of its own there too. Blocks: never.
    /// Cost: a task of the worker, and what the handler's executor takes; one allocation, by default from blocks that threads keep.
    /// Fails: by the handler: what `f` throws; errc::not_started, stopped, no_worker; from outside the pool errc::pool_full, forked, where `f` is not called. Throws std::bad_alloc.
    /// Lifetime: `f` is destroyed on the worker before the handler is invoked.
    template <class F, boost::asio::completion_token_for<result_signature<F>> CompletionToken>
    auto invoke_on(std::uint32_t shard, F&& f, CompletionToken&& token) {
        using function = std::decay_t<F>;
        return boost::asio::async_initiate<CompletionToken, result_signature<F>>(
            [this](auto handler, std::uint32_t to, function g) {
                detail::shard_invocation<T, function, decltype(handler)>::start(*group_, to, std::move(g), std::move(handler));
            },
            token, shard, std::forward<F>(f));
    }
    /// invoke_on(home_of(key)).
    template <class Key, class F, boost::asio::completion_token_for<result_signature<F>> CompletionToken>
    auto invoke_on_home(const Key& key, F&& f, CompletionToken&& token) {
        return invoke_on(home_of(key), std::forward<F>(f), std::forward<CompletionToken>(token));
    }
    /// Calls a copy of `f` on every shard, all at the same time; what they return is dropped. Signature: void(std::exception_ptr): the exception of the first shard, by number, that has
    /// one; the others have run. All or none: refused where the first shard's worker would refuse, and then none is called. The rest as invoke_on(); an allocation for each, and the copies
    /// are destroyed by the worker that answers last.
    template <class F, boost::asio::completion_token_for<no_result> CompletionToken>
    auto invoke_on_all(F f, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, no_result>(
            [this](auto handler, F g) {
                using gather = detail::gather_nothing;
                detail::shard_fan_out<T, F, gather, decltype(handler)>::start(*group_, g, gather(), std::move(handler));
            },
            token, std::move(f));
    }
    /// `map(T&)` on every shard, as invoke_on_all(), then total = reduce(total, result), in the order of the shards whichever was first, by the thread that invokes the handler and
    /// just before. Signature: void(std::exception_ptr, Total), with what `reduce` throws, too. Results need no default; with an exception Total is what it was or has become.
    template <class Map, class Reduce, class Total, boost::asio::completion_token_for<void(std::exception_ptr, Total)> CompletionToken>
    auto map_reduce(Map map, Reduce reduce, Total initial, CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, void(std::exception_ptr, Total)>(
            [this](auto handler, Map m, Reduce r, Total t) {
                using gather = detail::gather_total<detail::stored_result<result<Map>>, Reduce, Total>;
                detail::shard_fan_out<T, Map, gather, decltype(handler)>::start(*group_, m, gather(size(), std::move(r), std::move(t)), std::move(handler));
            },
            token, std::move(map), std::move(reduce), std::move(initial));
    }

    // --- stop ----------------------------------------------------------------------------------------------
    /// From now on calls are answered with errc::stopped. The last shard's worker ends the calls that were accepted, coroutines too, calls T::stop(), if there is one
    /// that returns void or asio::awaitable<void>, waits for that, and destroys the T; then the one before it. The handler comes when all have ended.
    /// Threads: any, any number of times, also while it starts. Blocks: never. Signature: void(std::exception_ptr): the first that a stop() has thrown, which spares no T its end;
    /// errc::stopped where the pool ended meanwhile, when workers that leave still call a stop() that returns void; errc::forked. Throws std::bad_alloc.
    template <boost::asio::completion_token_for<no_result> CompletionToken>
    auto async_stop(CompletionToken&& token) {
        return boost::asio::async_initiate<CompletionToken, no_result>([this](auto handler) { group_->stop(waiter(std::move(handler))); }, token);
    }
    /// The same for threads outside the pool. Blocks: until all have ended, or the pool has; while the pool is paused nothing is done. Fails: throws what async_stop() tells;
    /// system_error(errc::may_not_block) on a worker of the pool.
    void stop() {
        may_block();
        group_->stop(nullptr);
        if (const auto failed = group_->wait_until_over()) { std::rethrow_exception(failed); }
    }

private:
    static std::vector<std::uint32_t> workers_of(const node_pool& pool, shard_per per) {
        std::vector<std::uint32_t> found;
        const auto& sites = pool.sites();
        for (std::uint32_t worker = 0; worker < sites.size(); ++worker) {
            if (per == shard_per::worker || worker == 0 || sites[worker].node != sites[worker - 1].node) { found.push_back(worker); }
        }
        return found;
    }
    std::uint32_t known(std::uint32_t shard) const {
        if (shard >= size()) { throw boost::system::system_error(errc::no_worker, "shard " + std::to_string(shard)); }
        return shard;
    }
    void may_block() const {
        if (group_->pool().runs_here()) { throw boost::system::system_error(errc::may_not_block, "sharded"); }
    }
    template <class Handler>
    detail::shard_waiter* waiter(Handler handler) {
        return detail::shard_handler_waiter<Handler>::make(std::move(handler), group_->pool());
    }

    template <class Factory>
    auto building_tasks(Factory make) const {
        // By then it is a function of nothing: where it is built is known.
        const auto on = [this](std::uint32_t shard, const Factory& f) {
            return [&at = site_of(shard), f]() -> T {
                if constexpr (std::invocable<const Factory&, const worker_site&>) { return f(at); }
                else { return f(); }
            };
        };
        using building = detail::shard_building<T, decltype(on(0, make))>;
        std::vector<std::unique_ptr<building>> tasks;
        for (std::uint32_t shard = 0; shard < size(); ++shard) { tasks.push_back(std::make_unique<building>(group_, shard, on(shard, make))); }
        return tasks;
    }
    /// Why it cannot begin, and then `told` is the caller's.
    template <class Tasks>
    error_code begin(Tasks tasks, detail::shard_waiter* told) {
        const auto group = group_;  // whoever is told may end this
        if (const auto refused = group->begin(told)) { return refused; }
        auto& pool = group->pool();
        if (!pool.runs_here()) {
            if (const auto refused = pool.try_submit(tasks.front().get(), group->terms(0))) {
                const auto why = detail::shard_error(refused);
                for (std::size_t i = 0; i < tasks.size(); ++i) { group->not_built(why); }
                return {};
            }
            static_cast<void>(tasks.front().release());
        }
        for (std::uint32_t shard = 0; shard < tasks.size(); ++shard) {
            if (tasks[shard] != nullptr) { pool.submit(tasks[shard].release(), group->terms(shard), false); }
        }
        return {};
    }

    node_pool& pool_;
    const std::vector<std::uint32_t> workers_;  // of each shard
    const std::shared_ptr<detail::shard_group> group_;
};

}  // namespace numasio
