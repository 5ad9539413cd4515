# ./dev soak [hours] [preset...]: the tests under sanitizers with new seeds, shaken, and the fuzz programs, until the time is up;
# sourced by dev.
soak_builds=(dev tsan asan clang-tsan clang-asan)

soak() {
    local hours=${1:-4} seed began=$SECONDS end round=0 preset result
    [[ $hours =~ ^[0-9]+([.][0-9]+)?$ ]] || die "soak takes a number of hours, not '$hours'"
    if (( $# > 1 )); then soak_builds=("${@:2}"); fi
    for preset in "${soak_builds[@]}"; do
        grep -q "\"name\": \"$preset\"" CMakePresets.json || die "soak: CMakePresets.json has no preset '$preset'"
    done
    setup run test check
    prepare_environment
    source tests/check/check.sh
    mkdir -p "$check_folder" docs/soak
    end=$(( SECONDS + $(awk -v h="$hours" 'BEGIN { printf "%d", h * 3600 }') ))
    result=docs/soak/$(date -u +%Y-%m-%d-%H%M).md
    soak_header "$result" "$hours"
    for preset in "${soak_builds[@]}"; do build "$preset"; build_samples "$preset" tests; done
    build_shaken
    build fuzz
    build_sample kv fuzz -DKV_FUZZ=ON

    # 10^8 in an hour or more, where nobody asked otherwise: about a third of an hour.
    wakes_sleeps=${NUMASIO_SLEEPS:-}
    [[ -n $wakes_sleeps ]] || wakes_sleeps=$(awk -v h="$hours" 'BEGIN { printf "%d", h < 1 ? h * 1e8 : 1e8 }')
    soak_round "$result" 0 - "dev, $wakes_sleeps sleeps and wake-ups" soak_wakes
    while (( SECONDS < end )); do
        round=$(( round + 1 ))
        seed=$(( $(date +%s) % 100000 ))
        preset=${soak_builds[round % ${#soak_builds[@]}]}
        soak_round "$result" "$round" "$seed" "$preset tests" soak_tests "$preset" "$seed"
        (( SECONDS < end )) || break
        soak_round "$result" "$round" "$seed" "shaken tests" shaken_tests "$seed"
        (( SECONDS < end )) || break
        soak_round "$result" "$round" "$seed" "fuzz, 10^6 each" soak_fuzz "$seed"
    done
    printf '\n%d passed, %d failed in %d s.\n' "$passed" "$failed" $(( SECONDS - began )) >> "$result"
    say "soak: $result"
    report
}

# Every test of library and sample once, in another order, the random ones from another seed.
soak_tests() {
    local preset=$1
    export GTEST_RANDOM_SEED=$2 NUMASIO_SEED=$2 RC_PARAMS="seed=$2"
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1
    if setarch -R true 2> /dev/null; then numasio_test_wrapper="setarch -R"; fi
    ctest_options=(--schedule-random)
    run_ctest "build/$preset" ""
    local name
    for name in $(samples); do run_ctest "build/$preset/$name" ""; done
}

soak_wakes() {
    wakes_limit=14400
    build dev
    all_sleeps
}

soak_fuzz() {
    fuzz_runs=1000000
    NUMASIO_FUZZ_SEED=$1
    fuzz_all
}

# soak_round RESULT ROUND SEED NAME COMMAND...: runs it into a log and adds one line to the result.
soak_round() {
    local result=$1 round=$2 seed=$3 name=$4 log=$check_folder/soak.log before_passed=$passed before_failed=$failed
    local began=$SECONDS
    shift 4
    "$@" > "$log" 2>&1 < /dev/null || true
    printf '| %d | %s | %s | %d | %d | %d |\n' "$round" "$seed" "$name" $(( passed - before_passed )) \
        $(( failed - before_failed )) $(( SECONDS - began )) | tee -a "$result"
    if (( failed > before_failed )); then cp "$log" "$check_folder/soak-failed-$round-$seed.log"; fi
}

soak_header() {
    {
        printf '# Soak of %s\n\n' "$(date -u '+%Y-%m-%d %H:%M UTC')"
        printf 'Commit %s, %s hours asked for, %s, %d CPUs, Linux %s.\n\n' \
            "$(git rev-parse --short HEAD 2> /dev/null || echo unknown)" "$2" \
            "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)"
        printf '| round | seed | what | passed | failed | seconds |\n|---|---|---|---|---|---|\n'
    } > "$1"
}
