#!/usr/bin/env bash
# One promise of ./dev, by name: the real script, in a small tree of its own where it must build something.
set -uo pipefail
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tree=$(mktemp -d)
trap 'chmod -R u+w "$tree"; rm -rf "$tree"' EXIT
chmod 755 "$tree"
cp "$source_tree/dev" "$tree/dev"

# dev ARGS...: runs it; leaves rc, and what it wrote in $out and $err.
dev() {
    "${as[@]}" "$tree/dev" "$@" > "$tree.out" 2> "$tree.err"
    rc=$?
    out=$(cat "$tree.out") err=$(cat "$tree.err")
    rm -f "$tree.out" "$tree.err"
}
as=(env)

fail() { printf 'FAILED: %s\nrc %s\n--- stdout\n%s\n--- stderr\n%s\n' "$1" "$rc" "$out" "$err"; exit 1; }
says() { [[ $err == *"$1"* ]] || fail "stderr lacks: $1"; }

# A user who owns nothing: root may write everywhere.
as_nobody() { if [[ $EUID -eq 0 ]]; then as=(setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/); fi; }

# A project with the presets and the sample that the script expects, and two tests.
make_project() {
    mkdir -p "$tree/samples/kv" "$tree/build/tools/bin"
    ln -s "$(command -v true)" "$tree/build/tools/bin/promtool"  # nothing to download
    cat > "$tree/CMakePresets.json" <<'JSON'
{"version": 3, "configurePresets": [{"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/dev"}]}
JSON
    local folder name
    for name in library sample; do
        folder=$tree; [[ $name == sample ]] && folder=$tree/samples/kv
        printf '%s\n' 'cmake_minimum_required(VERSION 3.21)' "project($name NONE)" 'enable_testing()' \
            "add_test(NAME $name.starts COMMAND false)" "add_test(NAME $name.stops COMMAND false)" \
            > "$folder/CMakeLists.txt"
    done
}

case ${1:-} in
    options)
        for option in -l --lists --help -h; do
            dev test $option
            [[ $rc -ne 0 && -z $out ]] || fail "$option was taken"
            says "usage: ./dev COMMAND"; says "--list"; says "not '$option'"
        done
        dev test one two
        [[ $rc -ne 0 ]] || fail "a second filter was ignored"
        says "one|other"
        [[ ! -e $tree/build ]] || fail "it built something first"
        ;;
    list)
        make_project
        dev test --list
        [[ $rc -eq 0 ]] || fail "it did not end well"
        [[ $out == $'library.starts\nlibrary.stops\nsample.starts\nsample.stops' ]] || fail "these are not the names"
        ;;
    unwritable_folder)
        mkdir "$tree/build"; chmod 555 "$tree/build"; as_nobody
        for command in build run test bench; do
            mkdir -p "$tree/samples/kv" 2> /dev/null; : > "$tree/samples/kv/kv.yaml"
            dev $command
            [[ $rc -ne 0 ]] || fail "$command went on"
            says "cannot write into $tree/build as "; says "chown -R"
            [[ $(wc -l <<< "$err") -eq 1 ]] || fail "$command said more than that"
        done
        ;;
    unwritable_place)
        : > "$tree/build"  # no folder can be made where a file stands, not even by root
        dev build
        [[ $rc -ne 0 ]] || fail "it went on"
        says "the folder $tree/build is needed and cannot be made by "
        ;;
    *) echo "usage: dev_test.sh options|list|unwritable_folder|unwritable_place"; exit 2 ;;
esac
