// The C++ ABI's own reader of its names.
#include "src/platform/type_text.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace numasio::platform {

std::string type_text(const std::type_info& type) {
    int failed = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &failed), &std::free);
    return text == nullptr ? type.name() : text.get();
}

}  // namespace numasio::platform
