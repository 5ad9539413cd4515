// The name of a type as a person writes it.
#pragma once

#include <string>
#include <typeinfo>

namespace numasio::platform {

/// As the compiler has it where it cannot be read. Threads: any. Fails: std::bad_alloc.
std::string type_text(const std::type_info& type);

}  // namespace numasio::platform
