// A file descriptor that is owned, and a bell made of one.
#pragma once

#include <numasio/errc.hpp>

#include <utility>

namespace numasio::platform {

/// Closes what it owns. Threads: one at a time.
class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(other.release()) {}
    descriptor& operator=(descriptor&& other) noexcept {
        descriptor moved(std::move(other));
        std::swap(number_, moved.number_);
        return *this;
    }
    ~descriptor();

    int number() const noexcept { return number_; }
    bool is_open() const noexcept { return number_ >= 0; }
    int release() noexcept { return std::exchange(number_, -1); }
    /// Another number of the same file. Not open where the kernel refuses, with the reason in `ec`.
    descriptor duplicate(error_code& ec) const noexcept;

private:
    int number_ = -1;
};

/// What to do where descriptors run out: "; raise ...", to go behind what failed. Empty for other errors.
const char* remedy_of(const error_code& ec) noexcept;

/// An eventfd: counts rings until somebody reads it. Not open where the kernel refuses, with the reason in `ec`.
descriptor make_bell(error_code& ec) noexcept;
/// Threads: any, also beside a reader. Blocks: never. Cost: one system call. In a signal's handler too.
void ring_bell(int bell) noexcept;

}  // namespace numasio::platform
