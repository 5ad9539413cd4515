// Something to be done when a thread ends, asked for without memory.
#pragma once

#include <pthread.h>

namespace numasio::platform {

/// A thread_local's destructor would be asked for through calloc(), and where that has nothing the C library ends the process.
/// Threads: any. Lifetime: static; where it is destroyed (its library is unloaded, the process exits) nothing is done for threads that end later.
class thread_end {
public:
    using action = void (*)(void*);

    explicit thread_end(action act) noexcept : is_there_(::pthread_key_create(&key_, act) == 0) {}
    ~thread_end() {
        if (is_there_) { ::pthread_key_delete(key_); }
    }
    thread_end(const thread_end&) = delete;
    thread_end& operator=(const thread_end&) = delete;

    /// When the calling thread ends the action is called with `value`, which is not null, after the destructors of its thread_locals. Null: not any more.
    /// The main thread of a process does not end. Blocks: never. False where there is no memory, or where the process has no more keys: then nothing is done.
    [[nodiscard]] bool call_with(void* value) noexcept { return is_there_ && ::pthread_setspecific(key_, value) == 0; }

private:
    ::pthread_key_t key_{};
    const bool is_there_;
};

}  // namespace numasio::platform
