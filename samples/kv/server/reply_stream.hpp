// Replies on their way to a socket: text, and large values that are sent from the worker's memory.
#pragma once

#include "resp/reply_text.hpp"
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
    std::size_t bytes() const noexcept { return text_.size() + held_bytes_; }
    bool empty() const noexcept { return bytes() == 0; }

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

    /// What to write, in order; valid until the next change.
    void gather(std::vector<boost::asio::const_buffer>& out) const {
        out.clear();
        std::size_t from = 0;
        for (const auto& [at, value] : held_) {
            out.push_back(boost::asio::buffer(text_.data() + from, at - from));
            out.push_back(boost::asio::buffer(value.view()));
            from = at;
        }
        if (from < text_.size()) { out.push_back(boost::asio::buffer(text_.data() + from, text_.size() - from)); }
    }

    void clear() {
        text_.clear();
        if (text_.capacity() > 64 << 10) { text_.shrink_to_fit(); }  // one large ECHO must not stay
        held_.clear();
        held_bytes_ = 0;
    }

private:
    struct held {
        std::size_t at;  ///< the value comes before this position of the text
        kv_value value;
    };
    std::string text_;
    std::vector<held> held_;
    std::size_t held_bytes_ = 0;
};

}  // namespace kv
