// Which Host is let in.
#include <control_plane/http/host_check.hpp>

#include <gtest/gtest.h>

namespace numasio::detail {
namespace {

TEST(host_check, lets_in_the_loopback_with_and_without_port) {
    for (const char* host : {"localhost", "LocalHost", "localhost:9464", "127.0.0.1", "127.0.0.1:9464", "127.1.2.3",
                             "[::1]", "[::1]:9464", "localhost:", ""}) {
        EXPECT_TRUE(host_allowed(host)) << host;
    }
}

TEST(host_check, keeps_out_everything_else) {
    for (const char* host : {"evil", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0",
                             "10.0.0.1", "[::]", "[::ffff:127.0.0.1]", "[::1", "::1", "localhost:x", "localhost:123456",
                             "127.0.0.1:80:80", "localhost@evil", "127.1", "0x7f.0.0.1", "2130706433", " localhost", "[]"}) {
        EXPECT_FALSE(host_allowed(host)) << host;
    }
}

}  // namespace
}  // namespace numasio::detail
