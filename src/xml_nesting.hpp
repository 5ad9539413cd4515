// How deep the elements of an XML text are nested: the parser is recursive, and a file must not choose our stack's depth.
#pragma once

#include <cstddef>
#include <string_view>

namespace numasio::detail {

/// False where elements are nested deeper than `limit`, or where the text has constructs that hwloc never writes and that
/// could hide nesting from this count (CDATA, a DOCTYPE with declarations, tags without an end).
bool nested_within(std::string_view text, std::size_t limit) noexcept;

}  // namespace numasio::detail
