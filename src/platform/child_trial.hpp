// Tries something in a child process and brings home what came of it. Private to src/.
#pragma once

#include <functional>
#include <string>

namespace numasio::platform {

struct trial {
    int error = 0;      ///< errno; 0: done
    int killed_by = 0;  ///< signal that ended the child
    bool elsewhere = false;  ///< the kernel said yes and did something else
    std::string text;   ///< what the child wants told, at most 200 bytes
};

/// Runs `body` in a child that then ends without any clean-up; all that it changed ends with it.
/// Threads: any, but of the parent's threads only the caller exists in the child. Blocks: until the child ends; it is killed
/// after 10 s. Fails: throws boost::system::system_error where no child can be made.
trial try_in_child(const std::function<trial()>& body);

}  // namespace numasio::platform
