// Shared ownership inside one thread: a count that is not atomic.
#pragma once

#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <boost/smart_ptr/make_local_shared.hpp>

#include <utility>

namespace numasio {

/// For what never leaves its worker: Boost's local_shared_ptr. All copies stay on one thread; for the way to another there is a message.
/// Thread safety: distinct objects unsafe where they share what they own, shared objects unsafe. Cost: a plain add for each copy.
template <class T>
using local_ptr = boost::local_shared_ptr<T>;

/// One allocation holds object and count. Fails: std::bad_alloc, what T's constructor throws.
template <class T, class... Args>
local_ptr<T> make_local(Args&&... args) {
    return boost::make_local_shared<T>(std::forward<Args>(args)...);
}

/// The same from an allocator; of std::pmr::polymorphic_allocator(&node.memory()), in the worker's memory, which has to outlive it.
/// Fails: what the allocator and T's constructor throw.
template <class T, class Allocator, class... Args>
local_ptr<T> allocate_local(const Allocator& allocator, Args&&... args) {
    return boost::allocate_local_shared<T>(allocator, std::forward<Args>(args)...);
}

}  // namespace numasio
