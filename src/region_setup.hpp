// Makes a region as its options ask, or tells what was lost. Private to src/.
#pragma once

#include "src/memory_choice.hpp"

#include <numasio/node_region.hpp>

#include <string>

namespace numasio {

/// `size` rounded up; throws system_error where that is more than an address space.
std::size_t whole_pages(bytes size, std::size_t page);

/// Free pages of that size in the node's pool.
std::uint64_t free_huge_pages(node_id node, bytes page);

/// Pages that are shared out together: where the kernel makes huge pages of small ones, those of a huge one.
std::uint64_t grain(const or_auto<page_kind>& pages, std::size_t page);

/// Does the audit say what the policy asks for? Honoured is only what was read back: a page of which nothing is known is none.
/// pages_elsewhere, pages_unknown or nothing.
error_code judge(const region_placement& placed, std::size_t page);

/// One run for one region. Throws boost::system::system_error, the region empty.
class region_setup {
public:
    region_setup(node_region& region, bytes size, const region_options& options)
        : region_(region), placed_(region.placed_), asked_(options), size_(size) {}

    void run();

private:
    void check_nodes();
    void choose_pages();
    bool map_bind_and_touch();
    void map();
    void advise();
    void reserve();
    void bind();
    void lock();
    void verify();
    void look_for_huge_pages();

    bool pool_has_enough(std::size_t page) const;
    bool takes_from_pools() const noexcept { return pool_page_size(placed_.pages).value != 0; }
    std::size_t page_bytes() const;
    bool on_nodes() const noexcept { return asked_.policy != memory_policy::local; }
    std::string room_text() const;
    bool nodes_with_memory_are_left() const;
    void lose(std::string step, error_code error, std::string why);
    [[noreturn]] void fail(const std::string& step, error_code error, const std::string& why) const;

    node_region& region_;
    region_placement& placed_;
    const region_options& asked_;
    const bytes size_;
};

}  // namespace numasio
