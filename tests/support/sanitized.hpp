// Whether a sanitizer is built in: it has threads and memory of its own, and calls that it takes away.
#pragma once

namespace numasio::test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

}  // namespace numasio::test
