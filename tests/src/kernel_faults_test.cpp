// Refused system calls: the real program under strace's fault injection, no hooks in the code.
#include "support/strace.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>

namespace {

using numasio::test::answers;
using numasio::test::code;
using numasio::test::run;

// The probe with every `call` answered by `error`; `only` narrows the calls down.
answers refuse(const std::string& call, const std::string& error, const std::string& only = {}) {
    return run(numasio::test::under_fault("'" NUMASIO_KERNEL_PROBE "'", call, error, only));
}

TEST(kernel_faults, without_a_fault_all_is_granted_and_every_page_is_found) {
    const answers got = run("'" NUMASIO_KERNEL_PROBE "'");
    EXPECT_EQ(got.at("origin"), "live");
    EXPECT_EQ(got.at("pin"), "ok");
    EXPECT_EQ(got.at("thread_memory"), "ok");
    EXPECT_EQ(got.at("bind"), "ok");
    EXPECT_EQ(got.at("prefault"), "ok");
    EXPECT_EQ(got.at("asked"), "1500");
    EXPECT_EQ(got.at("unknown"), "0");
    EXPECT_EQ(got.at("ratio"), "1");
}

TEST(kernel_faults, a_refused_mbind_is_the_kernels_errno) {
    EXPECT_EQ(refuse("mbind", "EPERM").at("bind"), code(EPERM));
    EXPECT_EQ(refuse("mbind", "ENOSYS").at("bind"), code(ENOSYS));
    EXPECT_EQ(refuse("mbind", "ENOMEM").at("bind"), code(ENOMEM));
    EXPECT_EQ(refuse("mbind", "EIO").at("bind"), code(EIO));
}

TEST(kernel_faults, a_refused_set_mempolicy_is_the_kernels_errno) {
    EXPECT_EQ(refuse("set_mempolicy", "EPERM").at("thread_memory"), code(EPERM));
    EXPECT_EQ(refuse("set_mempolicy", "ENOSYS").at("thread_memory"), code(ENOSYS));
    EXPECT_EQ(refuse("set_mempolicy", "EINVAL").at("thread_memory"), code(EINVAL));
}

TEST(kernel_faults, without_move_pages_page_locality_is_absent_and_never_1) {
    for (const char* error : {"EPERM", "ENOSYS", "EACCES", "ENOMEM"}) {
        const answers got = refuse("move_pages", error);
        EXPECT_EQ(got.at("unknown"), "1500") << error;
        EXPECT_EQ(got.at("ratio"), "absent") << error;
    }
}

TEST(kernel_faults, without_get_mempolicy_the_allowed_nodes_come_from_proc) {
    for (const char* error : {"EPERM", "ENOSYS", "EINVAL"}) {
        const answers got = refuse("get_mempolicy", error);
        EXPECT_EQ(got.at("origin"), "live") << error;
        EXPECT_EQ(got.at("memory_allowed"), "yes") << error;
        EXPECT_EQ(got.at("bind"), "ok") << error;
    }
}

TEST(kernel_faults, a_refused_pin_is_the_kernels_errno) {
    EXPECT_EQ(refuse("sched_setaffinity", "EPERM").at("pin"), code(EPERM));
    EXPECT_EQ(refuse("sched_setaffinity", "EINVAL").at("pin"), code(EINVAL));
    EXPECT_EQ(refuse("sched_setaffinity", "ESRCH").at("pin"), code(ESRCH));
}

TEST(kernel_faults, a_pin_that_cannot_be_read_back_is_not_believed) {
    EXPECT_EQ(refuse("sched_getaffinity", "EPERM").at("pin"), code(EPERM));
    EXPECT_EQ(refuse("sched_getaffinity", "ENOSYS").at("pin"), code(ENOSYS));
}

// ThreadSanitizer's own start-up ends the program where its madvise is refused, so these exist in other builds only.
#if defined(__SANITIZE_THREAD__)
#define NUMASIO_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NUMASIO_TEST_TSAN 1
#endif
#endif
#ifndef NUMASIO_TEST_TSAN

TEST(kernel_faults, a_kernel_without_populate_is_touched_by_hand) {
    for (const char* error : {"EINVAL", "EPERM", "ENOSYS"}) {
        const answers got = refuse("madvise", error);
        EXPECT_EQ(got.at("prefault"), "ok") << error;
        EXPECT_EQ(got.at("ratio"), "1") << error;
    }
}

TEST(kernel_faults, a_failed_populate_is_the_kernels_errno) {
    EXPECT_EQ(refuse("madvise", "ENOMEM").at("prefault"), code(ENOMEM));
    EXPECT_EQ(refuse("madvise", "EFAULT").at("prefault"), code(EFAULT));
}

#endif

TEST(kernel_faults, a_node_whose_free_memory_cannot_be_read_is_left_to_the_kernel) {
    // The first two readers are libnuma and hwloc; from then on it is ours.
    const answers got = refuse("openat", "EACCES:when=3+", "-P /sys/devices/system/node/node0/meminfo");
    EXPECT_EQ(got.at("origin"), "live");
    EXPECT_EQ(got.at("free_memory"), "0");
    EXPECT_EQ(got.at("bind"), "ok");
}

TEST(kernel_faults, without_sysfs_the_machine_is_one_flagged_node) {
    const answers got = run("HWLOC_FSROOT=/nonexistent '" NUMASIO_KERNEL_PROBE "'");
    EXPECT_EQ(got.at("origin"), "fallback");
    const answers forced = run("HWLOC_THISSYSTEM=1 HWLOC_FSROOT=/nonexistent '" NUMASIO_KERNEL_PROBE "'");
    EXPECT_EQ(forced.at("origin"), "fallback");
    // access() is how the library looks for sysfs; glibc makes it access or faccessat, by processor.
    const answers unmounted = refuse("/^(access|faccessat)$", "ENOENT");
    EXPECT_EQ(unmounted.at("origin"), "fallback");
    EXPECT_NE(unmounted.at("allowed_cpus"), "0");
}

TEST(kernel_faults, without_a_readable_control_group_the_threads_mask_is_the_limit) {
    const std::string all = run("'" NUMASIO_KERNEL_PROBE "'").at("usable_cpus");
    for (const char* error : {"ENOENT", "EACCES", "EMFILE"}) {
        const answers got = refuse("openat", error, "-P /proc/self/cgroup");
        EXPECT_EQ(got.at("cpuset"), "absent") << error;
        EXPECT_EQ(got.at("usable_cpus"), all) << error;
        EXPECT_EQ(got.at("origin"), "live") << error;
    }
}

TEST(kernel_faults, without_its_mask_a_process_may_use_what_is_online_and_in_its_cpuset) {
    const std::string all = run("'" NUMASIO_KERNEL_PROBE "'").at("usable_cpus");
    for (const char* error : {"EPERM", "ENOSYS"}) {
        const answers got = refuse("sched_getaffinity", error);
        EXPECT_EQ(got.at("usable_cpus"), all) << error;
        EXPECT_EQ(got.at("origin"), "live") << error;
    }
}

TEST(kernel_faults, without_sysfs_or_proc_the_limits_are_the_threads_mask) {
    const std::string all = run("'" NUMASIO_KERNEL_PROBE "'").at("usable_cpus");
    EXPECT_EQ(refuse("openat", "EACCES", "-P /sys/devices/system/cpu/online").at("usable_cpus"), all);
    EXPECT_EQ(refuse("openat", "EACCES", "-P /proc/thread-self/status").at("usable_cpus"), all);
}

TEST(kernel_faults, another_machines_description_in_the_environment_is_not_live) {
    EXPECT_EQ(run("HWLOC_SYNTHETIC='numa:4 pu:2' '" NUMASIO_KERNEL_PROBE "'").at("origin"), "synthetic");
}

TEST(kernel_faults, discovery_does_not_touch_the_callers_affinity) {
    // hwloc's x86 part would visit every CPU; the probe's own pin must be the only call.
    const answers got = run("ASAN_OPTIONS=detect_leaks=0 strace -f -qq -c -U calls,name -e trace=sched_setaffinity "
                            "'" NUMASIO_KERNEL_PROBE "' 2>&1 | "
                            "sed -n 's/^ *\\([0-9]*\\) sched_setaffinity$/calls=\\1/p'");
    EXPECT_EQ(got.at("calls"), "1");
}

}  // namespace
