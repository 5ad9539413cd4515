// The book by itself: each limit, at its border.
#include "limits/documents.hpp"
#include "limits/risk_book.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace limits {
namespace {

class embed_book : public testing::Test {
protected:
    outcome decide(std::string_view symbol, std::int64_t quantity, std::int64_t price) {
        last = book(order{*symbol_name::from(symbol), quantity, price});
        return last.result;
    }
    risk_book book{*std::pmr::get_default_resource()};
    verdict last;
};

TEST_F(embed_book, holds_each_limit_at_its_border) {
    EXPECT_EQ(decide("ALFA", 1, 90), outcome::accepted);  // the reference is 100
    EXPECT_EQ(decide("ALFA", -1, 110), outcome::accepted);
    EXPECT_EQ(decide("ALFA", 1, 89), outcome::price_out_of_band);
    EXPECT_EQ(decide("ALFA", 1, 111), outcome::price_out_of_band);
    EXPECT_EQ(decide("ALFA", 101, 100), outcome::quantity_too_large);
    EXPECT_EQ(decide("ALFA", -101, 100), outcome::quantity_too_large);
    EXPECT_EQ(decide("NOSUCH", 1, 100), outcome::unknown_symbol);
    for (int i = 0; i < 5; ++i) { EXPECT_EQ(decide("ALFA", -100, 100), outcome::accepted); }
    EXPECT_EQ(decide("ALFA", -1, 100), outcome::position_limit);
    EXPECT_EQ(last.position, -500);
    EXPECT_EQ(decide("BRAVO", -1, 110), outcome::accepted) << "each instrument has its own";
    EXPECT_EQ(decide("ALFA", INT64_MIN, 100), outcome::quantity_too_large);
    EXPECT_EQ(decide("ALFA", 0, 0), outcome::accepted);
    EXPECT_EQ(last.position, -500) << "a question moves nothing";
}

TEST_F(embed_book, allocates_from_its_memory_and_only_when_built) {
    std::array<std::byte, 16384> room;
    std::pmr::monotonic_buffer_resource memory(room.data(), room.size(), std::pmr::null_memory_resource());
    risk_book own(memory);
    struct no_more : std::pmr::memory_resource {
        void* do_allocate(std::size_t, std::size_t) override { throw std::bad_alloc(); }
        void do_deallocate(void*, std::size_t, std::size_t) override {}
        bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    } none;
    auto* usual = std::pmr::set_default_resource(&none);
    EXPECT_EQ(own({*symbol_name::from("ZULU"), 1, 350}).result, outcome::accepted);
    std::pmr::set_default_resource(usual);
}

TEST(embed_symbol, is_one_to_eight_letters_and_digits) {
    for (const auto good : {"A", "NOVEMBER", "X9"}) { EXPECT_EQ(symbol_name::from(good)->text(), good); }
    for (const auto bad : {"", "alfa", "NINELONGX", "A B", "A\n"}) { EXPECT_FALSE(symbol_name::from(bad)) << bad; }
}

}  // namespace
}  // namespace limits
