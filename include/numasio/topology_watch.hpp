// Waits for a change of what this process may use: a CPU off- or online, its cpuset, its memory nodes.
#pragma once

#include <numasio/errc.hpp>
#include <numasio/process_limits.hpp>
#include <numasio/topology.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace numasio {

/// Compares the limits of this process with those of before, every 250 ms: no kernel interface tells all of these changes
/// to an ordinary process (docs/decisions/0003-topology-watch.md). Between two waits nothing is missed: a wait compares
/// with what the last one, or the construction, saw.
/// Thread safety: distinct objects safe; shared objects unsafe (use a strand, as for a timer).
class topology_watch {
public:
    using executor_type = boost::asio::any_io_executor;
    static constexpr std::chrono::milliseconds default_period{250};

    /// Takes the limits of now as those to compare with. The calling thread's affinity stands for the process's: make the
    /// watch before that thread is pinned, or give it the limits of a topology that was discovered before (topology::limits).
    /// Blocks: reads five small files. Fails: throws std::bad_alloc only.
    explicit topology_watch(executor_type executor, process_limits known = limits_now(),
                            std::chrono::milliseconds period = default_period)
        : state_(std::make_shared<state>(std::move(executor), std::move(known), period)) {}
    template <class Context>
        requires std::convertible_to<Context&, boost::asio::execution_context&>
    explicit topology_watch(Context& context, process_limits known = limits_now(),
                            std::chrono::milliseconds period = default_period)
        : topology_watch(executor_type(context.get_executor()), std::move(known), period) {}
    ~topology_watch() { cancel(); }
    topology_watch(const topology_watch&) = delete;
    topology_watch& operator=(const topology_watch&) = delete;

    executor_type get_executor() noexcept { return state_->timer.get_executor(); }
    /// The limits that the next wait compares with.
    const process_limits& limits() const noexcept { return state_->known; }

    /// Completes with the topology of after a change. One wait at a time: a second one ends the first. Counts as work of
    /// its executor until it completes. One change may complete two waits, where the kernel makes it in two steps.
    /// Signature: void(error_code, topology). Threads: as the object. Blocks: the executor for tens of microseconds each
    /// period, and for one discovery (milliseconds) where something changed. Cost: one timer.
    /// Fails: boost::asio::error::operation_aborted after cancel(), the watch's destruction, or a signal of the
    /// cancellation slot (terminal, partial, total); nothing is lost by it. errc::wrong_topology where something changed and hwloc's
    /// variables name a machine that cannot be read; the next wait tells of the change again. Throws (from the executor) std::bad_alloc.
    template <class CompletionToken>
    auto async_wait(CompletionToken&& token) {
        return boost::asio::async_compose<CompletionToken, void(error_code, topology)>(wait{state_}, token,
                                                                                       state_->timer);
    }

    /// Ends the wait that is under way. Blocks: never. Fails: never.
    void cancel() noexcept {
        ++state_->waits;
        state_->timer.cancel();
    }

private:
    struct state {
        state(executor_type executor, process_limits before, std::chrono::milliseconds every)
            : timer(std::move(executor)), known(std::move(before)), period(every) {}
        boost::asio::steady_timer timer;
        process_limits known;
        std::chrono::milliseconds period;
        // How often waits were ended: one whose timer had fired already, and that has not run yet, must not go on.
        unsigned long waits = 0;
    };

    static topology rediscovered(const process_limits& now, error_code& refused) try {
        return discover_topology(now);
    } catch (const boost::system::system_error& e) {
        refused = e.code();
        return {};
    }

    struct wait {
        std::shared_ptr<state> shared;
        unsigned long number = 0;
        bool begun = false;

        template <class Self>
        void operator()(Self& self, error_code ec = {}) {
            namespace asio = boost::asio;
            if (!begun) {
                begun = true;
                number = ++shared->waits;
                self.reset_cancellation_state(asio::enable_total_cancellation());
            } else if (ec || number != shared->waits || self.cancelled() != asio::cancellation_type::none) {
                return self.complete(asio::error::operation_aborted, {});
            } else if (process_limits now = limits_now(shared->known); now != shared->known) {
                error_code refused;
                topology machine = rediscovered(now, refused);
                if (!refused) { shared->known = machine.limits.value_or(now); }
                return self.complete(refused, std::move(machine));
            }
            shared->timer.expires_after(shared->period);
            auto& timer = shared->timer;
            timer.async_wait(std::move(self));
        }
    };

    std::shared_ptr<state> state_;
};

}  // namespace numasio
