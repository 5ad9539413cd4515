// Hears of a context's end as each of its services does.
#include <numasio/detail/context_end.hpp>

#include <utility>
#include <vector>

namespace numasio::detail {
namespace {

class end_service final : public boost::asio::execution_context::service {
public:
    static boost::asio::execution_context::id id;

    explicit end_service(boost::asio::execution_context& of) : service(of) {}

    void add(const std::shared_ptr<context_end>& one) {
        const std::lock_guard lock(mutex_);
        std::erase_if(all_, [](const auto& known) { return known.expired(); });
        all_.push_back(one);
    }

private:
    void shutdown() override {
        std::vector<std::weak_ptr<context_end>> all;
        {
            const std::lock_guard lock(mutex_);
            all = std::exchange(all_, {});
        }
        for (const auto& known : all) {
            if (const auto one = known.lock()) { one->happens(); }
        }
    }

    std::mutex mutex_;
    std::vector<std::weak_ptr<context_end>> all_;
};

boost::asio::execution_context::id end_service::id;

}  // namespace

std::shared_ptr<context_end> watch_end(boost::asio::execution_context& of, std::function<void()> told) {
    auto one = std::make_shared<context_end>(std::move(told));
    boost::asio::use_service<end_service>(of).add(one);
    return one;
}

}  // namespace numasio::detail
