# ./dev check: each stage is a function stage_NAME below; sourced by dev.
check_stages=(asan tsan clang14 install aarch64 fuzz models wakes shake numa-vm)
# By name, as in ./dev check tidy clang-tsan: beyond the hour that the others keep to on two cores. Soak runs the clang ones too.
longer_stages=(tidy clang-asan clang-tsan)
check_folder=$root/build/check

# cases PASSED FAILED: what a stage reports; a stage that ends without it counts as one failure.
cases() { printf '%d %d\n' "$1" "$2" > "$check_folder/cases"; }

check() {
    [[ ${1:-} != list ]] || { printf '%s\n' "${check_stages[@]}" "${longer_stages[@]}"; return; }
    setup run test check
    prepare_environment
    mkdir -p "$check_folder"
    local stages=("${check_stages[@]}") stage total_passed=0 total_failed=0
    if (( $# > 0 )); then stages=("$@"); fi
    for stage in "${stages[@]}"; do
        declare -F "stage_$stage" > /dev/null || die "check knows no stage '$stage'; ./dev check list names them"
    done
    for stage in "${stages[@]}"; do one_stage "$stage"; done
    printf '\n%d passed, %d failed\n' "$total_passed" "$total_failed"
    (( total_failed == 0 ))
}

# How ctest, GoogleTest and ninja say that something failed: the end of a long log seldom shows it.
failure_line='\*\*\*(Failed|Timeout|Exception|Not Run)|^\[  FAILED  \]|: Failure$|^FAILED: '
# Runs a stage into its log, with a sign of life on a terminal, and adds its cases to the totals.
one_stage() {
    local stage=$1 log=$check_folder/$1.log began=$SECONDS status=0 good=0 bad=1
    rm -f "$check_folder/cases"
    printf '== %-11s' "$stage"
    ( set -e; "stage_$stage" ) > "$log" 2>&1 < /dev/null & local job=$!
    while [[ -t 1 ]] && kill -0 "$job" 2> /dev/null; do
        printf '\r== %-11s %4d s  %.80s\033[K' "$stage" $(( SECONDS - began )) "$(tail -n 1 "$log" | tr -d '\r')"
        sleep 1
    done
    wait "$job" || status=$?
    if [[ -s $check_folder/cases ]]; then read -r good bad < "$check_folder/cases"; fi
    if (( status != 0 && bad == 0 )); then bad=1; fi
    if [[ -t 1 ]]; then printf '\r\033[K== %-11s' "$stage"; fi
    printf ' %s: %d passed, %d failed, %d s\n' "$( (( bad == 0 )) && echo ok || echo FAILED)" "$good" "$bad" \
        $(( SECONDS - began ))
    if (( bad > 0 )); then
        printf -- '-- what failed in %s:\n' "$log"
        grep -aE -A 40 "$failure_line" "$log" | head -n 400 || true
        printf -- '-- the end of %s:\n' "$log"
        tail -n 60 "$log"
    fi
    total_passed=$(( total_passed + good )) total_failed=$(( total_failed + bad ))
}

# --- sanitizers -------------------------------------------------------------------------------
# Every test of library and sample under a sanitizer. Reports go to files, so that a report of a child process,
# whose exit status a test may not see, fails the stage too.
sanitized_tests() {
    local preset=$1 reports=$check_folder/$1.reports report_count
    rm -rf "$reports" && mkdir -p "$reports"
    # GCC's ThreadSanitizer cannot map its shadow where the kernel randomises more than it expects.
    if setarch -R true 2> /dev/null; then numasio_test_wrapper="setarch -R"; fi
    export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:log_path=$reports/report"
    export UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/report"
    export TSAN_OPTIONS="second_deadlock_stack=1:log_path=$reports/report"
    test_preset "$preset" ""
    report_count=$(find "$reports" -type f | wc -l)
    echo "$preset: $report_count reports"
    find "$reports" -type f -exec head -n 60 {} +
    if (( report_count > 0 )); then failed=$(( failed + report_count )); fi
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}
# Without UBSan's vptr check: it looks through a pipe whether it may read an object, and takes a process that has no
# descriptors left, as two of our tests have, for one with a bad object.
stage_asan() { sanitized_tests asan; }
stage_tsan() { sanitized_tests tsan; }
stage_clang-asan() { sanitized_tests clang-asan; }
stage_clang-tsan() { sanitized_tests clang-tsan; }

# --- other compilers, other machines ----------------------------------------------------------
# The oldest supported clang: the library, every public header alone, and the sample.
stage_clang14() {
    build clang14 -DNUMASIO_TESTS=OFF
    build_samples clang14
    cases $(( 1 + $(samples | wc -l) )) 0
}

# Cross-compiles everything, tests too; a root with the arm64 packages is unpacked beside it, the machine stays as it is.
stage_aarch64() {
    unpack_aarch64_root
    build aarch64
    cmake -S tests/install -B build/aarch64/consumer -G Ninja -DCMAKE_TOOLCHAIN_FILE="$root/cmake/aarch64.cmake" \
        -DCOMPONENTS="core;bridge;control"
    cmake --build build/aarch64/consumer
    local program
    for program in core bridge control; do
        aarch64-linux-gnu-readelf -h "build/aarch64/consumer/use_$program" | grep -q 'Machine: *AArch64'
    done
    cases 4 0
}

unpack_aarch64_root() {
    local work=$root/build/aarch64 package
    local packages=(libhwloc-dev libhwloc15 libudev1 libnuma-dev libnuma1 libboost1.81-dev libboost-json1.81-dev
                    libboost-json1.81.0 libboost-container1.81-dev libboost-container1.81.0 libboost-system1.81-dev
                    libboost-system1.81.0 libyaml-cpp-dev libyaml-cpp0.7 prometheus-cpp-dev libcli11-dev
                    libprometheus-cpp-core1.0 zlib1g)
    # Unpacked once, and anew where the list has changed.
    [[ $(cat "$work/root.ready" 2> /dev/null) != "${packages[*]}" ]] || return 0
    mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/root"
    # A private apt: the sources of this machine, the architecture of the other.
    local apt=(apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
               -o Dir::State="$work/apt" -o Dir::State::Lists="$work/apt/lists" -o Dir::State::status=/dev/null
               -o Dir::Cache="$work/apt")
    "${apt[@]}" update
    (cd "$work/apt/archives" && "${apt[@]}" download "${packages[@]/%/:arm64}")
    for package in "$work"/apt/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done
    printf '%s\n' "${packages[*]}" > "$work/root.ready"
}

# --- the installed package --------------------------------------------------------------------
consume() {
    local name=$1; shift
    say "install: $name"
    rm -rf "$check_folder/install/$name"
    cmake -S tests/install -B "$check_folder/install/$name" -G Ninja --log-level=NOTICE \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_DISABLE_FIND_PACKAGE_CURL=ON -DCMAKE_DISABLE_FIND_PACKAGE_civetweb=ON \
        -DCMAKE_DISABLE_FIND_PACKAGE_civetweb-3rdparty=ON "$@"
    cmake --build "$check_folder/install/$name"
    run_ctest "build/check/install/$name" ""
}

# A stranger's project against the package: static, shared and as a subdirectory; core asks for neither YAML nor HTTP.
stage_install() {
    local all=-DCOMPONENTS="core;bridge;control" unity=(-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=6)
    local no_control=(-DCMAKE_DISABLE_FIND_PACKAGE_yaml-cpp=ON -DCMAKE_DISABLE_FIND_PACKAGE_PrometheusCppCore=ON)
    build release
    consume core -DCMAKE_PREFIX_PATH="$root/build/release/install" "${no_control[@]}"
    consume bridge -DCMAKE_PREFIX_PATH="$root/build/release/install" -DCOMPONENTS="core;bridge" "${no_control[@]}"
    consume static -DCMAKE_PREFIX_PATH="$root/build/release/install" "$all"
    if ldd "$check_folder/install/core/use_core" "$check_folder/install/bridge/use_bridge" \
            | grep -E 'yaml|prometheus|curl|civetweb|boost_json'; then
        echo "core or bridge links a library of the control plane"; failed=$(( failed + 1 ))
    else
        passed=$(( passed + 1 ))
    fi
    say "install: shared libraries"
    cmake -S . -B "$check_folder/shared" -G Ninja --log-level=NOTICE -DCMAKE_BUILD_TYPE=Release \
        -DBUILD_SHARED_LIBS=ON "${unity[@]}" -DCMAKE_INSTALL_PREFIX="$check_folder/shared/install"
    cmake --build "$check_folder/shared"
    cmake --install "$check_folder/shared" > /dev/null
    local tool
    for tool in build/release/install "$check_folder/shared/install"; do
        if [[ $("$tool/bin/numasioctl" --version) == "numasioctl "* ]]; then passed=$(( passed + 1 )); else failed=$(( failed + 1 )); fi
    done
    consume shared -DCMAKE_PREFIX_PATH="$check_folder/shared/install" "$all"
    consume subdirectory -DNUMASIO_SOURCE="$root" "${unity[@]}" "$all"
    cases "$passed" "$failed"
    (( failed == 0 ))
}

# --- models -----------------------------------------------------------------------------------
# The protocols of numasio/detail: the searches that ./dev test is too short for, then every mutant of the headers.
stage_models() {
    local log=$check_folder/models.out
    build dev
    say "models: large searches"
    tests/model/large.sh build/dev/bin/model_check "$check_folder/models" 2>&1 | tee "$log" || true
    say "models: mutants"
    tests/model/mutants.sh "$check_folder/mutants" 2>&1 | tee -a "$log" || true
    count_models < <(sed -nE 's/^(models|controls): ([0-9]+) passed of ([0-9]+)$/\2 \3/p
                              s/^mutants: ([0-9]+) killed of ([0-9]+)$/\1 \2/p' "$log")
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}
# Reads lines "GOOD ALL", one each of models, controls and mutants; a missing one broke off and counts as a failure.
count_models() {
    local good all lines=0
    while read -r good all; do
        lines=$(( lines + 1 )) passed=$(( passed + good )) failed=$(( failed + all - good ))
    done
    failed=$(( failed + 3 - lines ))
}

# --- sleeps -----------------------------------------------------------------------------------
# A thread that waits for a wake-up which never comes is a test that never ends. Nothing wakes it but the handshake.
wakes_sleeps=${NUMASIO_SLEEPS:-1000000}
wakes_limit=600
stage_wakes() {
    build dev
    all_sleeps
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}

# Some processes at a time share the sleeps of each: one alone waits for processors that have halted, most of its time.
all_sleeps() {
    local one part parts=8 each started good log=$check_folder/wakes.out
    each=$(( (wakes_sleeps + parts - 1) / parts ))
    for one in "hot_path_test parker.loses_no*" "bridge_test *sleeping.loses_no*/park"; do
        say "wakes: $parts times $each sleeps: $one"
        started=() good=0
        for (( part = 0; part < parts; ++part )); do
            NUMASIO_SLEEPS=$each timeout "$wakes_limit" "build/dev/bin/${one% *}" --gtest_filter="${one#* }" > "$log.$part" 2>&1 &
            started+=($!)
        done
        for (( part = 0; part < parts; ++part )); do
            # A filter that matches nothing passes too: one test it must be.
            if wait "${started[part]}" && grep -qxF '[  PASSED  ] 1 test.' "$log.$part"; then good=$(( good + 1 )); fi
            cat "$log.$part"
        done
        if (( good == parts )); then passed=$(( passed + 1 )); else failed=$(( failed + 1 )); fi
    done
}

# --- the shaken schedule ----------------------------------------------------------------------
# The tests that threads meet in, where each thread pauses at random inside the protocols. A seed is a schedule as far as the machine
# repeats one; a failed test's output names it.
shake_seeds=(${NUMASIO_SHAKE_SEEDS:-$(seq 30)})
shake_tests='^(parker|shake|batch|batches|waiting|waiting_under_load|stream|between_workers|shared_lane|stop|start|call|blocking|driven_worker|lane_of|port|.*sleeping)[./]'
stage_shake() {
    local seed
    build_shaken
    for seed in "${shake_seeds[@]}"; do shaken_tests "$seed"; done
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}
build_shaken() {
    say "build: shake, hot_path_test and bridge_test"
    cmake --preset shake --log-level=NOTICE
    cmake --build build/shake --target hot_path_test bridge_test
}
shaken_tests() {
    say "shake: NUMASIO_SHAKE_SEED=$1"
    NUMASIO_SHAKE_SEED=$1 NUMASIO_SLEEPS=2000 run_ctest build/shake "$shake_tests"
}

# --- fuzz -------------------------------------------------------------------------------------
fuzz_runs=${NUMASIO_FUZZ_RUNS:-100000}
stage_fuzz() {
    build fuzz
    build_sample kv fuzz -DKV_FUZZ=ON
    fuzz_all
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}

# Each fuzz program, from the committed corpus on; an input that takes longer than a second, leaks, or holds more than
# a gigabyte counts as a crash. A second of the processor, that is: on a loaded machine the clock's says nothing, so what was slow by
# the clock runs once more by itself.
fuzz_all() {
    local program name found corpus done_runs
    for program in build/fuzz/bin/fuzz_*; do
        [[ -x $program && -f $program ]] || continue
        name=$(basename "$program")
        found=$check_folder/fuzz/$name
        mkdir -p "$found"
        rm -f "$found"-slow-unit-*
        corpus=$(find tests/fuzz samples/kv -type d -path "*corpus/${name#fuzz_}" -print -quit)
        say "fuzz: $name ($fuzz_runs executions, corpus ${corpus:-none})"
        if "$program" -runs="$fuzz_runs" -timeout=30 -report_slow_units=1 -rss_limit_mb=1024 -seed="${NUMASIO_FUZZ_SEED:-1}" -verbosity=0 \
                -print_final_stats=1 -artifact_prefix="$found-" "$found" ${corpus:+"$corpus"} > "$found.log" 2>&1 \
                && done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") \
                && (( done_runs >= fuzz_runs )) && none_takes_a_second "$program" "$found"-slow-unit-*; then
            passed=$(( passed + 1 )); echo "ok: $done_runs executions"
        else
            failed=$(( failed + 1 )); tail -n 40 "$found.log"
        fi
    done
}

# none_takes_a_second PROGRAM [INPUT...]: of the processor's time.
none_takes_a_second() {
    local program=$1 input; shift
    for input; do
        [[ -f $input ]] || continue
        if ! ( ulimit -t 1; "$program" "$input" > /dev/null 2>&1 ); then echo "takes more than a second: $input"; return 1; fi
    done
}

# --- machines of many nodes -------------------------------------------------------------------------
# The tests about nodes on real kernels with many of them, emulated; the foundation's and the workers' on each machine. An emulator
# uses one core and up to 4 GB: as many machines at a time as there are of both.
stage_numa-vm() {
    source tests/numa_vm/numa_vm.sh
    build dev
    numa_vm_setup stable
    numa_vm_setup backports
    local machine name programs logs=$check_folder/numa-vm began=$SECONDS at_once cores
    at_once=$(( $(awk '/MemAvailable/ { print $2 }' /proc/meminfo) / 4000000 )) cores=$(nproc)
    at_once=$(( at_once < 1 ? 1 : at_once < cores ? at_once : cores ))
    rm -rf "$logs" && mkdir -p "$logs"
    programs=(numa_machine_test contract_test hot_path_test readable_set_test foundation_test bridge_test)
    in_machine two_nodes --unprivileged
    for machine in tests/numa_vm/machines/*.machine; do
        name=$(basename "$machine" .machine)
        programs=(numa_machine_test worker_change_test contract_test)
        # Newer kernels of Debian have no cpusets of version 1, which it changes too.
        grep -q '^kernel backports' "$machine" || programs+=(topology_change_test)
        # The longer ones where the shape of the machine means something to them.
        if [[ $name =~ ^(four_asymmetric|no_memory_no_cpus|sparse_ids|small_huge_pools)$ ]]; then
            programs+=(hot_path_test foundation_test)
        fi
        if [[ $name == devices ]]; then programs+=(numa_devices_test); fi
        if [[ $name =~ ^(devices|four_asymmetric|no_memory_no_cpus)$ ]]; then programs+=(cli_test); fi
        if [[ $name == four_asymmetric ]]; then programs+=(bridge_test layout_test); fi
        in_machine "$name"
    done
    wait
    count_machines
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}

# in_machine NAME [OPTION]: the programs, in that machine, in the background as soon as there is room; its log is NAMEOPTION.log.
in_machine() {
    local name=$1 log=$logs/$1${2:-}.log; shift
    while (( $(jobs -rp | wc -l) >= at_once )); do wait -n || true; done
    echo "numa-vm: $name $*, after $(( SECONDS - began )) s"
    numa-vm --topology "$name" --timeout 900 -- \
        bash tests/numa_vm/run_tests.sh "$@" "${programs[@]/#/$root/build/dev/bin/}" > "$log" 2>&1 &
}

# What each machine said, those where something failed last; one that does not report counts as a failure.
count_machines() {
    local log bad=()
    for log in "$logs"/*.log; do
        if [[ $(tail -n 1 "$log") =~ ^cases\ ([0-9]+)\ ([0-9]+) ]]; then
            passed=$(( passed + BASH_REMATCH[1] )) failed=$(( failed + BASH_REMATCH[2] ))
            if (( BASH_REMATCH[2] > 0 )); then bad+=("$log"); continue; fi
            say "numa-vm: $(basename "$log" .log)"; cat "$log"
        else
            echo "numa-vm: not run: $(basename "$log" .log)" >> "$log"
            bad+=("$log"); failed=$(( failed + 1 ))
        fi
    done
    for log in "${bad[@]}"; do
        say "numa-vm: $(basename "$log" .log): FAILED"; grep -vE '^cases .* 0$' "$log" || true
    done
}

# --- clang-tidy -------------------------------------------------------------------------------
# The checks of .clang-tidy over the library's own sources; what is found inside other people's headers is not ours.
stage_tidy() {
    local sources source log=$check_folder/tidy.findings
    build clang14 -DNUMASIO_TESTS=OFF
    mapfile -t sources < <(find src hot_path control_plane -name '*.cpp' | sort)
    printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy-14 -p build/clang14 --quiet > "$log" || failed=$(( failed + 1 ))
    for source in "${sources[@]}"; do
        if grep -qE "^$root/$source:.*(warning|error):" "$log"; then failed=$(( failed + 1 )); else passed=$(( passed + 1 )); fi
    done
    # A header of ours counts once, whichever source it was found through.
    failed=$(( failed + $(grep -oE "^$root/[^:]*\.hpp:.*(warning|error):" "$log" | cut -d: -f1 | sort -u | wc -l) ))
    grep -E "^$root/.*(warning|error):" "$log" | sort -u
    cases "$passed" "$failed"
    (( failed == 0 && passed > 0 ))
}
