#!/usr/bin/env bash
# Our own server in memory, for a command: the counterpart of integration-tests/real-pravega/real-pravega.sh.
#
#     embedded-pravega.sh run -- COMMAND ARGS...    start `pravega-bytes serve --memory`, run COMMAND with
#                                                   PRAVEGA_CONTROLLER_URI set, stop; ends as COMMAND ended
#
# The ports are free ones; PRAVEGA_EMBEDDED_LISTEN=HOST:PORT chooses the controller's. PRAVEGA_BYTES names a
# `pravega-bytes` that is built already.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

READY_SECONDS=30
STOP_SECONDS=10
SERVER_PID=

[[ ${1-} == run && ${2-} == -- && $# -gt 2 ]] || {
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
shift 2

take_down() {
    [[ -n $SERVER_PID ]] || return 0
    kill "$SERVER_PID" 2>/dev/null || true
    local tenths=$((STOP_SECONDS * 10))
    while ((tenths-- > 0)) && kill -0 "$SERVER_PID" 2>/dev/null; do
        sleep 0.1
    done
    kill -KILL "$SERVER_PID" 2>/dev/null || true
    wait "$SERVER_PID" 2>/dev/null || true
    SERVER_PID=
}

cli=$(our_cli)
mkdir -p "$CACHE_DIR"
work=$(mktemp -d "$CACHE_DIR/embedded.XXXXXX")
trap 'take_down; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A named pipe, so that the two lines are read as they come and the server's end is seen as theirs.
mkfifo "$work/stdout"
"$cli" serve --memory --listen "${PRAVEGA_EMBEDDED_LISTEN:-127.0.0.1:0}" --store-listen 127.0.0.1:0 \
    </dev/null >"$work/stdout" 2>"$work/stderr" &
SERVER_PID=$!
exec 8<"$work/stdout"
uri=
while read -r -t "$READY_SECONDS" what address <&8; do
    case $what in
    controller) uri=$address ;;
    store) break ;;
    *) die "unexpected line of 'serve': $what $address" ;;
    esac
done
if [[ -z $uri ]]; then
    cat "$work/stderr" >&2
    die "the embedded server did not start"
fi
note "embedded Pravega at $uri"

status=0
PRAVEGA_CONTROLLER_URI=$uri "$@" 8<&- || status=$?
if ! kill -0 "$SERVER_PID" 2>/dev/null; then
    note "error: the embedded server ended while it was used"
    ((status != 0)) || status=1
fi
take_down
if ((status != 0)); then
    note "the command failed with $status; the end of the server's log:"
    tail -n 30 "$work/stderr" >&2
fi
exit "$status"
