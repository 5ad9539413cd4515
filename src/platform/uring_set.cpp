// What an io_uring's polls say of many sockets: they come as memory, and only what is watched and forgotten takes a system call.
#include "src/platform/edge_set.hpp"

#include <numasio/detail/platform.hpp>

#include <cerrno>
#include <new>
#include <vector>

#include <liburing.h>
#include <poll.h>

namespace numasio::platform {
namespace {

constexpr unsigned most_asked = 64;        // handed over in one system call
constexpr unsigned most_told = 16'384;     // of what has come and is not taken; behind that the kernel ends polls, which are begun anew
constexpr std::uint64_t nobody = 0;        // what is asked without an answer

error_code error_of(int result) noexcept { return error_code(-result, boost::system::system_category()); }

/// A poll that goes on ("multishot") for each member. What it tells bears the socket's number and that of the poll, so that what an ended one has told is known for that.
class uring_set final : public edge_set {
public:
    uring_set() = default;
    ~uring_set() override {
        if (!made_) { return; }
        if (is_here()) {
            // The ring would let go of the sockets some time after it is closed, and they would stay open until then.
            for (std::size_t socket = 0; socket < members_.size(); ++socket) {
                if (members_[socket].poll != 0) { ask_to_end(name_of(members_[socket], static_cast<int>(socket))); }
            }
            ::io_uring_submit(&ring_);
        }
        ::io_uring_queue_exit(&ring_);
    }

    error_code make(bool one_thread) noexcept {
        io_uring_params asked{};
        asked.flags = IORING_SETUP_CQSIZE | (one_thread ? IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG : 0);
        asked.cq_entries = most_told;
        if (const int result = ::io_uring_queue_init_params(most_asked, &ring_, &asked); result != 0) { return error_of(result); }
        made_ = true;
        // Of 6.1 as the polls are that look anew where several wake-ups fall together: data, and the end behind it.
        auto* known = ::io_uring_get_probe_ring(&ring_);
        const bool is_new = known != nullptr && ::io_uring_opcode_supported(known, IORING_OP_SENDMSG_ZC) != 0;
        ::io_uring_free_probe(known);
        if (!is_new) { return error_of(-ENOSYS); }
        auto* sqe = place();  // a filter may let a ring be made, and not be entered
        ::io_uring_prep_nop(sqe);
        wants_no_answer(sqe);
        return submit(sqe);
    }

    int descriptor() const noexcept override { return ring_.ring_fd; }

    error_code watch(int socket, std::uint64_t id) noexcept override {
        if (!is_here()) { return errc::forked; }
        if (socket < 0) { return error_of(-EBADF); }
        const auto at = static_cast<std::size_t>(socket);
        try {
            if (at >= members_.size()) { members_.resize(at + 1); }
        } catch (const std::bad_alloc&) {
            return error_of(-ENOMEM);
        }
        if (members_[at].poll != 0) { return error_of(-EEXIST); }
        members_[at] = {.id = id};
        const auto ec = begin(socket);
        if (ec) { members_[at] = {}; }
        return ec;
    }

    bool forget(int socket) noexcept override {
        const auto at = static_cast<std::size_t>(socket);
        if (!is_here() || socket < 0 || at >= members_.size() || members_[at].poll == 0) { return false; }
        ask_to_end(name_of(members_[at], socket));
        ::io_uring_submit(&ring_);  // refused, it goes with the next
        if (members_[at].waits) { --waiting_; }
        members_[at] = {};
        return true;
    }

    std::size_t take(std::span<edge> to) noexcept override {
        if (!is_here()) { return 0; }
        ++look_;
        ask_again();
        const auto n = take_told(to);
        if (n != 0 || !needs_call()) { return n; }
        ::io_uring_get_events(&ring_);
        return take_told(to);
    }

    bool owes() const noexcept override { return waiting_ != 0 || ::io_uring_sq_ready(&ring_) != 0; }

private:
    struct member {
        std::uint64_t id = 0;
        std::uint32_t poll = 0;  // its number; 0: no member
        std::uint32_t look = 0;  // in which it was told of last
        std::uint32_t at = 0;    // there
        bool waits = false;      // for a poll
    };

    /// A forked child has the ring's memory, and neither its tasks nor what the parent does with it from then on.
    bool is_here() const noexcept { return detail::fork_generation() == generation_; }

    static std::uint64_t name_of(const member& who, int socket) noexcept { return std::uint64_t{who.poll} << 32 | static_cast<std::uint32_t>(socket); }

    /// Something is kept where only a system call reaches it.
    bool needs_call() const noexcept { return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0; }

    io_uring_sqe* place() noexcept {
        auto* sqe = ::io_uring_get_sqe(&ring_);
        if (sqe != nullptr) { return sqe; }
        ::io_uring_submit(&ring_);
        return ::io_uring_get_sqe(&ring_);
    }

    /// The last one placed. Refused, it is nothing that goes with the next.
    error_code submit(io_uring_sqe* last) noexcept {
        const int result = ::io_uring_submit(&ring_);
        if (::io_uring_sq_ready(&ring_) == 0) { return {}; }
        ::io_uring_prep_nop(last);
        wants_no_answer(last);
        return error_of(result < 0 ? result : -EAGAIN);
    }

