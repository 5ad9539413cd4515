// A topology as JSON; docs/status.md describes its shape under "topology".
#pragma once

#include <numasio/topology.hpp>

#include <boost/json/object.hpp>

namespace numasio::detail {

boost::json::object topology_document(const topology& machine);

}  // namespace numasio::detail
