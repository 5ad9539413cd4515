#!/usr/bin/env bash
# Changes the protocols' headers one place at a time and demands that a check notices each; also the Spin models'.
# usage: mutants.sh WORK_FOLDER [PATTERN]     ends with "mutants: N killed of N"; exit status 0 if all were
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd)
pattern=${2:-}
compiler=(${CMAKE_CXX_COMPILER_LAUNCHER:-} ${CXX:-g++})
flags=(-std=c++20 -O0 -w -U_FORTIFY_SOURCE -fno-sized-deallocation)
"$here/relacy20.sh" "${RELACY_INCLUDE:-/usr/include}" "$work"

# build FOLDER CHECK: the check's program, with the headers of FOLDER before the real ones.
build() {
    local part
    for part in mutant_main "$2"; do  # each alone, or a compiler's cache could not help
        "${compiler[@]}" "${flags[@]}" -DNUMASIO_HUNT="hunt_$2" -I"$1" -I"$1/include" -isystem "$work" -I"$root" -I"$root/include" -I"$here" \
            -c "$here/$part.cpp" -o "$1/$part.o"
    done
    "${compiler[@]}" "$1/mutant_main.o" "$1/$2.o" -o "$1/program"
}

# one FOLDER: builds and runs the mutant there; its verdict goes to FOLDER/verdict.
one() {
    local folder=$1 check status=0
    check=$(< "$folder/check")
    if [[ $check == *.pml ]]; then
        "$here/spin.sh" "$folder/spin" "$here/$check" $(< "$folder/options") > "$folder/log" 2>&1 || status=$?
    elif ! build "$folder" "$check" > "$folder/log" 2>&1; then
        echo "broken: does not compile" > "$folder/verdict"; return
    else
        timeout 300 "$folder/program" > "$folder/log" 2>&1 || status=$?
    fi
    case $status in
        0) echo survived ;;
        1) echo "killed: $(grep -m 1 -oE 'SUCCESS$|executions: .*|errors: [1-9].*' <(grep -v 'SUCCESS$' "$folder/log") |
                           sed 's/executions: //') $(sed -n '/^[A-Z ]* (/{p;q}' "$folder/log" | sed 's/^[A-Z ]*//')" ;;
        *) echo "broken: exit status $status" ;;
    esac > "$folder/verdict"
}

count=0
folders=()
hunted=
mutant() {
    local header=$1 check=$2 what=$3 search=$4 replace=$5 path text folder rest
    [[ "$header $what" == *$pattern* ]] || return 0
    count=$(( count + 1 ))
    folder=$work/$(printf '%02d' "$count")
    path=$header
    [[ $header == */* ]] || path=include/numasio/detail/$header
    rm -rf "$folder"; mkdir -p "$(dirname "$folder/$path")"
    printf '%s\n' "$check" > "$folder/check"
    printf '%s: %s\n' "$header" "$what" > "$folder/what"
    hunted+=" $check "
    text=$(< "$root/$path")
    rest=${text#*"$search"}
    if [[ $rest == "$text" || $rest == *"$search"* ]]; then
        echo "broken: its text is not exactly once in $header" > "$folder/verdict"
        return
    fi
    printf '%s\n' "${text/"$search"/"$replace"}" > "$folder/$path"
    folders+=("$folder")
}
# spin_mutant MODEL WHAT OPTIONS: the model compiled with OPTIONS must break a promise.
spin_mutant() {
    local folder
    [[ "$1 $2" == *$pattern* ]] || return 0
    count=$(( count + 1 ))
    folder=$work/$(printf '%02d' "$count")
    rm -rf "$folder"; mkdir -p "$folder"
    printf '%s\n' "$1" > "$folder/check"
    printf '%s\n' "$3" > "$folder/options"
    printf '%s: %s\n' "$1" "$2" > "$folder/what"
    folders+=("$folder")
}
source "$here/mutants.list.sh"

# The unchanged headers pass what kills the mutants; with a pattern, what those hunted that it names.
controls=()
for check in sleep_wake cell_state slot_list reply_gate close ready_set work_hold inline_ring shared_lane waiting_line read_epochs \
    stealing_deque task_inbox task_intake idle_workers task_lead task_end; do
    [[ -z $pattern || $hunted == *" $check "* ]] || continue
    rm -rf "$work/control-$check"; mkdir -p "$work/control-$check"
    printf '%s\n' "$check" > "$work/control-$check/check"
    controls+=("$work/control-$check")
done

export -f one build
export here root work
printf '%s\0' "${controls[@]}" "${folders[@]}" |
    xargs -0 -P "$(nproc)" -I{} bash -c "$(declare -p compiler flags); set -euo pipefail; one {}"

killed=0
good=0
for folder in "${controls[@]}"; do
    if [[ $(< "$folder/verdict") == survived ]]; then good=$(( good + 1 ))
    else echo "the unchanged headers fail hunt_$(< "$folder/check"): $folder/log"; fi
done
for (( i = 1; i <= count; ++i )); do
    folder=$work/$(printf '%02d' "$i")
    verdict=$(< "$folder/verdict")
    printf '%2d %s\n     %s\n' "$i" "$(< "$folder/what")" "$verdict"
    if [[ $verdict == killed* ]]; then killed=$(( killed + 1 )); fi
done
printf 'controls: %d passed of %d\n' "$good" "${#controls[@]}"
printf 'mutants: %d killed of %d\n' "$killed" "$count"
(( killed == count && count > 0 && good == ${#controls[@]} ))
