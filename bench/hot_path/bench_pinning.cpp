// Does pinning pay? The same pool, the same tasks, with its workers pinned and let loose; alone, and beside a foreign thread that stays on a worker's CPU.
#include <bench/peers/comparison.hpp>
#include <bench/peers/options.hpp>
#include <bench/peers/pinned.hpp>

#include <numasio/node_pool.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace numasio::bench;
namespace asio = boost::asio;

/// A pool whose workers take and drop their pins; each has memory of its own.
class subject {
public:
    subject(const std::vector<numasio::cpu_id>& cpus, std::size_t words_each) : machine_(numasio::discover_topology()), cpus_(cpus) {
        std::vector<numasio::worker_site> sites;
        for (std::uint32_t w = 0; w < cpus.size(); ++w) {
            const auto* cpu = machine_.find(cpus[w]);
            sites.push_back({"pinning", w, cpu->id, cpu->node, machine_.nearest_memory(cpu->node).value_or(cpu->node)});
        }
        numasio::pool_plan asked;
        asked.name = "pinning";
        pool_ = std::make_unique<numasio::node_pool>(asked, machine_, sites);
        words_.resize(cpus.size());
        on_each([&](std::uint32_t w) { words_[w].assign(words_each, 1); });
    }

    void pin_all(bool pinned) {
        const auto anywhere = machine_.allowed_cpus();
        on_each([&](std::uint32_t w) { pin(pinned ? std::vector{cpus_[w]} : anywhere); });
    }
    /// `count` times `work(worker)` on each worker; microseconds until all are done.
    template <class Work>
    double all_us(int count, Work work) {
        std::latch done(static_cast<std::ptrdiff_t>(cpus_.size()) * count);
        const auto start = std::chrono::steady_clock::now();
        for (std::uint32_t w = 0; w < cpus_.size(); ++w) {
            for (int i = 0; i < count; ++i) {
                asio::post(pool_->on(w), [&, w] {
                    work(w);
                    done.count_down();
                });
            }
        }
        done.wait();
        return seconds_since(start) * 1e6;
    }
    std::vector<std::uint64_t>& words(std::uint32_t worker) { return words_[worker]; }

private:
    template <class F>
    void on_each(F f) {
        std::latch done(static_cast<std::ptrdiff_t>(cpus_.size()));
        for (std::uint32_t w = 0; w < cpus_.size(); ++w) {
            asio::post(pool_->on(w), [&, w] {
                f(w);
                done.count_down();
            });
        }
        done.wait();
    }

    numasio::topology machine_;
    std::vector<numasio::cpu_id> cpus_;
    std::vector<std::vector<std::uint64_t>> words_;
    std::unique_ptr<numasio::node_pool> pool_;  // ends first
};

/// About 5 us of arithmetic.
void compute(std::uint32_t) {
    std::uint64_t x = 88172645463325252u;
    for (int i = 0; i < 2000; ++i) { x ^= x << 13, x ^= x >> 7, x ^= x << 17; }
    keep(x);
}

/// Pinned against not, in the same rounds, by each kind of work.
void compare(subject& on, const options& asked, const std::string& where) {
    const auto both = [&](const std::string& what, const std::string& unit, auto measure) {
        const auto with = [&on, measure](bool pinned) {
            return [&on, measure, pinned] {
                on.pin_all(pinned);
                return measure();
            };
        };
        const std::vector<contender> all{{"pinned", with(true)}, {"not pinned", with(false)}};
        print_table(what + ", " + where, unit, all, interleave(all, asked.rounds), {1});
    };
    both("Arithmetic, 5 us a task", "us", [&] { return on.all_us(asked.repeats(2000), compute); });
    both("Reading 512 KiB of the worker's own memory a task", "us", [&] {
        return on.all_us(asked.repeats(200), [&](std::uint32_t w) {
            auto sum = std::accumulate(on.words(w).begin(), on.words(w).end(), std::uint64_t{0});
            keep(sum);
        });
    });
    both("The slowest of 100 tasks that come one by one, 200 us apart", "us", [&] {
        double worst = 0;
        for (int i = 0; i < asked.repeats(100); ++i) {
            std::this_thread::sleep_for(std::chrono::microseconds(200));
            worst = std::max(worst, on.all_us(1, compute));
        }
        return worst;
    });
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = parse_options(argc, argv, "a node_pool's workers pinned, against the same let loose");
    const auto cpus = two_cpus(asked);
    constexpr std::size_t words = (512 << 10) / sizeof(std::uint64_t);
    for (const std::size_t workers : {std::size_t{1}, cpus.size()}) {
        subject on({cpus.begin(), cpus.begin() + static_cast<std::ptrdiff_t>(workers)}, words);
        const auto count = std::to_string(workers) + (workers == 1 ? " worker" : " workers");
        compare(on, asked, count + " alone");
        std::jthread neighbour([&](const std::stop_token& over) {
            pin(cpus[0]);
            while (!over.stop_requested()) { compute(0); }
        });
        compare(on, asked, count + " beside a busy foreign thread on CPU " + std::to_string(cpus[0].value));
    }
}
