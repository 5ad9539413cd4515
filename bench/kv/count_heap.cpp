// Preloaded into a server (LD_PRELOAD): counts calls that take memory from the heap, operator new among them,
// and writes the count to the file that NUMASIO_HEAP_COUNT names at each SIGUSR2.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<unsigned long long> calls{0};

template <class Function>
Function next(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    Function f{};
    std::memcpy(&f, &found, sizeof f);
    return f;
}

// dlsym itself allocates while it looks for the real functions.
alignas(std::max_align_t) char early[16384];
std::atomic<std::size_t> early_used{0};
bool is_early(const void* p) { return p >= early && p < early + sizeof early; }
void* take_early(std::size_t n) {
    const auto at = early_used.fetch_add((n + 15) & ~std::size_t{15});
    if (at + n > sizeof early) { std::abort(); }
    return early + at;
}

using malloc_function = void* (*)(std::size_t);
using calloc_function = void* (*)(std::size_t, std::size_t);
using realloc_function = void* (*)(void*, std::size_t);
using align_function = void* (*)(std::size_t, std::size_t);
using free_function = void (*)(void*);
malloc_function real_malloc = nullptr;
calloc_function real_calloc = nullptr;
realloc_function real_realloc = nullptr;
align_function real_aligned_alloc = nullptr;
free_function real_free = nullptr;

void count() { calls.fetch_add(1, std::memory_order_relaxed); }

void write_count(int) {
    char text[32];
    const int n = std::snprintf(text, sizeof text, "%llu\n", calls.load());
    const char* name = std::getenv("NUMASIO_HEAP_COUNT");
    const int saved = errno;
    if (name != nullptr && n > 0) {
        const int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (file >= 0) {
            const auto written = write(file, text, static_cast<std::size_t>(n));
            static_cast<void>(written);
            close(file);
        }
    }
    errno = saved;
}

/// At the first allocation, which comes long before constructors: other libraries allocate in theirs. False while the
/// search goes on.
bool ready() {
    static bool searching = false;
    if (real_malloc != nullptr) { return true; }
    if (searching) { return false; }
    searching = true;
    real_calloc = next<calloc_function>("calloc");
    real_realloc = next<realloc_function>("realloc");
    real_aligned_alloc = next<align_function>("aligned_alloc");
    real_free = next<free_function>("free");
    real_malloc = next<malloc_function>("malloc");
    return true;
}

__attribute__((constructor)) void begin() {
    struct sigaction action {};
    action.sa_handler = write_count;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, nullptr);
}

}  // namespace

extern "C" {
void* malloc(std::size_t n) {
    if (!ready()) { return take_early(n); }
    count();
    return real_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
    if (!ready()) { return take_early(n * size); }
    count();
    return real_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
    if (is_early(p)) {
        void* moved = malloc(n);
        const auto rest = static_cast<std::size_t>(early + sizeof early - static_cast<const char*>(p));
        std::memcpy(moved, p, n < rest ? n : rest);
        return moved;
    }
    if (!ready()) { return take_early(n); }
    count();
    return real_realloc(p, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
    if (!ready()) { std::abort(); }
    count();
    return real_aligned_alloc(alignment, n);
}
void free(void* p) {
    if (p == nullptr || is_early(p)) { return; }
    real_free(p);
}
}