    static void wants_no_answer(io_uring_sqe* sqe) noexcept {
        ::io_uring_sqe_set_data64(sqe, nobody);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }

    /// By a cancellation: the removal of a poll is refused while that has something to tell.
    void ask_to_end(std::uint64_t name) noexcept {
        auto* sqe = place();
        if (sqe == nullptr) { return; }  // behind as many that were refused: it is ended where it tells something
        ::io_uring_prep_cancel64(sqe, name, 0);
        wants_no_answer(sqe);
    }

    /// Also tells what is there already.
    error_code begin(int socket) noexcept {
        const auto& who = number_anew(socket);
        auto* sqe = place();
        if (sqe == nullptr) { return error_of(-EAGAIN); }
        // Urgent data is not asked for: a poll tells what a socket's wake-up is marked with, and that of any data is marked with it.
        ::io_uring_prep_poll_multishot(sqe, socket, POLLIN | POLLRDHUP);
        const auto name = name_of(who, socket);
        ::io_uring_sqe_set_data64(sqe, name);
        const unsigned before = ::io_uring_cq_ready(&ring_);
        if (const auto ec = submit(sqe)) { return ec; }
        // What is refused is told at once, behind what there was; what cannot be waited for has no poll that goes on.
        const unsigned now = ::io_uring_cq_ready(&ring_);
        for (unsigned i = before; i < now; ++i) {
            const auto& told = ring_.cq.cqes[(*ring_.cq.khead + i) & ring_.cq.ring_mask];
            if (told.user_data != name || (told.flags & IORING_CQE_F_MORE) != 0) { continue; }
            const int why = told.res < 0 ? told.res : -EPERM;
            number_anew(socket);  // what was told is nobody's
            return error_of(why);
        }
        return {};
    }
    member& number_anew(int socket) noexcept {
        auto& who = members_[static_cast<std::size_t>(socket)];
        if (++last_poll_ == 0) { ++last_poll_; }
        who.poll = last_poll_;
        return who;
    }

    std::size_t take_told(std::span<edge> to) noexcept {
        std::size_t n = 0;
        io_uring_cqe* told = nullptr;
        while (n < to.size() && ::io_uring_cq_ready(&ring_) != 0 && ::io_uring_peek_cqe(&ring_, &told) == 0) {
            const auto name = told->user_data;
            const auto what = told->res;
            const bool goes_on = (told->flags & IORING_CQE_F_MORE) != 0;
            ::io_uring_cqe_seen(&ring_, told);
            n = hear(name, what, goes_on, to, n);
        }
        return n;
    }

    std::size_t hear(std::uint64_t name, int what, bool goes_on, std::span<edge> to, std::size_t n) noexcept {
        if (name == nobody) { return n; }
        const auto at = static_cast<std::uint32_t>(name);
        if (members_[at].poll != name >> 32) {
            if (goes_on) { ask_to_end(name); }  // asked for before, and refused
            return n;
        }
        auto& who = members_[at];
        // A poll ends where there is no more room for what it tells, and with the thread that has begun it.
        const bool lost = !goes_on && !begins_anew(who, static_cast<int>(at));
        if (what == -ECANCELED && !lost) { return n; }
        const bool all = lost || what < 0 || (what & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
        if (who.look == look_ && who.at < n && to[who.at].id == who.id) {
            to[who.at].all |= all;
            return n;
        }
        who.look = look_;
        who.at = static_cast<std::uint32_t>(n);
        to[n] = {who.id, all};
        return n + 1;
    }

    bool begins_anew(member& who, int socket) noexcept {
        const auto ec = begin(socket);
        const bool waits = ec == boost::system::errc::resource_unavailable_try_again || ec == boost::system::errc::not_enough_memory ||
                           ec == boost::system::errc::device_or_resource_busy || ec == boost::system::errc::interrupted;
        waiting_ += int{waits} - int{who.waits};
        who.waits = waits;
        return !ec;
    }

    /// What the kernel had no memory for.
    void ask_again() noexcept {
        if (::io_uring_sq_ready(&ring_) != 0) { ::io_uring_submit(&ring_); }
        for (std::size_t at = 0; waiting_ != 0 && at < members_.size(); ++at) {
            if (members_[at].waits && !begins_anew(members_[at], static_cast<int>(at))) { return; }
        }
    }

    io_uring ring_{};
    bool made_ = false;
    const std::uint32_t generation_ = detail::fork_generation();
    std::vector<member> members_;  // by the socket's number
    std::uint32_t last_poll_ = 0;
    std::uint32_t look_ = 0;
    int waiting_ = 0;  // members that wait for a poll
};

}  // namespace

std::unique_ptr<edge_set> make_uring_set(bool one_thread, error_code& ec) {
    auto made = std::make_unique<uring_set>();
    ec = made->make(one_thread);
    if (ec) { return nullptr; }
    return made;
}

}  // namespace numasio::platform
