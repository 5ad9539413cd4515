#!/usr/bin/env bash
# What the shaken schedule is worth: breaks one second look or check at a time, and runs the tests that threads meet in, plain and shaken.
# usage: mutants.sh WORK_FOLDER [PATTERN]     NUMASIO_RUNS: of each kind, at most (default 10)
# For each mutant: the first run that a test fails, crashes or hangs in, or "survives"; a run stands alone, its number is the shaken one's seed.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
pattern=${2:-}
runs=${NUMASIO_RUNS:-10}
longest=${NUMASIO_LONGEST:-60}  # seconds of a run; they take one or two
tests='between_workers*:shared_lane*:stop*:*sleeping*:call.*-call.a_long_batch*'
tree=$work/tree

# The sources once more, to be changed (and newer than what was built of them last time); only the tests that are run.
rm -rf "$tree"; mkdir -p "$tree"
cp -r "$root"/{CMakeLists.txt,CMakePresets.json,LICENSE,cmake,include,src,hot_path,control_plane,tests} "$tree"
sed -i '/^numasio_test(bridge_test/,/)$/c\numasio_test(bridge_test numasio_bridge between_workers_test.cpp call_test.cpp idle_test.cpp shared_lane_test.cpp stop_test.cpp token_test.cpp)' \
    "$tree/tests/control_plane/bridge/CMakeLists.txt"
export CCACHE_BASEDIR=$tree CCACHE_NOHASHDIR=1
for shaken in OFF ON; do
    cmake -S "$tree" -B "$work/build-$shaken" --preset shake --log-level=ERROR -DNUMASIO_SHAKE=$shaken > "$work/configure.log"
done

# verdict SHAKEN: runs the program until a test fails, crashes or hangs, and says in which.
verdict() {
    local program=$work/build-$1/bin/bridge_test run status log=$work/run.log
    for (( run = 1; run <= runs; ++run )); do
        status=0
        NUMASIO_SLEEPS=2000 NUMASIO_SHAKE_SEED=$run timeout "$longest" "$program" --gtest_filter="$tests" > "$log" 2>&1 || status=$?
        case $status in
            0) ;;
            1) echo "fails in run $run: $(sed -n 's/^\[  FAILED  \] \([^ ]*\) (.*/\1/p' "$log" | head -n 1)"; return ;;
            *) echo "$( (( status == 124 )) && echo hangs || echo crashes) in run $run: $(sed -n 's/^\[ RUN  *\] //p' "$log" | tail -n 1)"; return ;;
        esac
    done
    echo "survives $runs runs"
}

# mutant FILE WHAT SEARCH REPLACE: SEARCH occurs exactly once in the file.
mutant() {
    local file=$1 what=$2 text rest shaken
    [[ "$file $what" =~ $pattern ]] || return 0
    text=$(< "$root/$file")
    rest=${text#*"$3"}
    if [[ $rest == "$text" || $rest == *"$3"* ]]; then echo "$file: $what: broken: its text is not exactly once there"; return; fi
    printf '%s\n' "${text/"$3"/"$4"}" > "$tree/$file"
    for shaken in OFF ON; do
        cmake --build "$work/build-$shaken" --target bridge_test > "$work/build.log" 2>&1 || { tail "$work/build.log"; exit 2; }
    done
    printf '%s: %s\n  plain  %s\n' "$file" "$what" "$(verdict OFF)"
    printf '  shaken %s\n' "$(verdict ON)"
    cp -p "$root/$file" "$tree/$file"; touch "$tree/$file"
}
mutant CHANGELOG.md 'control: nothing is changed' 'newest first' 'newest first'
source "$here/mutants.list.sh"
