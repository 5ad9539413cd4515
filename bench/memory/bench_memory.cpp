// Allocate and free: node_memory against malloc, the standard's pool resources and mimalloc, interleaved in one run; and
// what the audit of a page costs.
#include <numasio/node_memory.hpp>
#include <numasio/node_region.hpp>

#include <benchmark/benchmark.h>

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t room = 256 << 20;
constexpr std::size_t dice_thrown = 1 << 16;

struct malloc_heap {
    static void* allocate(std::size_t size) { return std::malloc(size); }
    static void deallocate(void* block, std::size_t) { std::free(block); }
};

/// Loaded, not linked: linked, it would take malloc's place.
struct mimalloc {
    void* (*allocate)(std::size_t) = nullptr;
    void (*deallocate)(void*) = nullptr;
    mimalloc() {
        void* const library = ::dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) { throw std::runtime_error(std::string("bench_memory needs mimalloc: ") + ::dlerror()); }
        allocate = reinterpret_cast<void* (*)(std::size_t)>(::dlsym(library, "mi_malloc"));
        deallocate = reinterpret_cast<void (*)(void*)>(::dlsym(library, "mi_free"));
        if (allocate == nullptr || deallocate == nullptr) { throw std::runtime_error("not the mimalloc that we know"); }
    }
};
const mimalloc mimalloc_library;

struct mimalloc_heap {
    static void* allocate(std::size_t size) { return mimalloc_library.allocate(size); }
    static void deallocate(void* block, std::size_t) { mimalloc_library.deallocate(block); }
};

/// No allocator: what the loop itself costs, to be taken off the others' figures.
struct no_heap {
    static void* allocate(std::size_t) {
        static char place;
        benchmark::DoNotOptimize(place);
        return &place;
    }
    static void deallocate(void*, std::size_t) {}
};

/// As services use them: through the base class. malloc's guarantee of alignment, so that all do the same work.
struct resource_heap {
    std::pmr::memory_resource* of;
    void* allocate(std::size_t size) const { return of->allocate(size, alignof(std::max_align_t)); }
    void deallocate(void* block, std::size_t size) const { of->deallocate(block, size, alignof(std::max_align_t)); }
};

template <class Memory>
struct own_room {
    std::unique_ptr<std::byte[]> storage{new std::byte[room]()};  // touched
    Memory memory{std::span<std::byte>(storage.get(), room)};
    resource_heap heap() { return {&memory}; }
};
/// As a worker's, where its plan says `pages: transparent`.
struct node_room {
    numasio::node_region region = [] {
        numasio::region_options options;
        options.policy = numasio::memory_policy::local;
        options.pages = numasio::page_kind::transparent;
        return numasio::node_region(numasio::bytes{room}, options);
    }();
    numasio::node_memory memory{region.data()};
    resource_heap heap() { return {&memory}; }
};
struct unsynchronized_pool {
    std::pmr::unsynchronized_pool_resource memory;
    resource_heap heap() { return {&memory}; }
};
struct synchronized_pool {
    std::pmr::synchronized_pool_resource memory;
    resource_heap heap() { return {&memory}; }
};
template <class Heap>
struct global {
    Heap heap() { return {}; }
};

/// Sizes, and which block goes next; thrown before the clock runs. Sizes are from 16 to 271 bytes, small ones more often; or `large`, 1 to 4 KiB.
struct dice {
    std::array<std::uint16_t, dice_thrown> size;
    std::array<std::uint32_t, dice_thrown> victim;
    dice(std::size_t live, unsigned seed, bool large = false) {
        std::mt19937 random(seed);
        for (auto& s : size) { s = static_cast<std::uint16_t>(large ? 1025 + random() % 3072 : 16U << random() % 5 | random() % 16); }
        for (auto& v : victim) { v = static_cast<std::uint32_t>(random() % live); }
    }
};

struct block {
    void* start = nullptr;
    std::size_t size = 0;
};

/// Each step frees a block of `live.size()` at random and takes one of another size.
template <class Heap>
[[gnu::noinline]] void churn(Heap heap, const dice& thrown, std::vector<block>& live, std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) {
        block& b = live[thrown.victim[i % dice_thrown]];
        if (b.start != nullptr) { heap.deallocate(b.start, b.size); }
        b.size = thrown.size[i % dice_thrown];
        b.start = heap.allocate(b.size);
        *static_cast<char*>(b.start) = 1;
    }
}

