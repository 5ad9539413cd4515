// The reader's side of a stream: items in their order, one wait for the next, and how many more may be asked for.
#pragma once

#include <numasio/detail/completion.hpp>
#include <numasio/detail/stream_desk.hpp>

#include <boost/asio/error.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace numasio::detail {

/// Between the reader, one thread at a time, and the drains of the worker's replies. Items that are unread and steps on their way are
/// `credit` together at most, so that an item's number tells it its place among the unread.
/// Threads: the public calls say which. Lifetime: shared by the stream, its steps, and an end that is posted.
template <class Item>
class stream_reader : public std::enable_shared_from_this<stream_reader<Item>> {
public:
    virtual ~stream_reader() = default;
    stream_reader(const stream_reader&) = delete;
    stream_reader& operator=(const stream_reader&) = delete;

    virtual const asio::any_io_executor& executor() const noexcept = 0;

    /// The reader. Throws what storing the handler throws, and then nothing has changed.
    template <class Handler>
    void next(Handler handler) {
        std::unique_lock lock(mutex_);
        if (wait_ != wait::none) {
            lock.unlock();
            return post_failure<Handler, std::optional<Item>>(std::move(handler), asio::error::already_started, executor());
        }
        error_code why = end_.value_or(error_code{});
        const bool has_item = unread_[next_ % unread_.size()].has_value();
        // The item that is taken now makes room for one more.
        const auto steps = end_ ? 0 : hold(credit() - in_flight_ - count_ + (has_item ? 1 : 0), why);
        const bool waits = !has_item && in_flight_ + steps != 0;
        if (waits) {
            connect(asio::get_associated_cancellation_slot(handler));
            wait_for(std::move(handler), wait::for_item);
        }
        auto item = take();
        spend(steps);
        auto* const by = lane_;
        // From here on a drain may run the handler, on another thread, which calls this again.
        lock.unlock();
        if (steps != 0) { send(steps, *by); }
        if (!waits) { post_completion(std::move(handler), item ? error_code{} : why, std::move(item), executor()); }
    }

    /// The reader's last call: gives back what the stream holds, ends a wait with operation_aborted.
    void close() noexcept {
        std::unique_lock lock(mutex_);
        note(asio::error::operation_aborted);
        bool untold = false;
        try {
            if (wait_ == wait::for_item) { post_cancelled(); }
        } catch (const std::exception&) {  // no memory to tell it with
            wait_ = wait::cancelled;
            untold = true;
        }
        give_back();
        lock.unlock();
        if (untold) { waiting_.destroy(); }
        send_close();
    }

protected:
    enum class wait {
        none,
        to_open,    // the first step is on its way
        for_item,   // at least one step is on its way
        cancelled,  // its end is posted, or it was destroyed
    };

    explicit stream_reader(std::uint32_t credit) : unread_(credit) {}

    // --- by who knows the lanes; under the lock, but for the sends ------------------------------------
    /// Holds places for `steps` on the calling thread's lane, and no others; returns how many of them there are, and `why` not more.
    virtual std::uint32_t hold(std::uint32_t steps, error_code& why) noexcept = 0;
    virtual void give_back() noexcept = 0;
    /// A step that came back on this thread from `lane` left a place there.
    virtual void hold_again(lane_base& lane) noexcept = 0;
    virtual void send(std::uint32_t steps, lane_base& by) noexcept = 0;
    virtual void send_close() noexcept = 0;

    std::uint32_t credit() const noexcept { return static_cast<std::uint32_t>(unread_.size()); }
    template <class Handler>
    void wait_for(Handler&& handler, wait kind) {
        waiting_.emplace(std::forward<Handler>(handler), executor());
        wait_ = kind;
    }
    /// Held places become steps on their way.
    void spend(std::uint32_t steps) noexcept {
        held_ -= steps;
        in_flight_ += steps;
        sent_ += steps;
    }

