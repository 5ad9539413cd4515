// Two plugins of one program, each with a numasio of its own: a thread's lanes in one are not those in the other.
#include <gtest/gtest.h>

#include <dlfcn.h>

namespace {

class plugin {
public:
    explicit plugin(const char* path) : library_(::dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        if (library_ == nullptr) { ADD_FAILURE() << ::dlerror(); }
        else { function<void()>("begin")(); }
    }
    ~plugin() {
        if (library_ != nullptr) { function<void()>("end")(); }  // stays loaded: its threads' ends are its code
    }
    int call() const { return function<int()>("call")(); }

private:
    template <class F>
    F* function(const char* name) const { return reinterpret_cast<F*>(::dlsym(library_, name)); }

    void* library_;
};

TEST(plugins, with_a_numasio_each_keep_to_their_own_lanes) {
    const plugin one(NUMASIO_PLUGIN_1);
    const plugin two(NUMASIO_PLUGIN_2);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(one.call(), 1);
        ASSERT_EQ(two.call(), 2);
    }
}

}  // namespace
