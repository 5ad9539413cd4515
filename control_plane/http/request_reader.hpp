// Takes requests without a body out of a stream of bytes; refuses everything else.
#pragma once

#include <control_plane/http/http_message.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace numasio::detail {

inline constexpr std::size_t longest_header = std::size_t{8} * 1024;

/// Thread safety: distinct objects safe, shared objects unsafe.
class request_reader {
public:
    enum class outcome { need_more, complete, refused };

    request_reader();
    ~request_reader();

    /// Looks at all bytes that have arrived and were not consumed yet; `consumed` says how many of them are done
    /// with and must not be shown again, also while the request needs more. After `complete` it is ready for
    /// the next request, after `refused` (see refusal()) the stream is lost.
    outcome take(std::string_view arrived, std::size_t& consumed);

    const http_request& request() const noexcept { return request_; }
    const http_reply& refusal() const noexcept { return refusal_; }

private:
    struct parser;
    outcome refuse(unsigned status, std::string_view why);

    std::unique_ptr<parser> parser_;
    std::size_t header_size_ = 0;  ///< consumed of the current header
    http_request request_;
    http_reply refusal_;
};

}  // namespace numasio::detail
