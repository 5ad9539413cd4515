// What a task is called.
#include <numasio/task_observer.hpp>

#include "src/platform/type_text.hpp"

namespace numasio {

std::string task_name(const task_event& of) {
    if (of.name != nullptr) { return of.name; }
    return of.function == nullptr ? std::string() : platform::type_text(*of.function);
}

}  // namespace numasio
