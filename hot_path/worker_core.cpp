// The seam that both planes share: delivering replies, cutting the way back, taking snapshots.
#include <numasio/detail/worker_core.hpp>

#include <numasio/affinity.hpp>
#include <numasio/detail/platform.hpp>

#include <thread>
#include <utility>

namespace numasio::detail {
namespace {

constexpr std::size_t lane_turn = 64;      // replies of one lane before the next lane's turn
constexpr std::size_t drain_turn = 1024;   // replies before other handlers of the io_context get theirs
constexpr int looks_of_a_linger = 32;      // a microsecond or two, before others get theirs
// However many ask, one sample a second is taken.
constexpr std::size_t pages_per_sample = 256;
constexpr std::int64_t sample_lasts_ns = 1'000'000'000;
constexpr std::int64_t stuck_after_ns = 1'000'000'000;
constexpr auto yield = [] { std::this_thread::yield(); };

/// Of the sampled pages that the kernel told of: those on the worker's memory node, or on one of the nodes that its memory
/// was interleaved over.
std::optional<double> share_as_asked(const page_audit& sample, const region_placement& placed, node_id home) {
    if (placed.nodes.size() < 2) { return sample.ratio(home); }
    std::optional<double> share;
    for (const node_id node : placed.nodes) {
        if (const auto here = sample.ratio(node)) { share = share.value_or(0.0) + *here; }
    }
    return share;
}

}  // namespace

drain_operation::~drain_operation() {
    if (core_) { core_->abandon(); }
}

void drain_operation::operator()() { std::exchange(core_, nullptr)->drain(); }

worker_core::worker_core(worker_site where, std::unique_ptr<reply_poster> poster, const boost::asio::any_io_executor& home,
                         abandoned_counter abandoned)
    : site(std::move(where)), poster_(std::move(poster)), home_(home), abandoned_(std::move(abandoned)) {}

worker_core::~worker_core() = default;

void worker_core::post_drain() noexcept { poster_->post(drain_operation(shared_from_this())); }
void worker_core::post_drain_again() noexcept {
    gate_.go_on([this] { poster_->post_again(drain_operation(shared_from_this())); });
}

void worker_core::replies_ready() noexcept {
    gate_.ready([this] { post_drain(); });
}

void serve_context::send_replies() noexcept {
    worker_->mark_replies(*std::exchange(owes_in_, nullptr));
    worker_->post_marked();
}

void worker_core::drain() {
    struct turn {  // also when a handler throws: the drain stays ours and goes on later
        worker_core* core;
        ~turn() {
            if (core != nullptr) { core->post_drain_again(); }
        }
    } again{this};

    if (ends_rest_) {  // and a handler threw
        fail_rest();
        again.core = nullptr;
        return;
    }
    const auto more = [this] { return replied.any(); };
    for (std::size_t total = 0; total < drain_turn;) {
        const auto delivered = deliver_marked();
        total += delivered;
        if (delivered != 0) {
            linger_until_ns_ = 0;
            continue;
        }
        if (lingers()) {
            if (spin_for_a_reply()) { continue; }
            if (const auto untold = deliver_marked(true); untold != 0) {
                total += untold;
                linger_until_ns_ = 0;
                continue;
            }
            return;  // other handlers have their turn, and then this again
        }
        if (gate_.round([this] { return retire_marks(); }, more, [this] { fail_rest(); })) {
            again.core = nullptr;
            return;
        }
    }
}

/// Some replies of each lane that has any.
std::size_t worker_core::deliver_marked(bool closely) {
    std::size_t delivered = 0;
    delivery going(round_trip_, abandoned_, home_, *this, closely);
    replied.for_each([&](std::uint32_t place) { delivered += lanes[place]->deliver(lane_turn, going); });
    return delivered;
}

/// The last look before a drain ends: no mark stands for replies that are not there.
std::size_t worker_core::retire_marks() {
    std::size_t delivered = 0;
    delivery going(round_trip_, abandoned_, home_, *this, true);
    replied.for_each([&](std::uint32_t place) {
        struct mark {  // comes back where there are, perhaps, more; also when a handler throws
            worker_core& core;
            std::uint32_t place;
            bool stands = true;
            ~mark() {
                if (stands) { core.replied.announce(place); }
            }
        } last{*this, place};
        replied.retire(place, bell);
        const auto n = lanes[place]->deliver(lane_turn, going);
        last.stands = n != 0;
        delivered += n;
    });
    return delivered;
}

/// Is a reply due so soon that waiting for it costs less than a sleep and a wake-up?
bool worker_core::lingers() noexcept {
    if (linger.count() == 0) { return false; }
    bool due = false;
    replied.for_each([&](std::uint32_t place) { due = due || lanes[place]->is_due(); });
    if (!due || current_cpu() == site.cpu) { return false; }  // there the worker could not run
    const auto now = steady_ns();
    if (linger_until_ns_ == 0) { linger_until_ns_ = now + linger.count(); }
    return now < linger_until_ns_;
}

bool worker_core::spin_for_a_reply() noexcept {
    for (int i = 0; i < looks_of_a_linger; ++i) {
        bool there = false;
        replied.for_each([&](std::uint32_t place) { there = there || lanes[place]->has_replies(); });
        if (there) { return true; }
        cpu_relax();
    }
    return false;
}

void worker_core::cut() noexcept {
    const auto is_due = [](const auto& l) { return l->is_due(); };
    const auto more = [&] { return replied.any() || std::any_of(lanes.begin(), lanes.end(), is_due); };
    if (gate_.cut(yield, more, [this] { post_drain(); })) { abandon(); }
}

/// After a cut, and after all that was served: a worker that never returned still has the rest. From here on nothing is delivered that it may end meanwhile.
void worker_core::fail_rest() {
    ends_rest_ = true;
    delivery going(round_trip_, abandoned_, home_, *this);
    for (const auto& l : lanes) { l->fail_rest(going); }
    const bool in_child = is_in_child();  // where who was posting, or held a lane's lock, is not there to end it
    if (!in_child) { gate_.wait_for_posts(yield); }
    let_go(in_child);
}

void worker_core::abandon() noexcept {
    // A child whose context does not run: its locks may be held by who is not there.
    if (!is_in_child()) { let_go(false); }
}

void worker_core::let_go(bool in_child) noexcept {
    std::uint64_t n = 0;
    for (const auto& l : lanes) { n += l->abandon(in_child); }
    abandoned_->fetch_add(n, std::memory_order_relaxed);
    // The executor may end before a worker that did not return, and before the last port.
    poster_.reset();
    home_ = {};
}

worker_status worker_core::status() const {
    worker_status s;
    s.site = site;
    s.state = state.load(std::memory_order_acquire);
    if (s.state == worker_state::running && serving.is_stuck(stuck_after_ns)) { s.state = worker_state::stuck; }
    if (s.state == worker_state::starting) { return s; }
    s.parked = bell.is_sleeping();
    s.doorbells = doorbells.load(std::memory_order_relaxed);
    s.parks = parks.get();
    s.displacements = displacements.load(std::memory_order_relaxed);
    s.batches = batches.get();
    for (const auto& l : lanes) { s.lanes.push_back(l->status()); }
    s.first_failure = serving.first_failure();
    s.queue_delay = serving.queue_delay.snapshot();
    s.round_trip = round_trip_.snapshot();
    s.memory_limit = bytes{service_memory.data().size()};
    s.memory_used = bytes{memory_used.load(std::memory_order_relaxed)};
    s.execution_samples = execution_samples.get();
    if (s.execution_samples != 0) {
        s.execution_locality =
            static_cast<double>(execution_at_home.get()) / static_cast<double>(s.execution_samples);
    }
    if (pages_are_known) {
        const auto sample = sample_pages();
        s.pages_sampled = sample.asked - sample.unknown;
        s.page_locality = share_as_asked(sample, service_memory.placed(), site.memory_node);
    }
    return s;
}

page_audit worker_core::sample_pages() const {
    const std::lock_guard lock(audit_mutex_);
    const auto now = steady_ns();
    if (last_sample_.asked != 0 && now - sampled_at_ns_ < sample_lasts_ns) { return last_sample_; }
    last_sample_ = service_memory.audit(pages_per_sample, audit_next_);
    sampled_at_ns_ = now;
    audit_next_ += pages_per_sample;
    if (audit_next_ >= service_memory.pages()) { audit_next_ = 0; }
    return last_sample_;
}

}  // namespace numasio::detail
