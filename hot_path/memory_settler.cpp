// A policy by mbind, every page touched, and where the kernel says that each is.
#include "hot_path/memory_settler.hpp"

#include "src/place_text.hpp"

#include <boost/system/system_error.hpp>

#include <utility>
#include <vector>

namespace numasio::hot_path {

std::string size_text(bytes size) {
    const auto mebi = size.value >> 20;
    return mebi << 20 == size.value ? std::to_string(mebi) + " MiB" : std::to_string((size.value + 1023) >> 10) + " KiB";
}

node_region memory_settler::bind(placement_subject subject, bytes size, memory_policy policy) {
    auto p = begin(subject, size_text(size) + ", " + std::string(to_string(policy)) + " " + node_text(site_.memory_node));
    auto region = map(size);
    if (!nodes_are_real()) {
        fault_in(region);
        unbound(std::move(p));
        return region;
    }
    const auto bound = region.bind(site_.memory_node, policy);
    const auto* const step = bound == errc::out_of_node_memory ? "memory check" : "mbind";
    if (bound && enforce_ == enforcement::strict) { fail(step, bound, p); }
    fault_in(region);
    p.pages = region.audit();
    p.got = found(*p.pages);
    const auto verdict = judge(*p.pages);
    if (bound) { finish(std::move(p), bound, step); }
    else { finish(std::move(p), verdict, "page audit"); }
    return region;
}

node_region memory_settler::made(bytes size, const region_options& options) const {
    try {
        return node_region(size, options);
    } catch (const boost::system::system_error& e) {
        throw boost::system::system_error(e.code(), name_of(site_) + ": memory of " + size_text(size) + remedy_);
    }
}

std::string memory_settler::found(const page_audit& audit) {
    if (audit.on_node.empty()) {
        knows_pages_ = false;
        return "page locations unknown";
    }
    std::vector<node_id> nodes;
    for (const auto& [node, pages] : audit.on_node) { nodes.push_back(node); }
    return nodes_text(nodes);
}

/// Honoured is only what was read back: a page of which nothing is known is none.
error_code memory_settler::judge(const page_audit& audit) const {
    if (audit.on(site_.memory_node) == audit.asked) { return {}; }
    if (audit.on(site_.memory_node) + audit.unknown == audit.asked) { return errc::pages_unknown; }
    return errc::pages_elsewhere;
}

node_region memory_settler::map(bytes size) const {
    try {
        return node_region(size);
    } catch (const boost::system::system_error& e) {
        throw boost::system::system_error(e.code(), name_of(site_) + ": mmap of " + size_text(size) + remedy_);
    }
}

void memory_settler::fault_in(node_region& region) const {
    if (const auto ec = region.prefault()) {
        throw boost::system::system_error(ec, name_of(site_) + ": prefaulting " + size_text(bytes{region.data().size()}) + remedy_);
    }
}

}  // namespace numasio::hot_path
