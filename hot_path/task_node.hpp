// What the workers of one node share in a task pool: the tasks that come to the node, and who of them sleeps.
#pragma once

#include <numasio/detail/task_intake.hpp>
#include <numasio/detail/task_pool.hpp>
#include <numasio/ids.hpp>

#include <cstdint>
#include <memory_resource>

namespace numasio::hot_path {

using detail::pool_task;
using detail::task_intake;

struct task_node {
    task_node(node_id node, std::uint32_t place_of_first, std::uint32_t count, std::uint32_t capacity, std::pmr::memory_resource& memory)
        : id(node), first(place_of_first), workers(count), intakes{task_intake(capacity, memory), task_intake(capacity, memory)} {
        idle.set_workers(count);
    }

    const node_id id;
    const std::uint32_t first;    // of its workers, in the pool
    const std::uint32_t workers;
    detail::idle_workers idle;    // by the place on the node
    task_intake intakes[2];       // of each class

    task_intake& intake(detail::task_class kind) noexcept { return intakes[static_cast<int>(kind)]; }
};

}  // namespace numasio::hot_path
