// What each path answers.
#include <control_plane/http/routes.hpp>

#include "../metrics/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace numasio::detail {
namespace {

using ::testing::HasSubstr;

struct routes : ::testing::Test {
    http_reply ask(std::string method, std::string path, std::string host = "localhost") {
        return answer({std::move(method), std::move(host), std::move(path), true}, [this] {
            ++snapshots;
            return shown.view();
        });
    }
    test::example shown = test::two_nodes();
    int snapshots = 0;
};

TEST_F(routes, answer_with_the_right_kind_of_text) {
    EXPECT_EQ(ask("GET", "/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("numasio_build_info"));
    EXPECT_EQ(ask("GET", "/status").content_type, "application/json");
    EXPECT_EQ(ask("GET", "/status").body.front(), '{');
    EXPECT_EQ(ask("GET", "/healthz").body, "ok\n");
    EXPECT_EQ(ask("GET", "/readyz").body, "ok\n");
    EXPECT_EQ(snapshots, 6);
}

TEST_F(routes, list_what_there_is_without_a_snapshot) {
    for (const char* path : {"/metrics", "/healthz", "/readyz", "/status"}) {
        EXPECT_THAT(ask("GET", "/").body, HasSubstr(path));
    }
    EXPECT_EQ(snapshots, 0);
}

TEST_F(routes, say_which_worker_is_dead_and_why_not_ready) {
    shown.now.workers[1].state = worker_state::dead;
    shown.now.accepting = false;
    EXPECT_EQ(ask("GET", "/healthz").status, 503U);
    EXPECT_EQ(ask("GET", "/healthz").body, "worker kv/1 is dead\n");
    EXPECT_EQ(ask("GET", "/readyz").status, 503U);
    EXPECT_THAT(ask("GET", "/readyz").body, HasSubstr("not accepting"));
    EXPECT_EQ(ask("GET", "/metrics").status, 200U) << "the metrics are what a dead worker is looked for in";
}

TEST_F(routes, refuse_unknown_paths_and_other_methods) {
    for (const char* path : {"/nowhere", "/metrics/", "/..%2f", "/%2e%2e/etc/passwd", "*", "/METRICS"}) {
        EXPECT_EQ(ask("GET", path).status, 404U) << path;
    }
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "BREW"}) {
        const auto reply = ask(method, "/metrics");
        EXPECT_EQ(reply.status, 405U) << method;
        EXPECT_EQ(reply.allow, "GET, HEAD");
    }
    EXPECT_EQ(snapshots, 0);
}

TEST_F(routes, refuse_a_foreign_host_before_anything_else) {
    for (const char* path : {"/metrics", "/nowhere"}) {
        EXPECT_EQ(ask("GET", path, "evil.example").status, 403U);
    }
    EXPECT_EQ(snapshots, 0);
}

TEST_F(routes, turn_what_the_source_throws_into_a_500) {
    const http_request request{"GET", "localhost", "/status", true};
    const auto reply = answer(request, []() -> snapshot { throw std::runtime_error("no memory figures"); });
    EXPECT_EQ(reply.status, 500U);
    EXPECT_THAT(reply.body, HasSubstr("no memory figures"));
    EXPECT_EQ(answer(request, []() -> snapshot { throw std::bad_alloc(); }).status, 500U);
}

}  // namespace
}  // namespace numasio::detail
