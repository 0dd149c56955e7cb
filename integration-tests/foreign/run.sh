#!/usr/bin/env bash
# The published clients of other languages against one server, alone and together with ours.
#
#     run.sh [--rust] [--no-cross] CONTROLLER_URI
#
# Each client runs its job: admin, write, read, parked tail read, truncate, seal, delete. Then every pair that has our
# client in it: what the foreign client writes our command line reads, and the other way round, and the hashes of the
# bytes must agree. --rust adds the published Rust client, which builds for minutes. --no-cross leaves the pairs out, and
# needs nothing of this repository.
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../scripts/common.sh
. "$HERE/../../scripts/common.sh"

# A job takes seconds; a client that waits for ever has failed.
JOB_SECONDS=180
# Several appends and read replies of every client.
CROSS_BYTES=$((20 * 1024 * 1024 + 7))

clients=(java python)
cross=yes
controller=
for argument in "$@"; do
    case $argument in
    --rust) clients+=(rust) ;;
    --no-cross) cross=no ;;
    -*) die "unknown option $argument" ;;
    *) controller=$argument ;;
    esac
done
[[ -n $controller ]] || die "usage: run.sh [--rust] [--no-cross] CONTROLLER_URI"

# Several runs may use one server.
scope=foreign-$$-$RANDOM

foreign() {
    local client=$1
    shift
    timeout --foreground "$JOB_SECONDS" "$HERE/$client/$client.sh" "$controller" "$@"
}

ours() {
    timeout --foreground "$JOB_SECONDS" "$cli" --controller "$controller" "$@"
}

hash_of() { sha256sum | cut -d ' ' -f 1; }

# compare WHAT EXPECTED ACTUAL
compare() {
    [[ $2 == "$3" ]] || die "$1: stored $2, read $3"
    printf 'same bytes: %s\n' "$1"
}

for client in "${clients[@]}"; do
    # The first call fetches or builds the client, which no job's time limit covers.
    "$HERE/$client/$client.sh" --prepare
    foreign "$client" job "$scope-$client/job"
done

if [[ $cross == yes ]]; then
    cli=$(our_cli)
    mkdir -p "$CACHE_DIR"
    work=$(mktemp -d "$CACHE_DIR/cross.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    head -c "$CROSS_BYTES" /dev/urandom >"$work/bytes"
    sent=$(hash_of <"$work/bytes")
    ours create "$scope/from-us" >/dev/null
    ours write "$scope/from-us" <"$work/bytes" >/dev/null
    for client in "${clients[@]}"; do
        seen=$(foreign "$client" read "$scope/from-us" "$CROSS_BYTES" | hash_of)
        compare "written by us, read by $client" "$sent" "$seen"
        foreign "$client" admin "$scope/from-$client"
        foreign "$client" write "$scope/from-$client" <"$work/bytes"
        seen=$(ours read "$scope/from-$client" | hash_of)
        compare "written by $client, read by us" "$sent" "$seen"
    done
fi
