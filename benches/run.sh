#!/usr/bin/env bash
# All comparisons with everybody, in a private network with reno: the tables go into benches/RESULTS.md, the picture
# beside it. `benches/run.sh --quick` looks whether everything runs; names of comparisons limit it to those.
#
#     run.sh [OPTIONS OF compare run] [COMPARISON...]
#     run.sh --prepare                 only build what the others need
#     run.sh --real                    start a real Pravega for each contender, beside the Java client too
#
# The congestion control of a machine may be bbr, which halves the throughput of loopback and is noisy. Without
# peers (PRAVEGA_BENCH_PEERS=none) nobody builds several hundred crates of another client.
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../scripts/common.sh
. "$HERE/../scripts/common.sh"

need cargo git
cd "$REPO_ROOT"
cargo build --quiet --profile compare --locked -p pravega-benches -p pravega-bytes >&2
options=(--serve "$TARGET_DIR/compare/pravega-bytes")
if [[ ${PRAVEGA_BENCH_PEERS-} != none ]]; then
    # A folder of its own: the other client's crates share no feature set with ours.
    peers=$CACHE_DIR/peers-target
    cargo build --quiet --release --locked --manifest-path "$HERE/peers/Cargo.toml" --target-dir "$peers" >&2
    options+=(--peers "$peers/release/peers")
fi
[[ ${1-} != --prepare ]] || exit 0
if [[ ${1-} == --real ]]; then
    "$HERE/peers/java/java.sh" --prepare
    options+=(--java "$HERE/peers/java/java.sh" --into "$HERE/RESULTS.md")
    for comparison in real-write-1m real-write-100 real-read; do
        # A server for each contender: it keeps all that is written in memory, and is slower the more that is. In the
        # network of the machine, where its congestion control is in force for all.
        "$TARGET_DIR/compare/compare" run --starter "$REPO_ROOT/integration-tests/real-pravega/real-pravega.sh" \
            "${options[@]}" --place "compare $comparison" --rounds 3 --seconds 1 "$comparison"
    done
    exit
fi
if (($# == 0)); then
    options+=(--into "$HERE/RESULTS.md" --chart "$HERE/throughput.svg")
fi

compare() {
    # Fails where the machine does not allow it; the tables say under which control they were made.
    echo reno 2>/dev/null >/proc/sys/net/ipv4/tcp_congestion_control || note "the congestion control stays as it is"
    exec "$TARGET_DIR/compare/compare" run "${options[@]}" "$@"
}

if has_private_network; then
    export TARGET_DIR
    export -f compare note
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec unshare --user --map-root-user --net bash -c '
        ip link set lo up
        count=$1; shift
        options=("${@:1:count}"); shift "$count"
        compare "$@"
    ' private "${#options[@]}" "${options[@]}" "$@"
fi
note "no private network: the congestion control of the machine is in force"
exec "$TARGET_DIR/compare/compare" run "${options[@]}" "$@"
