// Starts one real worker, prints its placements as "SUBJECT=OUTCOME; got; why; page counts", and ends it; run under strace.
// Argument: strict or best_effort.
#include "hot_path/worker.hpp"

#include <boost/system/system_error.hpp>

#include <iostream>
#include <string_view>

namespace {

struct nothing {
    explicit nothing(numasio::node_context&) {}
    int operator()(int x) const noexcept { return x; }
};

/// Nobody sends a request, so that nobody posts a reply.
struct no_poster final : numasio::detail::reply_poster {
    void post(numasio::detail::drain_operation) noexcept override {
        numasio::detail::unexpected("a reply without a request");
    }
    void post_again(numasio::detail::drain_operation operation) noexcept override { post(std::move(operation)); }
};

}  // namespace

int main(int, char** arguments) {
    using namespace numasio;
    const auto machine = discover_topology();
    const auto node = machine.executor_nodes().front();
    const worker_site site{"p", 0, machine.allowed_cpus(node).front(), node, machine.nearest_memory(node).value()};

    hot_path::worker_orders orders;
    orders.core = std::make_shared<detail::worker_core>(site, std::make_unique<no_poster>(), boost::asio::any_io_executor(),
                                                        std::make_shared<std::atomic<std::uint64_t>>(0));
    orders.factory = std::make_shared<detail::service_factory_for<int, int, nothing>>();
    orders.workers = 1;
    orders.memory.per_worker = bytes{2048 * 4096};  // two queries of 1024 pages
    orders.lane = {8, 1, when_full::reject};        // one query
    orders.enforce = std::string_view(arguments[1]) == "strict" ? enforcement::strict : enforcement::best_effort;
    orders.origin = machine.origin;
    orders.home_cpus = machine.allowed_cpus(node);

    const auto core = orders.core;
    hot_path::worker worker(std::move(orders));
    try {
        worker.wait_until_serving();
        std::cout << "start=ok\n";
    } catch (const boost::system::system_error& e) {
        std::cout << "start=" << e.what() << '\n';
    }
    core->closing.store(true);
    core->ring();
    for (const auto& p : core->placements.all()) {
        std::cout << to_string(p.subject) << '=' << to_string(p.outcome) << "; " << p.got << "; " << p.why;
        if (p.pages) { std::cout << "; asked " << p.pages->asked << ", unknown " << p.pages->unknown; }
        std::cout << '\n';
    }
    const auto status = core->status();
    std::cout << "page_locality=";
    if (status.page_locality) { std::cout << *status.page_locality << '\n'; }
    else { std::cout << "absent\n"; }
}
