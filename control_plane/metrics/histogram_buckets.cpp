// Sums the fine buckets below each exported border.
#include <control_plane/metrics/histogram_buckets.hpp>

namespace numasio::detail {
namespace {

constexpr bool borders_coincide() {
    for (unsigned octave = first_exported_octave; octave <= last_exported_octave; ++octave) {
        const std::uint64_t border = exported_bound_ns(octave);
        if (latency_histogram::lower(latency_histogram::index(border)) != border) { return false; }
    }
    return true;
}
static_assert(borders_coincide(), "an exported bound that is no bucket border would have to be guessed");

}  // namespace

std::uint64_t count_below(const latency_histogram& value, std::size_t border) noexcept {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < border; ++i) { below += value.counts[i]; }
    return below;
}

std::vector<cumulative_bucket> cumulative_buckets(const latency_histogram& value) {
    std::vector<cumulative_bucket> result;
    result.reserve(last_exported_octave - first_exported_octave + 1);
    for (unsigned octave = first_exported_octave; octave <= last_exported_octave; ++octave) {
        const std::uint64_t border = exported_bound_ns(octave);
        result.push_back({static_cast<double>(border) / 1e9, count_below(value, latency_histogram::index(border))});
    }
    return result;
}

}  // namespace numasio::detail
