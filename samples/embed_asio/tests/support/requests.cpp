// Pipelined conversations, cut at random places.
#include "support/requests.hpp"

#include "support/client.hpp"

#include <cstdlib>

namespace embed::test {

unsigned seed() {
    const char* given = std::getenv("NUMASIO_SEED");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : 1;
}

/// Prices between 80 and 400 hit and miss every instrument's band; quantities beyond 100 are too large.
std::string request_maker::good() {
    const auto symbol = one_of(symbols_);
    switch (number(0, 9)) {
        case 0: return get("/healthz");
        case 1:
        case 2: return get("/positions/" + symbol);
        case 3: {  // the same in chunks
            const auto body = order(symbol, number(1, 60), number(80, 400));
            return "POST /orders HTTP/1.1\r\nHost: limits\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string("5\r\n") +
                   body.substr(0, 5) + "\r\n" + [](std::size_t n) {
                       const char* digits = "0123456789abcdef";
                       return std::string{digits[n / 16], digits[n % 16]};
                   }(body.size() - 5) + "\r\n" + body.substr(5) + "\r\n0\r\n\r\n";
        }
        default: return post_order(order(symbol, number(0, 9) == 0 ? number(101, 200) : number(-60, 100), number(80, 400)));
    }
}

/// Answered with an error; the connection goes on.
std::string request_maker::wrong() {
    const auto symbol = one_of(symbols_);
    const std::vector<std::string> all = {
        get("/nowhere"), get("/positions/NOSUCH"), get("/positions/"), get("/positions/" + symbol + "/x"), get("/orders"),
        "DELETE /orders HTTP/1.1\r\nHost: limits\r\n\r\n", "PUT /positions/ALFA HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
        post_order(""), post_order("{"), post_order("[]"), post_order("\"" + std::string(1000, 'x') + "\""), post_order("{}"),
        post_order(R"({"symbol":"ALFA","quantity":1})"), post_order(R"({"symbol":"alfa","quantity":1,"price":100})"),
        post_order(R"({"symbol":"ALFA","quantity":1.5,"price":100})"),
        post_order(R"({"symbol":"ALFA","quantity":99999999999999999999,"price":100})"),
        post_order(R"({"symbol":"ALFA","quantity":1,"price":100,"more":1})"), post_order(order("ALFA", 0, 100)),
        post_order(order("NOSUCH", 1, 100)), post_order(std::string(4096, '['))};
    return one_of(all);
}

std::string request_maker::last() {
    const std::vector<std::string> all = {
        "GET /healthz HTTP/1.1\r\nHost: limits\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
        post_order(std::string(4097, 'x')),
        "no request at all\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/9.9\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost limits\r\n\r\n",
        "POST /orders HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        "POST /orders HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n",
        "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"};
    return one_of(all);
}

conversation request_maker::next() {
    conversation out;
    std::string all;
    const int many = number(1, 100);
    for (int i = 0; i < many; ++i) { all += number(0, 9) == 0 ? wrong() : good(); }
    all += last();
    out.requests = static_cast<std::size_t>(many) + 1;
    // Some in one piece, some in small ones.
    const auto largest = number(0, 1) == 0 ? all.size() : static_cast<std::size_t>(number(10, 600));
    for (std::size_t at = 0; at < all.size();) {
        const auto size = largest == all.size() ? largest : static_cast<std::size_t>(number(1, static_cast<int>(largest)));
        out.pieces.push_back(all.substr(at, size));
        at += size;
    }
    return out;
}

}  // namespace embed::test
