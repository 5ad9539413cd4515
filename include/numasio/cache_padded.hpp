// A value on cache lines of its own.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace numasio {

/// Two lines of 64 bytes: processors fetch lines in pairs, and some have lines of 128.
inline constexpr std::size_t cache_padding = 128;

/// Keeps what one thread writes off the lines that others use. Cost: its size is a multiple of 128 bytes. Thread safety: as T.
template <class T>
class alignas(cache_padding) cache_padded {
public:
    /// Fails: as T's constructor.
    template <class... Args>
        requires std::is_constructible_v<T, Args...>
    constexpr explicit cache_padded(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) : value_(std::forward<Args>(args)...) {}

    constexpr T& operator*() noexcept { return value_; }
    constexpr const T& operator*() const noexcept { return value_; }
    constexpr T* operator->() noexcept { return &value_; }
    constexpr const T* operator->() const noexcept { return &value_; }

private:
    T value_;
};

}  // namespace numasio
