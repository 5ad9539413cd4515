#!/usr/bin/env bash
# The searches that take minutes: Relacy's deep ones and Spin's largest. usage: large.sh MODEL_CHECK WORK_FOLDER
# ends with "models: N passed of N"; exit status 0 if all did
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
program=$(readlink -f "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)
tasks=(
    "$program task_end deep" "$program task_intake deep" "$program task_lead deep"  # the longest, so that nobody waits for one alone
    "$program sleep_wake deep" "$program cell_state deep" "$program slot_list deep" "$program reply_gate deep"
    "$program close deep" "$program ready_set deep" "$program work_hold deep" "$program inline_ring deep"
    "$program shared_lane deep" "$program waiting_line deep" "$program read_epochs deep"
    "$program stealing_deque deep" "$program task_inbox deep" "$program idle_workers deep"
    "$here/spin.sh $work/wake4 $here/sleep_wake.pml -DPRODUCERS=4"
    "$here/spin.sh $work/wake3 $here/sleep_wake.pml -DPRODUCERS=3 --ltl no_lost_wakeup"
    "$here/spin.sh $work/intake3 $here/shutdown.pml -DPRODUCERS=3 -DINTAKE_ONLY"
    "$here/spin.sh $work/shutdown2 $here/shutdown.pml -DPRODUCERS=2"
    "$here/spin.sh $work/ends2 $here/shutdown.pml -DPRODUCERS=2 -DINTAKE_ONLY --ltl ends"
    "$here/spin.sh $work/circle3 $here/cyclic_ports.pml -DWORKERS=3 -DNO_STOP --depth 2000000"
    "$here/spin.sh $work/circle2x2 $here/cyclic_ports.pml -DPLACES=2 -DCALLS=1 -DNO_STOP --depth 3000000"
    "$here/spin.sh $work/circle_stop $here/cyclic_ports.pml --depth 2000000"
    "$here/spin.sh $work/circle3_answered $here/cyclic_ports.pml -DWORKERS=3 -DCALLS=1 -DNO_STOP -DCELL=2 --ltl answered --depth 2000000"
    "$here/spin.sh $work/circle_ends $here/cyclic_ports.pml -DCALLS=1 --ltl ends --depth 2000000"
)
rm -f "$work"/*.log
printf '%s\n' "${!tasks[@]}" | work=$work xargs -P "$(nproc)" -I{} bash -c "
    $(declare -p tasks)
    if timeout 900 \${tasks[{}]} > \$work/{}.log 2>&1; then echo passed; else echo failed; fi > \$work/{}.verdict"
passed=0
for i in "${!tasks[@]}"; do
    grep -E 'executions:|states, errors' "$work/$i.log" || true
    if [[ $(< "$work/$i.verdict") == passed ]]; then passed=$(( passed + 1 ))
    else echo "FAILED: ${tasks[$i]}"; tail -n 40 "$work/$i.log"; fi
done
printf 'models: %d passed of %d\n' "$passed" "${#tasks[@]}"
(( passed == ${#tasks[@]} ))
