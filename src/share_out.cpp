// Which pages go where: as many as there are too many of, taken and dealt evenly.
#include "src/share_out.hpp"

#include "src/platform/huge_pages.hpp"
#include "src/platform/linux_memory.hpp"
#include "src/platform/page_tables.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <vector>

namespace numasio {
namespace {

constexpr std::size_t bytes_from_pool = std::size_t{4} << 20;

class sharing {
public:
    sharing(const page_audit& now, const page_audit& wanted) {
        for (const auto& [node, pages] : now.on_node) {
            if (pages > wanted.on(node)) { surplus_[node] = {pages, pages - wanted.on(node)}; }
        }
        for (const auto& [node, pages] : wanted.on_node) {
            if (pages > now.on(node)) { short_.push_back({node, static_cast<std::int64_t>(pages - now.on(node))}); }
        }
        for (const auto& s : short_) { missing_ += s.pages; }
    }

    bool nothing_to_do() const noexcept { return surplus_.empty() || short_.empty(); }

    /// Where `count` pages that are on `node` go together; where they are, if they stay.
    node_id of(node_id node, std::size_t count) {
        const auto found = surplus_.find(node);
        if (found == surplus_.end()) { return node; }
        auto& from = found->second;
        from.due += static_cast<std::int64_t>(from.surplus * count);
        const auto whole = static_cast<std::int64_t>(from.here * count);
        if (2 * from.due < whole) { return node; }
        from.due -= whole;
        return next();
    }

private:
    struct giver {
        std::uint64_t here = 0;
        std::uint64_t surplus = 0;
        std::int64_t due = 0;  // in pages × `here`
    };
    struct taker {
        node_id node;
        std::int64_t pages = 0;
        std::int64_t credit = 0;
    };

    /// In turn, each as often as it is short of pages.
    node_id next() {
        for (auto& s : short_) { s.credit += s.pages; }
        auto& first = *std::max_element(short_.begin(), short_.end(), [](const auto& a, const auto& b) { return a.credit < b.credit; });
        first.credit -= missing_;
        return first.node;
    }

    std::map<node_id, giver> surplus_;
    std::vector<taker> short_;
    std::int64_t missing_ = 0;
};

}  // namespace

void share_out(const node_region& region, const page_audit& now, const page_audit& wanted, const std::atomic<std::uint32_t>& ends) {
    sharing share(now, wanted);
    if (share.nothing_to_do()) { return; }
    // Looked at, and moved, together: the small pages of one huge page; of a pool's pages a few.
    const auto size = static_cast<std::size_t>(region.page_size().value);
    const bool from_pool = size != platform::page_size();
    const std::size_t stretch = std::max<std::size_t>((from_pool ? bytes_from_pool : platform::transparent_page_size()) / size, 1);
    const bool joined = !from_pool && platform::huge_share(region.data()).value_or(1.0) > 0;
    std::vector<void*> page(stretch);
    std::vector<int> node(stretch);
    std::vector<void*> moved;
    std::vector<int> to;
    for (std::size_t at = 0; at < region.pages() && ends.load(std::memory_order_relaxed) == 0; at += stretch) {
        const std::size_t count = std::min(stretch, region.pages() - at);
        for (std::size_t i = 0; i < count; ++i) { page[i] = region.data().data() + (at + i) * size; }
        if (platform::locate_pages({page.data(), count}, {node.data(), count})) { return; }
        const bool as_one = joined && count == stretch && std::all_of(node.begin(), node.end(), [&](int n) { return n == node[0]; });
        const std::size_t unit = as_one ? stretch : 1;
        moved.clear();
        to.clear();
        for (std::size_t i = 0; i < count; i += unit) {
            if (node[i] < 0) { continue; }
            const node_id from{static_cast<std::uint32_t>(node[i])};
            const node_id target = share.of(from, unit);
            if (target == from) { continue; }
            moved.insert(moved.end(), page.begin() + static_cast<std::ptrdiff_t>(i), page.begin() + static_cast<std::ptrdiff_t>(i + unit));
            to.insert(to.end(), unit, static_cast<int>(target.value));
        }
        platform::move_pages_to(moved, to);
    }
}

}  // namespace numasio
