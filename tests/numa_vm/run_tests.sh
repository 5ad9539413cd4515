#!/bin/bash
# Inside the guest: runs the test programs named, tells their failures, and ends with "cases PASSED FAILED".
# run_tests.sh [--unprivileged] PROGRAM...: as a user without capabilities, whom the kernel grants what it grants anybody.
as=()
if [[ $1 == --unprivileged ]]; then
    shift
    as=(setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)
    # The way to the programs may be closed to others; what is opened here is the guest's layer above the host's files.
    folder=$PWD
    while [[ $folder != / ]]; do
        chmod o+rx "$folder"
        folder=$(dirname "$folder")
    done
fi
passed=0
failed=0
for program; do
    log=$(mktemp)
    # Emulated time is slow: which call counts as stuck is no question for it.
    timeout 240 "${as[@]}" "$program" --gtest_brief=1 --gtest_filter=-*stuck* > "$log" 2>&1
    status=$?
    good=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) tests?\.$/\1/p' "$log")
    bad=$(sed -nE 's/^ ?([0-9]+) FAILED TESTS?$/\1/p' "$log")
    if [[ -z $good ]] || (( status != 0 && ${bad:-0} == 0 )); then bad=$(( ${bad:-0} + 1 )); fi
    if (( ${bad:-0} > 0 )); then echo "-- $program ended with $status"; tail -n 60 "$log"; fi
    echo "$(basename "$program"): ${good:-0} passed, ${bad:-0} failed"
    passed=$(( passed + ${good:-0} )) failed=$(( failed + ${bad:-0} ))
done
echo "cases $passed $failed"