template <class Heap>
void free_all(Heap heap, std::vector<block>& live) {
    for (block& b : live) {
        if (b.start != nullptr) { heap.deallocate(b.start, b.size); }
    }
}

template <class Memory>
void one_thread(benchmark::State& state) {
    Memory memory;
    const auto heap = memory.heap();
    const auto count = static_cast<std::size_t>(state.range(0));
    const auto thrown = std::make_unique<dice>(count, 1, state.range(1) != 0);
    std::vector<block> live(count);
    churn(heap, *thrown, live, 2 * dice_thrown);
    for (auto _ : state) { churn(heap, *thrown, live, dice_thrown); }
    free_all(heap, live);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(dice_thrown));
}

std::optional<own_room<numasio::shared_node_memory>> shared_room;
std::optional<synchronized_pool> shared_pool;
struct shared_node {
    static void up(const benchmark::State&) { shared_room.emplace(); }
    static void down(const benchmark::State&) { shared_room.reset(); }
    static resource_heap heap() { return shared_room->heap(); }
};
struct shared_standard {
    static void up(const benchmark::State&) { shared_pool.emplace(); }
    static void down(const benchmark::State&) { shared_pool.reset(); }
    static resource_heap heap() { return shared_pool->heap(); }
};
template <class Heap>
struct shared_global {
    static void up(const benchmark::State&) {}
    static void down(const benchmark::State&) {}
    static Heap heap() { return {}; }
};

template <class Memory>
void many_threads(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const auto thrown = std::make_unique<dice>(count, static_cast<unsigned>(state.thread_index()));
    std::vector<block> live(count);
    for (auto _ : state) { churn(Memory::heap(), *thrown, live, dice_thrown); }
    free_all(Memory::heap(), live);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(dice_thrown));
}

/// What it costs to ask the kernel where pages are; the argument is pages a call.
void audit(benchmark::State& state) {
    numasio::node_region region(numasio::bytes{64 << 20});
    if (region.prefault()) { return state.SkipWithError("no memory"); }
    const auto pages = static_cast<std::size_t>(state.range(0));
    std::size_t first = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(region.audit(pages, first).asked);
        first = first + 2 * pages <= region.pages() ? first + pages : 0;
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pages));
}
BENCHMARK(audit)->Arg(1)->Arg(256)->Arg(1024)->Arg(16384)->Unit(benchmark::kMicrosecond);

#define NUMASIO_ONE_THREAD(name, memory) \
    BENCHMARK_TEMPLATE(one_thread, memory)->Name("one_thread/" name)->ArgNames({"live", "large"}) \
        ->Args({1000, 0})->Args({100'000, 0})->Args({1000, 1})->Args({20'000, 1})->Unit(benchmark::kMillisecond)
#define NUMASIO_MANY_THREADS(name, memory) \
    BENCHMARK_TEMPLATE(many_threads, memory)->Name("threads/" name)->Setup(memory::up)->Teardown(memory::down) \
        ->Arg(1000)->ThreadRange(1, 4)->UseRealTime()->Unit(benchmark::kMillisecond)

NUMASIO_ONE_THREAD("the_loop_alone", global<no_heap>);
NUMASIO_ONE_THREAD("malloc", global<malloc_heap>);
NUMASIO_ONE_THREAD("mimalloc", global<mimalloc_heap>);
NUMASIO_ONE_THREAD("node_memory", own_room<numasio::node_memory>);
NUMASIO_ONE_THREAD("node_memory_transparent", node_room);
NUMASIO_ONE_THREAD("unsynchronized_pool_resource", unsynchronized_pool);
NUMASIO_MANY_THREADS("malloc", shared_global<malloc_heap>);
NUMASIO_MANY_THREADS("mimalloc", shared_global<mimalloc_heap>);
NUMASIO_MANY_THREADS("shared_node_memory", shared_node);
NUMASIO_MANY_THREADS("synchronized_pool_resource", shared_standard);

}  // namespace

// Rounds of all of them in turn, unless told otherwise: load from elsewhere meets each alike.
int main(int count, char** arguments) {
    std::vector<char*> all(arguments, arguments + count);
    std::array<std::string, 4> usual = {"--benchmark_enable_random_interleaving=true", "--benchmark_repetitions=9",
                                        "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.05"};
    for (auto& u : usual) { all.insert(all.begin() + 1, u.data()); }
    count = static_cast<int>(all.size());
    benchmark::Initialize(&count, all.data());
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
