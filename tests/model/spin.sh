#!/usr/bin/env bash
# Searches all states of a Spin model. usage: spin.sh WORK_FOLDER MODEL.pml [-DNAME...] [--ltl NAME] [--depth N]
# Exit status: 0 no promise is broken and the search was complete, 1 a promise is broken, 2 anything else.
set -euo pipefail
work=$1; model=$(readlink -f "$2"); shift 2
defines=() ltl= depth=200000
while (( $# > 0 )); do
    case $1 in
        --ltl) ltl=$2; shift 2 ;;
        --depth) depth=$2; shift 2 ;;
        *) defines+=("$1"); shift ;;
    esac
done
rm -rf "$work"; mkdir -p "$work"; cd "$work"
if [[ -n $ltl ]]; then
    spin "${defines[@]}" -a "$model" > spin.log 2>&1 || { cat spin.log; exit 2; }
    ${CMAKE_CXX_COMPILER_LAUNCHER:-} gcc -O1 -w -DNFAIR=3 -DMEMLIM=2048 -DNOBOUNDCHECK -o pan pan.c
    run=(./pan -a -f "-m$depth" -N "$ltl")
else
    spin "${defines[@]}" -a "$model" > spin.log 2>&1 || { cat spin.log; exit 2; }
    ${CMAKE_CXX_COMPILER_LAUNCHER:-} gcc -O1 -w -DSAFETY -DMEMLIM=2048 -DCOLLAPSE -DNOCLAIM -o pan pan.c
    run=(./pan "-m$depth")
fi
"${run[@]}" > pan.log 2>&1 || true
states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log | head -n 1)
errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log | head -n 1)
if [[ -z $errors ]] || grep -qE 'max search depth too small|out of memory|memory limit|search not completed' pan.log && [[ ${errors:-0} == 0 ]]; then
    echo "$(basename "$model") ${defines[*]} ${ltl}: the search did not complete"
    cat pan.log
    exit 2
fi
echo "$(basename "$model") ${defines[*]} ${ltl:+ltl $ltl}: ${states:-?} states, errors: $errors"
if (( errors > 0 )); then
    grep -m 1 '^pan:1:' pan.log || true
    exit 1
fi
