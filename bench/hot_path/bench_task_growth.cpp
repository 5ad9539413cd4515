// How a node_pool's own work grows with workers and nodes: what it costs of sleeps and searches for each task. Up to 8 nodes of 32 workers, which share the CPUs there are:
// counts, no times. Nodes are pretended, so that memory is not bound.
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/node_pool.hpp>
#include <numasio/task_group.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace numasio::bench;
namespace asio = boost::asio;

constexpr int steps = 800;  // of a task: about 2 us

void compute() {
    std::uint64_t x = 88172645463325252u;
    for (int i = 0; i < steps; ++i) { x ^= x << 13, x ^= x >> 7, x ^= x << 17; }
    keep(x);
}

struct shape {
    std::uint32_t nodes;
    std::uint32_t workers;  // of each node
};

struct counts {
    std::uint64_t tasks = 0, sleeps = 0, searches = 0, empty = 0, stolen = 0, abroad = 0;
};
counts operator-(const counts& a, const counts& b) {
    return {a.tasks - b.tasks, a.sleeps - b.sleeps, a.searches - b.searches, a.empty - b.empty, a.stolen - b.stolen, a.abroad - b.abroad};
}
counts counts_of(const numasio::node_pool& pool) {
    counts c;
    for (const auto& w : pool.status().workers) {
        c.tasks += w.ran, c.sleeps += w.parks, c.searches += w.searches, c.empty += w.empty_searches, c.stolen += w.stolen, c.abroad += w.stolen_abroad;
    }
    return c;
}

class crowd {
public:
    crowd(const std::vector<numasio::cpu_id>& cpus, shape of) : pool_(plan(), numasio::discover_topology(), sites(cpus, of)) {}

    numasio::node_pool& pool() { return pool_; }
    /// What `load()`, which waits for its tasks, had the pool do.
    template <class Load>
    counts during(Load load) {
        const auto before = counts_of(pool_);
        load();
        return counts_of(pool_) - before;
    }

private:
    static numasio::pool_plan plan() {
        numasio::pool_plan p;
        p.name = "crowd";
        p.enforce = numasio::enforcement::best_effort;  // the nodes are pretended
        p.tasks.capacity = 16'384;
        p.tasks.steal = numasio::steal_scope::any;
        return p;
    }
    static std::vector<numasio::worker_site> sites(const std::vector<numasio::cpu_id>& cpus, shape of) {
        std::vector<numasio::worker_site> all;
        for (std::uint32_t w = 0; w < of.nodes * of.workers; ++w) {
            const numasio::node_id node{w / of.workers};
            all.push_back({"crowd", w, cpus[w % cpus.size()], node, node});
        }
        return all;
    }

    numasio::node_pool pool_;
};

/// One task at a time, from outside: each finds all asleep.
void one_by_one(numasio::node_pool& pool, int n) {
    for (int i = 0; i < n; ++i) {
        std::latch done(1);
        asio::post(pool.get_executor(), [&] {
            compute();
            done.count_down();
        });
        done.wait();
    }
}
/// All at once, from outside.
void burst(numasio::node_pool& pool, int n) {
    std::latch done(n);
    for (int i = 0; i < n; ++i) {
        asio::post(pool.get_executor(), [&] {
            compute();
            done.count_down();
        });
    }
    done.wait();
}
/// By one task, into its own queue: the others steal.
void dealt_out(numasio::node_pool& pool, int n) {
    std::latch done(n);
    asio::post(pool.get_executor(), [&, at = pool.get_executor()] {
        for (int i = 0; i < n; ++i) {
            asio::post(at, [&] {
                compute();
                done.count_down();
            });
        }
    });
    done.wait();
}
/// Fork and join: a binary tree with n leaves.
void tree(numasio::node_pool& pool, int n) {
    struct branch {
        static void grow(const numasio::node_pool::executor_type& at, int leaves) {
            if (leaves <= 1) { return compute(); }
            numasio::task_group both(at);
            both.run([&] { grow(at, leaves / 2); });
            grow(at, leaves - leaves / 2);
            both.wait();
        }
    };
    std::latch done(1);
    asio::post(pool.get_executor(), [&] {
        branch::grow(pool.get_executor(), n);
        done.count_down();
    });
    done.wait();
}

void print_row(shape of, const counts& c) {
    const auto each = [&](std::uint64_t n) { return static_cast<double>(n) / static_cast<double>(c.tasks); };
    // A search asks each of its node's other queues in turn until one has something.
    const auto looks = each(c.searches * (of.workers - 1));
    std::printf("| %u × %u | %llu | %.3f | %.3f | %.3f | ≤ %.2f | %.3f | %.3f |\n", of.nodes, of.workers, static_cast<unsigned long long>(c.tasks), each(c.sleeps),
                each(c.searches), each(c.empty), looks, each(c.stolen), each(c.abroad));
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "sleeps and searches of a node_pool for each task, 1 to 8 nodes of 1 to 32 workers on two CPUs");
    const auto cpus = two_cpus(asked);
    const std::vector<shape> shapes{{1, 1}, {1, 2}, {1, 4}, {1, 8}, {1, 16}, {1, 32}, {2, 32}, {4, 32}, {8, 32}};
    struct load {
        const char* name;
        void (*run)(numasio::node_pool&, int);
        int tasks;
    };
    for (const auto& [name, run, tasks] : {load{"one task at a time, from outside", &one_by_one, 2'000}, load{"all at once, from outside", &burst, 10'000},
                                           load{"all at once, by one task", &dealt_out, 10'000}, load{"a binary tree of forks and joins", &tree, 10'000}}) {
        std::printf("\n### %s\n\n| nodes × workers | tasks | sleeps | searches | … empty | looks into others' queues | stolen | … from another node |\n|---|---|---|---|---|---|---|---|\n", name);
        for (const auto& of : shapes) {
            crowd c(cpus, of);
            const int n = asked.repeats(tasks);
            print_row(of, c.during([&, run = run] { run(c.pool(), n); }));
        }
    }
    std::printf("\nFor each task. A sleep is one that was announced, and ends with a wake-up.\n");
}
