// What a worker of any pool is at.
#pragma once

#include <string_view>

namespace numasio {

/// `stuck`: inside one service call, task or handler for more than a second, or left behind there by a stop.
enum class worker_state { starting, running, stopped, stuck, dead };

std::string_view to_string(worker_state state) noexcept;

}  // namespace numasio
