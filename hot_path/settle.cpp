// Every step of the start yields a placement: what was asked, what the kernel says was got, and why.
#include "hot_path/settle.hpp"

#include "hot_path/memory_settler.hpp"
#include "src/memory_choice.hpp"
#include "src/place_text.hpp"
#include "src/platform/memory_nodes.hpp"

#include <numasio/detail/lane_rows.hpp>

#include <boost/system/system_error.hpp>

#include <string>
#include <utility>

namespace numasio::hot_path {
namespace {

constexpr const char* memory_remedy = "; lower the pool's memory.per_worker, or lane.capacity or lane.producers";

class settler : public memory_settler {
public:
    explicit settler(const worker_orders& orders)
        : memory_settler(orders.core->site, orders.core->placements, orders.enforce, orders.origin, memory_remedy), orders_(orders), core_(*orders.core) {}

    node_region place(placement_subject subject, bytes size) {
        const bool service = subject == placement_subject::service_memory;
        // Lanes are the worker's alone, wherever its service's memory is.
        auto region = service && nodes_are_real() && (orders_.memory.pages || is_shared_out())
                          ? place_by_options(size)
                          : bind(subject, size, is_shared_out() ? memory_policy::bind : orders_.memory.policy);
        if (!knows_pages()) { core_.pages_are_known = false; }
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
        p.got = found(placed.audit) + pages_text(placed.pages);
        if (placed.lost.empty()) { finish(std::move(p), {}, {}); }
        else { finish(std::move(p), placed.lost.front().error, placed.lost.front().step + " (" + placed.lost.front().why + ")"); }
        return region;
    }

    static std::string pages_text(const or_auto<page_kind>& pages) {
        return pages ? ", " + std::string(to_string(*pages)) + " pages" : "";
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
