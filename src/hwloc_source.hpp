// A loaded hwloc topology: of this machine, a description or a file. Private to src/.
#pragma once

#include <hwloc.h>

#include <memory>
#include <string>
#include <string_view>

namespace numasio::detail {

using hwloc_handle = std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)>;
using hwloc_set = std::unique_ptr<hwloc_bitmap_s, decltype(&hwloc_bitmap_free)>;

/// Null, with errno, where hwloc cannot read this machine.
hwloc_handle load_live();

/// "synthetic:DESCRIPTION" or the name of an XML file. Throws system_error(errc::wrong_topology).
hwloc_handle load_described(std::string_view source);
constexpr std::string_view synthetic_prefix = "synthetic:";

/// The text of such a file. Throws as above.
hwloc_handle load_xml(std::string_view text);

/// What hwloc's environment variables name in place of this machine, in the words of load_described(): HWLOC_SYNTHETIC
/// before HWLOC_XMLFILE, as in hwloc. Empty where they name nothing.
std::string source_from_environment();

/// Empty, not null. Throws std::bad_alloc.
hwloc_set make_set();

}  // namespace numasio::detail
