// How a worker builds its lanes and its service without knowing their types.
#pragma once

#include <numasio/detail/lane.hpp>
#include <numasio/detail/worker_core.hpp>
#include <numasio/node_context.hpp>

#include <concepts>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

namespace numasio {

/// What bridge::open() asks of a service.
template <class Service, class Request, class Response>
concept service_for = std::is_constructible_v<Service, node_context&> &&
                      std::is_nothrow_default_constructible_v<Response> &&
                      std::is_nothrow_move_constructible_v<Response> && std::is_move_constructible_v<Request> &&
                      requires(Service& service, Request&& request) {
                          { service(std::move(request)) } -> std::convertible_to<Response>;
                      };

namespace detail {

/// What the lanes of a port<Request, Response> carry, and who serves it.
template <class Request, class Response, class Service>
struct carried {
    using request = Request;
    using response = Response;
    using service = Service;
};

/// A service on its worker. Threads: that worker only, from construction to destruction.
class hosted_service {
public:
    virtual ~hosted_service() = default;
    /// Serves at most one batch of the lane; returns how many requests it took.
    virtual std::size_t serve(lane_base& from, serve_context& context) noexcept = 0;
};

class service_factory {
public:
    virtual ~service_factory() = default;
    virtual std::size_t lane_footprint(std::uint32_t capacity) const noexcept = 0;
    virtual std::unique_ptr<lane_base, destroy_in_arena> make_lane(std::uint32_t capacity,
                                                                   std::pmr::memory_resource& arena) const = 0;
    virtual std::unique_ptr<hosted_service> make_service(node_context& node) const = 0;
};

template <class Request, class Response, class Service>
class service_factory_for final : public service_factory {
    using lane_type = lane<Request, Response>;

    class host final : public hosted_service {
    public:
        explicit host(node_context& node) : node_(node), service_(node_) {}
        std::size_t serve(lane_base& from, serve_context& context) noexcept override {
            return static_cast<lane_type&>(from).serve(service_, context);
        }

    private:
        node_context node_;
        Service service_;
    };

public:
    std::size_t lane_footprint(std::uint32_t capacity) const noexcept override {
        return lane_type::footprint(capacity) + alignof(lane_type);
    }
    std::unique_ptr<lane_base, destroy_in_arena> make_lane(std::uint32_t capacity,
                                                           std::pmr::memory_resource& arena) const override {
        void* place = arena.allocate(sizeof(lane_type), alignof(lane_type));
        return std::unique_ptr<lane_base, destroy_in_arena>(::new (place) lane_type(capacity, arena));
    }
    std::unique_ptr<hosted_service> make_service(node_context& node) const override {
        return std::make_unique<host>(node);
    }
};

}  // namespace detail
}  // namespace numasio
