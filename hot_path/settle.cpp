// Every step of the start yields a placement: what was asked, what the kernel says was got, and why.
#include "hot_path/settle.hpp"

#include "hot_path/thread_settler.hpp"
#include "src/memory_choice.hpp"
#include "src/place_text.hpp"
#include "src/platform/memory_nodes.hpp"

#include <numasio/detail/lane_rows.hpp>

#include <boost/system/system_error.hpp>

#include <string>
#include <utility>

namespace numasio::hot_path {
namespace {

std::string size_text(bytes size) {
    const auto mebi = size.value >> 20;
    return mebi << 20 == size.value ? std::to_string(mebi) + " MiB" : std::to_string((size.value + 1023) >> 10) + " KiB";
}
constexpr const char* memory_remedy = "; lower the pool's memory.per_worker, or lane.capacity or lane.producers";

class settler : public thread_settler {
public:
    explicit settler(const worker_orders& orders)
        : thread_settler(orders.core->site, orders.core->placements, orders.enforce, orders.origin), orders_(orders), core_(*orders.core) {}

    node_region place(placement_subject subject, bytes size) {
        const bool service = subject == placement_subject::service_memory;
        if (service && nodes_are_real() && (orders_.memory.pages || is_shared_out())) { return place_by_options(size); }
        // Lanes are the worker's alone, wherever its service's memory is.
        const auto policy = is_shared_out() ? memory_policy::bind : orders_.memory.policy;
        auto p = begin(subject, size_text(size) + ", " + std::string(to_string(policy)) + " " + node_text(core_.site.memory_node));
        auto region = map(size);
        if (!nodes_are_real()) {
            fault_in(region);
            unbound(std::move(p));
            return region;
        }
        const auto bound = region.bind(core_.site.memory_node, policy);
        const auto* const step = bound == errc::out_of_node_memory ? "memory check" : "mbind";
        if (bound && orders_.enforce == enforcement::strict) { fail(step, bound, p); }
        fault_in(region);
        p.pages = region.audit();
        p.got = found_text(*p.pages);
        if (p.pages->on_node.empty()) { core_.pages_are_known = false; }
        const auto verdict = judge(*p.pages);
        if (bound) { finish(std::move(p), bound, step); }
        else { finish(std::move(p), verdict, "page audit"); }
        return region;
    }

private:
    bool is_shared_out() const noexcept { return interleaves(orders_.memory.policy); }

    node_region place_by_options(bytes size) {
        region_options options;
        options.policy = orders_.memory.policy;
        options.nodes.assign(1, core_.site.memory_node);
        if (is_shared_out()) {
            if (const auto allowed = platform::allowed_memory_nodes()) { options.nodes = *allowed; }
        }
        options.pages = orders_.memory.pages;
        options.enforce = enforcement::best_effort;  // finish() is strict where the plan is
        auto p = begin(placement_subject::service_memory, size_text(size) + ", " + std::string(to_string(options.policy)) + " " +
                                                              nodes_text(options.nodes) + pages_text(options.pages));
        auto region = made(size, options);
        const auto& placed = region.placed();
        p.pages = placed.audit;
        p.got = found_text(placed.audit) + pages_text(placed.pages);
        if (placed.audit.on_node.empty()) { core_.pages_are_known = false; }
        if (placed.lost.empty()) { finish(std::move(p), {}, {}); }
        else { finish(std::move(p), placed.lost.front().error, placed.lost.front().step + " (" + placed.lost.front().why + ")"); }
        return region;
    }

    node_region made(bytes size, const region_options& options) const {
        try {
            return node_region(size, options);
        } catch (const boost::system::system_error& e) {
            throw boost::system::system_error(e.code(), name_of(core_.site) + ": memory of " + size_text(size) + memory_remedy);
        }
    }

    static std::string pages_text(const or_auto<page_kind>& pages) {
        return pages ? ", " + std::string(to_string(*pages)) + " pages" : "";
    }

    /// Honoured is only what was read back: a page of which nothing is known is none.
    error_code judge(const page_audit& audit) const {
        if (audit.on(core_.site.memory_node) == audit.asked) { return {}; }
        if (audit.on(core_.site.memory_node) + audit.unknown == audit.asked) { return errc::pages_unknown; }
        return errc::pages_elsewhere;
    }

    static std::string found_text(const page_audit& audit) {
        if (audit.on_node.empty()) { return "page locations unknown"; }
        std::vector<node_id> nodes;
        for (const auto& [node, pages] : audit.on_node) { nodes.push_back(node); }
        return nodes_text(nodes);
    }

    node_region map(bytes size) const {
        try {
            return node_region(size);
        } catch (const boost::system::system_error& e) {
            throw boost::system::system_error(e.code(), name_of(core_.site) + ": mmap of " + size_text(size) + memory_remedy);
        }
    }

    void fault_in(node_region& region) const {
        if (const auto ec = region.prefault()) {
            throw boost::system::system_error(ec, name_of(core_.site) + ": prefaulting " +
                                                      size_text(bytes{region.data().size()}) + memory_remedy);
        }
    }

    const worker_orders& orders_;
    detail::worker_core& core_;
};

/// What the plan has for the worker's lane `place`.
void set_rules(detail::lane_base& lane, const lane_plan& asked, std::uint32_t place) {
    const auto of_each_class = detail::lanes_for(asked.producers);
    lane.place = place;
    lane.shared = place % of_each_class == asked.producers;
    lane.bulk = place >= of_each_class;
    if (lane.bulk) { lane.batch = asked.bulk->weight; }
    if (asked.full == when_full::wait) { lane.most_waiting = asked.waiting; }
    if (asked.full == when_full::drop_oldest) { lane.keep = asked.keep.value_or((lane.capacity() + 1) / 2); }
    if (asked.full == when_full::shed) { lane.overload.emplace(asked.target, asked.interval); }
}

}  // namespace

void settle_thread(const worker_orders& orders) {
    settler steps(orders);
    steps.pin();
    steps.set_memory_policy();
    steps.give_row();
}

void settle_priority(const worker_orders& orders) { settler(orders).set_priority(orders.realtime); }

void settle_no_thread(const worker_orders& orders) {
    settler(orders).leave_thread_to_the_caller();
}

void settle_memory(const worker_orders& orders) {
    auto& core = *orders.core;
    core.pages_are_known = orders.origin == topology_origin::live;
    settler steps(orders);

    const auto lanes = detail::lanes_of(orders.lane);
    const auto lane_bytes =
        bytes{detail::lane_bytes_of(orders.lane, [&](std::uint32_t capacity) { return orders.factory->lane_footprint(capacity); })};
    core.lane_memory = steps.place(placement_subject::lane_memory, lane_bytes);
    core.service_memory = steps.place(placement_subject::service_memory, orders.memory.per_worker);

    const auto room = core.lane_memory.data();
    core.lane_arena = std::make_unique<std::pmr::monotonic_buffer_resource>(room.data(), room.size(),
                                                                            std::pmr::null_memory_resource());
    core.mark_lanes(lanes);
    core.lanes.reserve(lanes);
    for (std::uint32_t place = 0; place < lanes; ++place) {
        const bool bulk = place >= detail::lanes_for(orders.lane.producers);
        core.lanes.push_back(orders.factory->make_lane(bulk ? orders.lane.bulk->capacity : orders.lane.capacity, *core.lane_arena));
        set_rules(*core.lanes.back(), orders.lane, place);
    }
}

}  // namespace numasio::hot_path
