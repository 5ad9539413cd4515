// YAML text as a small tree with places, built in linear time and bounded space.
#include "control_plane/plan/yaml_tree.hpp"

#include "control_plane/plan/yaml_text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <utility>

namespace numasio::detail {
namespace {

text_place place(const YAML::Mark& mark) {
    return mark.is_null() ? text_place{} : text_place{mark.line + 1, mark.column + 1};
}

/// Ends the parse at once; the problem has been recorded.
struct give_up {};

class tree_builder final : public YAML::EventHandler {
public:
    explicit tree_builder(problem_list& problems) : problems_(problems) {}

    std::optional<yaml_node> take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 1) { return; }
        refuse(mark, {"a second document begins", "one document in a file", "remove what follows the first"});
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        check(mark, anchor, "");
        add({yaml_kind::null, place(mark), true, {}, {}});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, {"an alias (*name)", "values written out: aliases are not read", ""});
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check(mark, anchor, tag);
        add({yaml_kind::scalar, place(mark), tag == "?", value, {}});
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(yaml_kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(yaml_kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    [[noreturn]] void refuse(const YAML::Mark& mark, complaint why) {
        problems_.add(place(mark), "", std::move(why));
        throw give_up{};
    }

    void check(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
        if (anchor != YAML::NullAnchor) {
            refuse(mark, {"an anchor (&name)", "values written out: anchors are not read", ""});
        }
        if (!tag.empty() && tag != "?" && tag != "!") {
            refuse(mark, {"a tag " + quoted(tag), "values without tags", "remove the tag"});
        }
        if (++nodes_ > most_nodes) {
            refuse(mark, {"more than " + std::to_string(most_nodes) + " values", "a smaller plan", ""});
        }
    }

    void open(yaml_kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        check(mark, anchor, tag);
        if (open_.size() == deepest_plan) {
            refuse(mark,
                   {"nested deeper than " + std::to_string(deepest_plan) + " levels", "a plan's four levels", ""});
        }
        open_.push_back({kind, place(mark), true, {}, {}});
    }

    void close() {
        yaml_node done = std::move(open_.back());
        open_.pop_back();
        add(std::move(done));
    }

    void add(yaml_node node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        yaml_node& parent = open_.back();
        const bool value = parent.kind == yaml_kind::map && parent.items.size() % 2 == 1;
        // yaml-cpp puts a value that is not there where the next one begins: its key is the better place.
        if (value && node.kind == yaml_kind::null) { node.at = parent.items.back().at; }
        parent.items.push_back(std::move(node));
    }

    problem_list& problems_;
    std::optional<yaml_node> root_;
    std::vector<yaml_node> open_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

}  // namespace

std::optional<yaml_node> read_yaml(std::string_view text, problem_list& problems) {
    if (!check_text(text, problems)) { return std::nullopt; }
    tree_builder builder(problems);
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        while (parser.HandleNextDocument(builder)) {}
    } catch (const give_up&) {
        return std::nullopt;
    } catch (const YAML::Exception& e) {
        problems.add(place(e.mark), "", {"YAML: " + e.msg, "lines of the form \"key: value\", those of one level "
                                         "indented alike", "look at this line and the one above it"});
        return std::nullopt;
    }
    auto root = builder.take();
    if (!root || root->kind == yaml_kind::null) {
        problems.add({}, "", {"the plan is empty", "at least \"version: 1\" and one pool", ""});
        return std::nullopt;
    }
    return root;
}

}  // namespace numasio::detail
