#!/usr/bin/env bash
# The program that the book prints, compiled unchanged and run: on an empty stream and on one that already holds data.
#
#     run.sh embedded|real ...
#
# The program stands beside this checkout in CI (../shared/book/main.rs) and is no part of the repository. It talks to
# localhost:9090, so the server under test is started there: in a private network where the machine allows one, else on
# the machine's own port 9090, which must be free then.
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../scripts/common.sh
. "$HERE/../../scripts/common.sh"

# The address, the stream and the bytes that are printed in the program.
PORT=9090
STREAM=myscope/mystream
WRITTEN='hello world'
TRUNCATED_AT=4
# What the other case finds there: longer than the truncation, so that both kinds of bytes are read back.
EARLIER='0123456789'
# A program of a few round trips; one that waits for ever has failed.
RUN_SECONDS=60

program=$REPO_ROOT/../shared/book/main.rs

# check_case EARLIER: on the server at PRAVEGA_CONTROLLER_URI, that nobody has used yet.
check_case() {
    local earlier=$1 all expected actual
    ours create "$STREAM" >/dev/null
    if [[ -n $earlier ]]; then
        printf '%s' "$earlier" | ours write "$STREAM" >/dev/null
    fi
    timeout --foreground "$RUN_SECONDS" "$BOOK"
    all=$earlier$WRITTEN
    expected=${all:TRUNCATED_AT}
    actual=$(ours read "$STREAM")
    [[ $actual == "$expected" ]] || die "the stream should hold '$expected' and holds '$actual'"
    if printf 'more' | ours write "$STREAM" >/dev/null 2>&1; then
        die "the stream should be sealed, and took another write"
    fi
    printf 'the program ran on a stream with "%s"; it is sealed now and holds "%s"\n' "$earlier" "$actual"
}

ours() {
    timeout --foreground "$RUN_SECONDS" "$PRAVEGA_BYTES" --controller "$PRAVEGA_CONTROLLER_URI" "$@"
}

build() {
    local profile
    need cargo
    [[ -f $program ]] || die "the book's program is not at $program; it is there in CI only, beside the checkout"
    PRAVEGA_BYTES=$(our_cli)
    # The versions of the workspace; cargo drops the entries that are not needed.
    cp "$REPO_ROOT/Cargo.lock" "$HERE/Cargo.lock"
    profile=$(mktemp --suffix=.toml)
    dev_profile >"$profile"
    cargo build --quiet --config "$profile" --manifest-path "$HERE/Cargo.toml" --target-dir "$TARGET_DIR"
    rm -f -- "$profile"
    BOOK=$(realpath -- "$TARGET_DIR/debug/book")
    export PRAVEGA_BYTES BOOK
}

run_on() {
    local server=$1 earlier
    if ! has_private_network; then
        port_is_free "$PORT" || die "port $PORT is in use; the program talks to no other"
    fi
    for earlier in '' "$EARLIER"; do
        note "the book on the $server server, on a stream with \"$earlier\""
        case $server in
        embedded)
            PRAVEGA_EMBEDDED_LISTEN=127.0.0.1:$PORT in_private_network \
                "$REPO_ROOT/scripts/embedded-pravega.sh" run -- "${BASH_SOURCE[0]}" --case "$earlier"
            ;;
        real)
            # Outside, because the private network reaches no repository.
            "$REPO_ROOT/integration-tests/real-pravega/real-pravega.sh" fetch
            PRAVEGA_REAL_CONTROLLER_PORT=$PORT in_private_network \
                "$REPO_ROOT/integration-tests/real-pravega/real-pravega.sh" run -- "${BASH_SOURCE[0]}" --case "$earlier"
            ;;
        *) die "no such server: $server (embedded or real)" ;;
        esac
    done
}

if [[ ${1-} == --case ]]; then
    check_case "$2"
    exit
fi
(($# > 0)) || die "usage: run.sh embedded|real ..."
build
for server in "$@"; do
    run_on "$server"
done
