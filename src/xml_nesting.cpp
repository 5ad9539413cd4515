// Counts tags, outside of comments and quotes.
#include "src/xml_nesting.hpp"

namespace numasio::detail {
namespace {

constexpr std::size_t none = std::string_view::npos;

// The '>' that ends the tag which begins at `at`; none where there is not one.
std::size_t end_of_tag(std::string_view text, std::size_t at) noexcept {
    char quote = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quote != 0) {
            if (c == quote) { quote = 0; }
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return at;
        }
    }
    return none;
}

std::size_t after(std::string_view text, std::string_view end, std::size_t from) noexcept {
    const std::size_t found = text.find(end, from);
    return found == none ? none : found + end.size() - 1;
}

}  // namespace

bool nested_within(std::string_view text, std::size_t limit) noexcept {
    std::size_t depth = 0;
    for (std::size_t at = 0; (at = text.find('<', at)) != none;) {
        const std::string_view rest = text.substr(at);
        std::size_t end = none;
        if (rest.substr(0, 4) == "<!--") {
            end = after(text, "-->", at + 4);
        } else if (rest.substr(0, 2) == "<?") {
            end = after(text, "?>", at + 2);
        } else if (rest.substr(0, 2) == "<!") {
            end = rest.substr(0, 9) == "<!DOCTYPE" ? text.find('>', at) : none;
            if (end != none && text.substr(at, end - at).find('[') != none) { return false; }
        } else {
            end = end_of_tag(text, at);
            if (end == none) { return false; }
            if (rest.substr(0, 2) == "</") {
                if (depth == 0) { return false; }
                --depth;
            } else if (text[end - 1] != '/' && ++depth > limit) {
                return false;
            }
        }
        if (end == none) { return false; }
        at = end + 1;
    }
    return true;
}

}  // namespace numasio::detail