    /// A drain: a step has ended.
    void arrived(error_code ec, stream_reply<Item>&& reply, lane_base& lane) {
        std::unique_lock lock(mutex_);
        --in_flight_;
        if (reply.item) { keep(reply.number, *std::move(reply.item)); }
        else if (ec || reply.ended) { note(ec); }
        if (end_) { give_back(); }
        else { hold_again(lane); }

        if (wait_ == wait::to_open) { return finish(lock, ec, std::nullopt); }
        if (wait_ != wait::for_item) { return; }
        if (auto item = take()) { return finish(lock, {}, std::move(item)); }
        // The last one back has seen what ended it: items that other lanes carry may come after the end.
        if (in_flight_ == 0) { finish(lock, end_.value_or(errc::stopped), std::nullopt); }
    }
    /// Whoever destroys a step's end uninvoked, because no context will run it: what waits for it goes the same way.
    void lost() noexcept {
        std::unique_lock lock(mutex_);
        if (--in_flight_ != 0 || (wait_ != wait::to_open && wait_ != wait::for_item)) { return; }
        wait_ = wait::cancelled;
        lock.unlock();  // the handler may own the stream, and with it call close()
        waiting_.destroy();
    }

    std::mutex mutex_;
    lane_base* lane_ = nullptr;  // of the thread that read last
    std::uint32_t held_ = 0;     // places for steps, there
    std::uint64_t sent_ = 0;     // steps in all

private:
    /// The end of a wait that was cancelled.
    struct cancelled_wait {
        explicit cancelled_wait(std::shared_ptr<stream_reader> s) noexcept : self(std::move(s)) {}
        cancelled_wait(cancelled_wait&&) noexcept = default;
        cancelled_wait& operator=(cancelled_wait&&) = delete;
        ~cancelled_wait() {
            if (self && self->wait_ == wait::cancelled) { self->waiting_.destroy(); }  // else posting it has failed
        }
        void operator()() {
            const auto owner = std::exchange(self, nullptr);
            std::unique_lock lock(owner->mutex_);
            owner->finish(lock, asio::error::operation_aborted, std::nullopt);
        }
        std::shared_ptr<stream_reader> self;
    };

    template <class Slot>
    void connect(Slot slot) {
        ++waits_;
        if (!slot.is_connected()) { return; }
        slot.assign([self = this->weak_from_this(), mine = waits_](asio::cancellation_type type) {
            const auto owner = self.lock();
            if (type == asio::cancellation_type::none || !owner) { return; }
            const std::lock_guard lock(owner->mutex_);
            if (owner->wait_ == wait::for_item && owner->waits_ == mine) { owner->post_cancelled(); }
        });
    }
    void post_cancelled() {
        asio::post(executor(), cancelled_wait(this->shared_from_this()));
        wait_ = wait::cancelled;
    }
    struct unlocking {
        std::unique_lock<std::mutex>* lock;
        void operator()() const noexcept { lock->unlock(); }
    };
    /// On the bridge's executor; the handler runs without the lock.
    void finish(std::unique_lock<std::mutex>& lock, error_code ec, std::optional<Item> item) {
        wait_ = wait::none;
        waiting_.deliver(ec, std::move(item), {}, unlocking{&lock});
    }

    void keep(std::uint64_t number, Item&& item) noexcept {
        unread_[number % unread_.size()].emplace(std::move(item));
        ++count_;
    }
    std::optional<Item> take() noexcept {
        auto& first = unread_[next_ % unread_.size()];
        if (!first) { return std::nullopt; }
        ++next_;
        --count_;
        return std::exchange(first, std::nullopt);
    }
    /// What the worker says of the end counts more than that steps behind it were stopped.
    void note(error_code ec) noexcept {
        if (!end_ || *end_ == errc::stopped) { end_ = ec; }
    }

    std::uint32_t in_flight_ = 0;                // steps on their way
    std::vector<std::optional<Item>> unread_;    // by number, modulo credit
    std::uint32_t count_ = 0;                    // of these
    std::uint64_t next_ = 0;                     // the number that the reader takes next
    std::optional<error_code> end_;              // no more steps are sent; without an error: all items were made
    wait wait_ = wait::none;
    std::uint64_t waits_ = 0;                    // so that a late cancellation cannot hit the next wait
    completion<std::optional<Item>, unlocking> waiting_;
};

}  // namespace numasio::detail
