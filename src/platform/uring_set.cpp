// What an io_uring's polls say of many sockets: they come as memory, and only what is watched and forgotten takes a system call.
#include "src/platform/edge_set.hpp"

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

/// A poll that goes on ("multishot") for each member. What it tells bears the socket's number and that of the watching, so that what is told of a member who has gone is known for that.
class uring_set final : public edge_set {
public:
    uring_set() = default;
    ~uring_set() override {
        if (!made_) { return; }
        // The ring would let go of the sockets some time after it is closed, and they would stay open until then.
        for (std::size_t socket = 0; socket < members_.size(); ++socket) {
            if (members_[socket].number != 0) { ask_to_end(static_cast<int>(socket)); }
        }
        ::io_uring_submit(&ring_);
        ::io_uring_queue_exit(&ring_);
    }

    error_code make(bool one_thread) noexcept {
        io_uring_params asked{};
        asked.flags = IORING_SETUP_CQSIZE | (one_thread ? IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG : 0);
        asked.cq_entries = most_told;
        if (const int result = ::io_uring_queue_init_params(most_asked, &ring_, &asked); result != 0) { return error_of(result); }
        made_ = true;
        constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;
        return (asked.features & needed) == needed ? error_code() : error_of(-ENOSYS);
    }

    int descriptor() const noexcept override { return ring_.ring_fd; }

    error_code watch(int socket, std::uint64_t id) noexcept override {
        if (socket < 0) { return error_of(-EBADF); }
        const auto at = static_cast<std::size_t>(socket);
        try {
            if (at >= members_.size()) { members_.resize(at + 1); }
        } catch (const std::bad_alloc&) {
            return error_of(-ENOMEM);
        }
        if (members_[at].number != 0) { return error_of(-EEXIST); }
        if (++last_number_ == 0) { ++last_number_; }
        members_[at] = {.id = id, .number = last_number_};
        const auto ec = begin(socket);
        if (ec) { members_[at] = {}; }
        return ec;
    }

    bool forget(int socket) noexcept override {
        const auto at = static_cast<std::size_t>(socket);
        if (socket < 0 || at >= members_.size() || members_[at].number == 0) { return false; }
        ask_to_end(socket);
        ::io_uring_submit(&ring_);  // refused for want of memory, it goes with the next
        if (members_[at].waits) { --unbegun_; }
        members_[at] = {};
        return true;
    }

    std::size_t take(std::span<edge> to) noexcept override {
        ++look_;
        begin_anew();
        const auto n = take_told(to);
        if (n != 0 || !needs_call()) { return n; }
        ::io_uring_get_events(&ring_);
        return take_told(to);
    }

private:
    struct member {
        std::uint64_t id = 0;
        std::uint32_t number = 0;  // of this watching; 0: none
        std::uint32_t look = 0;    // in which it was told of last
        std::uint32_t at = 0;      // there
        bool waits = false;        // without a poll
    };

    std::uint64_t name_of(int socket) const noexcept {
        const auto at = static_cast<std::uint32_t>(socket);
        return std::uint64_t{members_[at].number} << 32 | at;
    }

    /// Something is kept where only a system call reaches it.
    bool needs_call() const noexcept { return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0; }

    io_uring_sqe* place() noexcept {
        auto* sqe = ::io_uring_get_sqe(&ring_);
        if (sqe != nullptr) { return sqe; }
        ::io_uring_submit(&ring_);
        return ::io_uring_get_sqe(&ring_);
    }

    void ask_to_end(int socket) noexcept {
        auto* sqe = place();
        if (sqe == nullptr) { return; }
        ::io_uring_prep_poll_remove(sqe, name_of(socket));
        ::io_uring_sqe_set_data64(sqe, nobody);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }

    /// Also tells what is there already.
    error_code begin(int socket) noexcept {
        auto* sqe = place();
        if (sqe == nullptr) { return error_of(-EAGAIN); }
        // Urgent data is not asked for: a poll tells what a socket's wake-up is marked with, and that of any data is marked with it.
        ::io_uring_prep_poll_multishot(sqe, socket, POLLIN | POLLRDHUP);
        ::io_uring_sqe_set_data64(sqe, name_of(socket));
        const unsigned before = ::io_uring_cq_ready(&ring_);
        if (const int result = ::io_uring_submit(&ring_); result < 0) {
            ::io_uring_prep_nop(sqe);  // it is there still, to go with the next
            ::io_uring_sqe_set_data64(sqe, nobody);
            return error_of(result);
        }
        // What is refused is told at once, behind what there was.
        const unsigned now = ::io_uring_cq_ready(&ring_);
        for (unsigned i = before; i < now; ++i) {
            const auto& told = ring_.cq.cqes[(*ring_.cq.khead + i) & *ring_.cq.kring_mask];
            if (told.user_data == name_of(socket) && told.res < 0) { return error_of(told.res); }
        }
        return {};
    }

    std::size_t take_told(std::span<edge> to) noexcept {
        std::size_t n = 0;
        io_uring_cqe* told = nullptr;
        while (n < to.size() && ::io_uring_cq_ready(&ring_) != 0 && ::io_uring_peek_cqe(&ring_, &told) == 0) {
            const auto what = *told;
            ::io_uring_cqe_seen(&ring_, told);
            n = hear(what, to, n);
        }
        return n;
    }

    std::size_t hear(const io_uring_cqe& told, std::span<edge> to, std::size_t n) noexcept {
        const auto at = static_cast<std::uint32_t>(told.user_data);
        const auto number = static_cast<std::uint32_t>(told.user_data >> 32);
        if (number == 0 || members_[at].number != number) { return n; }
        auto& who = members_[at];
        // A poll ends where there is no more room for what it tells, and with the thread that has begun it.
        const bool lost = (told.flags & IORING_CQE_F_MORE) == 0 && !begins(who, static_cast<int>(at));
        if (told.res == -ECANCELED && !lost) { return n; }
        const bool all = lost || told.res < 0 || (told.res & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
        if (who.look == look_ && who.at < n && to[who.at].id == who.id) {
            to[who.at].all |= all;
            return n;
        }
        who.look = look_;
        who.at = static_cast<std::uint32_t>(n);
        to[n] = {who.id, all};
        return n + 1;
    }

    bool begins(member& who, int socket) noexcept {
        const bool done = !begin(socket);
        if (who.waits == done) {
            who.waits = !done;
            unbegun_ += done ? -1 : 1;
        }
        return done;
    }

    /// What the kernel had no memory for.
    void begin_anew() noexcept {
        for (std::size_t at = 0; unbegun_ != 0 && at < members_.size(); ++at) {
            auto& who = members_[at];
            if (who.waits && !begins(who, static_cast<int>(at))) { return; }
        }
    }

    io_uring ring_{};
    bool made_ = false;
    std::vector<member> members_;  // by the socket's number
    std::uint32_t last_number_ = 0;
    std::uint32_t look_ = 0;
    int unbegun_ = 0;  // how many wait
};

}  // namespace

std::unique_ptr<edge_set> make_uring_set(bool one_thread, error_code& ec) {
    auto made = std::make_unique<uring_set>();
    ec = made->make(one_thread);
    if (ec) { return nullptr; }
    return made;
}

}  // namespace numasio::platform
