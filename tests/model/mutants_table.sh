#!/usr/bin/env bash
# Prints the mutants as the table of docs/protocols.md; with --check DOCUMENT fails where that says otherwise.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
mutant() { printf '| `%s` | %s | `%s` |\n' "$1" "$3" "$2"; }
spin_mutant() { printf '| `%s` | %s | Spin |\n' "$1" "$2"; }
table() {
    printf '| changed | how | noticed by |\n|---|---|---|\n'
    source "$here/mutants.list.sh"
}
if [[ ${1:-} != --check ]]; then table; exit; fi
diff <(sed -n '/^| changed | how | noticed by |$/,/^$/{/^$/d;p}' "$2") <(table) ||
    { echo "$2 does not list the mutants of mutants.list.sh: paste what $0 prints"; exit 1; }
