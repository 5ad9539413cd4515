// What a thread does at its very end, after the library has let go of it.
#pragma once

#include <pthread.h>

#include <functional>
#include <stdexcept>
#include <utility>

namespace numasio::test {

/// Calls `words` when the calling thread ends: after its thread_locals and after whatever other libraries do at the end of threads, which takes each of them one round.
inline void say_at_last(std::function<void()> words) {
    struct speech {
        std::function<void()> words;
        ::pthread_key_t key{};
        int round = 1;
        static void end(void* self) {
            auto* const mine = static_cast<speech*>(self);
            if (mine->round++ == 1 && ::pthread_setspecific(mine->key, mine) == 0) { return; }
            mine->words();
            ::pthread_key_delete(mine->key);
            delete mine;
        }
    };
    auto* const mine = new speech{std::move(words)};
    if (::pthread_key_create(&mine->key, &speech::end) != 0 || ::pthread_setspecific(mine->key, mine) != 0) { throw std::runtime_error("no pthread key"); }
}

}  // namespace numasio::test
