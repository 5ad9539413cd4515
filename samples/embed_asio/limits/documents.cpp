// Reading orders strictly: each key once by name, whole numbers only; what is wrong is said by name.
#include "limits/documents.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace limits {
namespace {

namespace json = boost::json;
namespace http = boost::beast::http;

std::string_view reason(outcome result) {
    switch (result) {
        case outcome::accepted: return "accepted";
        case outcome::unknown_symbol: return "unknown symbol";
        case outcome::price_out_of_band: return "price is more than a tenth away from the reference";
        case outcome::quantity_too_large: return "quantity is more than 100";
        case outcome::position_limit: return "position would be more than 500";
    }
    return "";
}

}  // namespace

std::optional<order> read_order(std::string_view text, std::string& wrong) {
    boost::system::error_code error;
    const auto document = json::parse(json::string_view(text.data(), text.size()), error);
    if (error) {
        wrong = "the body is not JSON: " + error.message();
        return {};
    }
    if (!document.is_object()) {
        wrong = "the body is not an object with symbol, quantity and price";
        return {};
    }
    const auto& object = document.get_object();
    const auto number = [&](const char* key, std::int64_t& into) {
        const auto* value = object.if_contains(key);
        if (value == nullptr || !value->is_int64()) { wrong = std::string(key) + " is missing or not a whole number"; }
        else { into = value->get_int64(); }
    };
    order out;
    const auto* name = object.if_contains("symbol");
    const auto symbol = name != nullptr && name->is_string() ? symbol_name::from({name->get_string().data(), name->get_string().size()})
                                                             : std::nullopt;
    if (symbol) { out.symbol = *symbol; }
    else { wrong = "symbol is missing or not one to eight letters A to Z and digits"; }
    number("quantity", out.quantity);
    number("price", out.price);
    if (wrong.empty() && object.size() != 3) { wrong = "an order has symbol, quantity and price, and no other keys"; }
    if (wrong.empty() && out.quantity == 0) { wrong = "quantity is 0"; }
    if (!wrong.empty()) { return {}; }
    return out;
}

web::response reply(const web::request& to, const order& asked, const verdict& said) {
    const auto name = asked.symbol.text();
    if (said.result == outcome::unknown_symbol) {
        return web::refusal(to, http::status::not_found, "no instrument " + std::string(name));
    }
    json::object out{{"symbol", json::string_view(name.data(), name.size())}};
    if (asked.quantity != 0) { out["accepted"] = said.result == outcome::accepted; }
    if (said.result != outcome::accepted) {
        const auto why = reason(said.result);
        out["reason"] = json::string_view(why.data(), why.size());
    }
    out["position"] = said.position;
    return web::reply(to, http::status::ok, json::serialize(out));
}

}  // namespace limits
