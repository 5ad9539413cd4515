// Families of the pools that run tasks and reactors, as tables: a row is a metric's name, help, kind and value.
#include <control_plane/metrics/family.hpp>

#include <array>

namespace numasio::detail {
namespace {

using prometheus::MetricType;

template <class Status>
struct executor_row {
    std::string_view name;
    std::string_view help;
    MetricType type;
    double (*value)(const Status&);
};

template <auto Member, class Status>
double member_of(const Status& of) {
    return static_cast<double>(of.*Member);
}

using task_row = executor_row<task_worker_status>;
constexpr std::array task_rows{
    task_row{"tasks_ran_total", "Tasks that the worker has begun and ended.", MetricType::Counter, member_of<&task_worker_status::ran>},
    task_row{"tasks_failed_total", "Tasks of these that threw.", MetricType::Counter, member_of<&task_worker_status::failed>},
    task_row{"tasks_taken_in_total", "Tasks that came to the worker from other threads.", MetricType::Counter, member_of<&task_worker_status::taken_in>},
    task_row{"tasks_stolen_total", "Tasks that the worker took from others of its node.", MetricType::Counter, member_of<&task_worker_status::stolen>},
    task_row{"tasks_stolen_abroad_total", "Tasks that the worker took from other nodes (tasks: {steal: package | any}).", MetricType::Counter,
             member_of<&task_worker_status::stolen_abroad>},
    task_row{"tasks_stolen_distance_total", "The sum of these tasks' distances between the nodes (10 is local).", MetricType::Counter,
             member_of<&task_worker_status::distance_abroad>},
    task_row{"tasks_queued", "Tasks that wait for the worker, about.", MetricType::Gauge, member_of<&task_worker_status::queued>},
    task_row{"task_searches_total", "Looks at what other workers have.", MetricType::Counter, member_of<&task_worker_status::searches>},
    task_row{"task_empty_searches_total", "Looks of these that found nothing.", MetricType::Counter, member_of<&task_worker_status::empty_searches>},
    task_row{"task_polls_total", "Looks at timers and sockets between tasks.", MetricType::Counter, member_of<&task_worker_status::polls>},
    task_row{"task_stalls_total", "Tasks in which the worker was found for more than a second.", MetricType::Counter, member_of<&task_worker_status::stalls>},
    task_row{"worker_benched", "1 while resize() leaves the worker out.", MetricType::Gauge, member_of<&task_worker_status::benched>},
};

using task_pool_row = executor_row<task_pool_status>;
constexpr std::array task_pool_rows{
    task_pool_row{"tasks_refused_total", "New tasks from outside that found their place full.", MetricType::Counter, member_of<&task_pool_status::refused>},
    task_pool_row{"tasks_waiting", "Tasks that wait for any worker of a node, about.", MetricType::Gauge, member_of<&task_pool_status::queued>},
    task_pool_row{"task_pool_work", "What the pool's executors track: timers, sockets, coroutines under way.", MetricType::Gauge,
                  member_of<&task_pool_status::work>},
    task_pool_row{"task_pool_paused", "1 between pause() and resume().", MetricType::Gauge, member_of<&task_pool_status::paused>},
};

using reactor_row = executor_row<reactor_worker_status>;
constexpr std::array reactor_rows{
    reactor_row{"reactor_arrivals_total", "Functions from other threads that the reactor has begun.", MetricType::Counter, member_of<&reactor_worker_status::arrivals>},
    reactor_row{"reactor_failed_total", "Exceptions that left a function or a handler.", MetricType::Counter, member_of<&reactor_worker_status::failed>},
    reactor_row{"reactor_refused_total", "New functions from outside that found no room.", MetricType::Counter, member_of<&reactor_worker_status::refused>},
    reactor_row{"reactor_overflowed_total", "Functions beyond the capacity, which could not be refused.", MetricType::Counter,
                member_of<&reactor_worker_status::overflowed>},
    reactor_row{"reactor_abandoned_total", "Functions from outside that were destroyed uninvoked.", MetricType::Counter, member_of<&reactor_worker_status::abandoned>},
    reactor_row{"reactor_queued", "Functions from other threads that wait, about.", MetricType::Gauge, member_of<&reactor_worker_status::queued>},
    reactor_row{"reactor_work", "What the reactor's executors track: timers, sockets, coroutines under way.", MetricType::Gauge, member_of<&reactor_worker_status::work>},
    reactor_row{"reactor_stalls_total", "Functions and handlers in which the worker was found for more than a second.", MetricType::Counter,
                member_of<&reactor_worker_status::stalls>},
    reactor_row{"reactor_doorbells_total", "Times that another thread woke the reactor.", MetricType::Counter, member_of<&reactor_worker_status::doorbells>},
    reactor_row{"reactor_accepted_total", "Connections that the reactor got.", MetricType::Counter, member_of<&reactor_worker_status::accepted>},
    reactor_row{"reactor_benched", "1 while resize() has new connections go to others.", MetricType::Gauge, member_of<&reactor_worker_status::benched>},
    reactor_row{"reactor_connections", "Connections of these that are not closed yet.", MetricType::Gauge, member_of<&reactor_worker_status::open>},
};

using reactor_pool_row = executor_row<reactor_pool_status>;
constexpr std::array reactor_pool_rows{
    reactor_pool_row{"reactor_turned_away_total", "Connections that were closed because no worker had room for them, or the chooser threw.", MetricType::Counter,
                     member_of<&reactor_pool_status::turned_away>},
    reactor_pool_row{"reactor_accept_failures_total", "Accepts that failed, for want of descriptors, say.", MetricType::Counter,
                     member_of<&reactor_pool_status::accept_failures>},
};

template <class Rows, class Pools>
void add_pools(const Rows& rows, const Pools& pools, std::vector<family>& into) {
    for (const auto& row : rows) {
        family one(row.name, row.help, row.type);
        for (const auto& pool : pools) { one.set({{"pool", pool.name}}, row.value(pool)); }
        into.push_back(std::move(one));
    }
}

template <class Rows, class Pools>
void add_workers(const Rows& rows, const Pools& pools, std::vector<family>& into) {
    for (const auto& row : rows) {
        family one(row.name, row.help, row.type);
        for (const auto& pool : pools) {
            for (const auto& w : pool.workers) { one.set(labels_of(w.site), row.value(w)); }
        }
        into.push_back(std::move(one));
    }
}

}  // namespace

void add_executor_metrics(const snapshot& shown, std::vector<family>& into) {
    add_workers(task_rows, shown.now.task_pools, into);
    add_pools(task_pool_rows, shown.now.task_pools, into);
    add_workers(reactor_rows, shown.now.reactor_pools, into);
    add_pools(reactor_pool_rows, shown.now.reactor_pools, into);
}

}  // namespace numasio::detail
