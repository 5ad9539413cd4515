// What an io_context's constructor, or an object in it, throws, said with whose it is.
#pragma once

#include "src/platform/descriptor.hpp"

#include <boost/system/system_error.hpp>

#include <string>

namespace numasio::hot_path {

/// The call that an error names ("epoll"), without what its code says: that comes once, at the end of the text.
inline std::string call_of(const boost::system::system_error& e) {
    const std::string text = e.what();
    const auto code = ": " + e.code().what();
    return text.size() > code.size() && text.ends_with(code) ? text.substr(0, text.size() - code.size()) : std::string();
}

/// `whose` is "io/0: its io_context". The remedy is there where descriptors ran out.
inline boost::system::system_error context_error(const std::string& whose, const boost::system::system_error& e) {
    const auto call = call_of(e);
    return {e.code(), whose + (call.empty() ? "" : ": " + call) + platform::remedy_of(e.code())};
}

}  // namespace numasio::hot_path
