// Replies on their way to a socket: text, and large values that are sent from the worker's memory.
#pragma once

#include "resp/reply_text.hpp"
#include "server/reply_account.hpp"
#include "shard/blob.hpp"

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace kv {

/// Many replies become one write. A large value is not copied: the stream holds it until it is sent.
class reply_stream {
public:
    static constexpr std::size_t worth_holding = 4096;

    std::string& text() noexcept { return text_; }
    /// On the wire.
    std::size_t bytes() const noexcept { return text_.size() + held_bytes_; }
    bool empty() const noexcept { return bytes() == 0; }
    /// Of memory: a large value costs its entry here and its buffers in gather(), its bytes are the worker's.
    std::size_t cost() const noexcept { return text_.size() + held_.size() * held_cost; }
    static std::size_t cost(const reply_size& size) noexcept { return size.text + size.held * held_cost; }

    /// What append() of this value will add.
    static reply_size size_of(const kv_value& value) noexcept {
        constexpr std::size_t frame = 16;  // "$16777215\r\n" and the line break at the end
        const bool holds = value.is_held() && value.view().size() >= worth_holding;
        return {frame + (holds || !value.present() ? 0 : value.view().size()), holds ? std::size_t{1} : 0};
    }
    /// Makes room for a large reply in one step: growing by doubling would take three times its size for a while.
    void reserve(const reply_size& size) {
        if (size.text >= worth_holding) { text_.reserve(text_.size() + size.text); }
        if (size.held >= kept_entries) { held_.reserve(held_.size() + size.held); }
    }

    /// A bulk string, or null.
    void append(kv_value value) {
        if (!value.present()) { return resp::append_null(text_); }
        if (!value.is_held() || value.view().size() < worth_holding) {
            return resp::append_bulk(text_, value.view());
        }
        resp::append_number(text_, '$', static_cast<std::int64_t>(value.view().size()));
        held_bytes_ += value.view().size();
        held_.push_back({text_.size(), std::move(value)});
        text_.append("\r\n");
    }

    /// Bytes that are RESP already.
    static reply_size size_of_text(const kv_value& value) noexcept {
        const bool holds = value.is_held() && value.view().size() >= worth_holding;
        return {holds ? 0 : value.view().size(), holds ? std::size_t{1} : 0};
    }
    void append_text(kv_value value) {
        if (!value.is_held() || value.view().size() < worth_holding) {
            text_.append(value.view());
            return;
        }
        held_bytes_ += value.view().size();
        held_.push_back({text_.size(), std::move(value)});
    }

    /// What to write, in order; valid until the next change.
    void gather(std::vector<boost::asio::const_buffer>& out) const {
        out.clear();
        if (out.capacity() > 2 * kept_entries) { out.shrink_to_fit(); }
        out.reserve(2 * held_.size() + 1);
        std::size_t from = 0;
        for (const auto& [at, value] : held_) {
            out.push_back(boost::asio::buffer(text_.data() + from, at - from));
            out.push_back(boost::asio::buffer(value.view()));
            from = at;
        }
        if (from < text_.size()) { out.push_back(boost::asio::buffer(text_.data() + from, text_.size() - from)); }
    }

    /// Keeps a little for the next replies; what one large reply took must not stay.
    void clear() {
        text_.clear();
        if (text_.capacity() > kept_text) { text_.shrink_to_fit(); }
        held_.clear();
        if (held_.capacity() > kept_entries) { held_.shrink_to_fit(); }
        held_bytes_ = 0;
    }

private:
    struct held {
        std::size_t at;  ///< the value comes before this position of the text
        kv_value value;
    };
    static constexpr std::size_t held_cost = sizeof(held) + 2 * sizeof(boost::asio::const_buffer);
    static constexpr std::size_t kept_text = 16 << 10;
    static constexpr std::size_t kept_entries = 64;

    std::string text_;
    std::vector<held> held_;
    std::size_t held_bytes_ = 0;
};

}  // namespace kv
