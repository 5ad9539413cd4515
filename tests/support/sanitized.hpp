// Whether a sanitizer is built in: it has threads and memory of its own, and calls that it takes away.
#pragma once

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define NUMASIO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define NUMASIO_SANITIZED 1
#endif
#endif

namespace numasio::test {

#ifdef NUMASIO_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

}  // namespace numasio::test
