#!/usr/bin/env bash
# Relacy, whose release sequences are C++11's, with those of C++20: a plain store does not continue one. usage: relacy20.sh FOLDER_OF_RELACY FOLDER
set -euo pipefail
mkdir -p "$2"
rm -rf "$2/relacy"
cp -r "$1/relacy" "$2/relacy"
cpp11='prev.busy_ && (rmw || (index_ == prev.thread_id_));'
grep -qF "$cpp11" "$2/relacy/thread.hpp" || { echo "$1/relacy/thread.hpp: its release sequences are not where they were" >&2; exit 1; }
sed -i "s/prev\\.busy_ && (rmw || (index_ == prev\\.thread_id_));/prev.busy_ \&\& rmw;/" "$2/relacy/thread.hpp"
