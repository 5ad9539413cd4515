// Orders and verdicts as JSON over HTTP.
#pragma once

#include "http/messages.hpp"
#include "limits/messages.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace limits {

/// {"symbol": "ALFA", "quantity": -5, "price": 101}. Nothing where it is not that; `wrong` then says what.
std::optional<order> read_order(std::string_view json, std::string& wrong);

/// 200 with the verdict, 404 for an instrument that the book does not know.
web::response reply(const web::request& to, const order& asked, const verdict& said);

}  // namespace limits
