#!/usr/bin/env bash
# A real Pravega 0.13.0 on this machine, for tests: one process, everything in memory, nothing left behind.
#
#     real-pravega.sh run -- COMMAND ARGS...    start, run COMMAND with PRAVEGA_CONTROLLER_URI set, stop; always stops,
#                                               and ends as COMMAND ended
#     real-pravega.sh run --secure -- COMMAND   the same with TLS and passwords, and the variables of secure.sh set
#     real-pravega.sh start                     start and leave it running; prints the controller address
#     real-pravega.sh stop                      stop what `start` started
#     real-pravega.sh fetch                     only fetch what the others need, about 185 MiB of jars
#
# The server listens on ports that were free, so several may run side by side. These choose them:
#
#     PRAVEGA_REAL_CONTROLLER_PORT, PRAVEGA_REAL_STORE_PORT, PRAVEGA_REAL_ZK_PORT
#
# Its heap holds every byte that is written, more than once: keep it under 512 MiB a start.
# Needs a JDK from 11 (tried with 17) and Maven.
set -euo pipefail
# shellcheck source=servers.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/servers.sh"
# shellcheck source=secure.sh
. "$PRAVEGA_HERE/secure.sh"

# Ready within 10 s on two cores; a loaded machine gets a multiple of it.
READY_SECONDS=${PRAVEGA_REAL_READY_SECONDS:-120}

WORK_ROOT=$CACHE_DIR/real-pravega
SERVER_PID=
CONTROLLER_PORT=
SECURE=false

# launch WORK PREFIX...: starts the server behind the command PREFIX. Sets SERVER_PID and CONTROLLER_PORT.
launch() {
    local work=$1 store zk options
    shift
    CONTROLLER_PORT=${PRAVEGA_REAL_CONTROLLER_PORT:-$(free_port)}
    store=${PRAVEGA_REAL_STORE_PORT:-$(free_port)}
    zk=${PRAVEGA_REAL_ZK_PORT:-$(free_port)}
    # The file must exist, and may be empty: the system properties hold everything.
    : >"$work/standalone.properties"
    mapfile -t options < <(log_to "$work/standalone.log")
    # Cache and direct memory: with the default cache of 128 MiB a burst of large appends stops the container for good.
    # An exhausted heap leaves a server that resets every request; one that ends tells the tests what happened.
    options+=(
        -Xmx4g -XX:MaxDirectMemorySize=2g -XX:+ExitOnOutOfMemoryError
        -Djava.io.tmpdir="$work"
        -Dsinglenode.configurationFile="$work/standalone.properties"
        -Dsinglenode.controller.rpc.port="$CONTROLLER_PORT"
        -Dsinglenode.segmentStore.port="$store"
        -Dsinglenode.zk.port="$zk"
        -Dsinglenode.controller.rest.enable=false
        -Dsinglenode.admin.gateway.enable=false
        -Dpravegaservice.rest.listener.enable=false
        -Dpravegaservice.service.published.host.nameOrIp=localhost
        -Dpravegaservice.cache.size.max=1073741824
    )
    if [[ $SECURE == true ]]; then
        options+=("${SECURITY_OPTIONS[@]}")
    fi
    cd "$work"
    # None of our own output: a caller that reads it through a pipe must see its end.
    "$@" java "${options[@]}" -cp "$JARS/*" io.pravega.local.LocalPravegaEmulator \
        </dev/null >"$work/console.log" 2>&1 &
    SERVER_PID=$!
    cd "$OLDPWD"
}

# bring_up WORK PREFIX...: starts a server and waits until it works.
bring_up() {
    local work=$1 attempt
    shift
    fetch
    if [[ $SECURE == true ]]; then
        make_secrets "$work"
    fi
    for ((attempt = 1; attempt <= START_ATTEMPTS; attempt++)); do
        launch "$work" "$@"
        if probe "$work/probe.log" "$CONTROLLER_PORT" "$SERVER_PID" "$READY_SECONDS" "${PROBE_AS[@]}"; then
            return
        fi
        take_down
        note "start $attempt of $START_ATTEMPTS failed; the end of $work/console.log and standalone.log:"
        tail -n 20 "$work/console.log" "$work/standalone.log" >&2 2>/dev/null || true
    done
    die "the real Pravega did not start"
}

# take_down: ends SERVER_PID.
take_down() {
    [[ -n $SERVER_PID ]] || return 0
    end_all "$SERVER_PID"
    SERVER_PID=
}

run() {
    if [[ ${1-} == --secure ]]; then
        SECURE=true
        shift
    fi
    [[ ${1-} == -- ]] && shift
    (($# > 0)) || usage_of "${BASH_SOURCE[0]}"
    mkdir -p "$WORK_ROOT"
    local work status=0 prefix
    work=$(mktemp -d "$WORK_ROOT/run.XXXXXX")
    trap take_down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # If this script is killed outright, the kernel ends the server for it.
    mapfile -t prefix < <(die_with_parent)
    bring_up "$work" "${prefix[@]}"
    local scheme=tcp
    if [[ $SECURE == true ]]; then
        scheme=tls
        show_secrets "$work" "$CONTROLLER_PORT"
    fi
    note "real Pravega at $scheme://localhost:$CONTROLLER_PORT (log: $work/standalone.log)"
    PRAVEGA_CONTROLLER_URI=$scheme://localhost:$CONTROLLER_PORT "$@" || status=$?
    if ! kill -0 "$SERVER_PID" 2>/dev/null; then
        note "error: the real Pravega ended while it was used; see $work"
        ((status != 0)) || status=1
    fi
    take_down
    if ((status == 0)); then
        rm -rf "$work"
    else
        note "the command failed with $status; the server's logs are in $work"
    fi
    exit "$status"
}

start() {
    local work=$WORK_ROOT/started
    if [[ -f $work/pid ]] && kill -0 "$(<"$work/pid")" 2>/dev/null; then
        die "already running at $(<"$work/uri"); stop it first"
    fi
    rm -rf "$work"
    mkdir -p "$work"
    trap take_down EXIT
    # Its own session: the terminal's interrupt is not meant for it.
    bring_up "$work" setsid
    printf '%s\n' "$SERVER_PID" >"$work/pid"
    printf 'tcp://localhost:%s\n' "$CONTROLLER_PORT" | tee "$work/uri"
    trap - EXIT
}

stop() {
    local work=$WORK_ROOT/started
    [[ -f $work/pid ]] || die "nothing was started here"
    SERVER_PID=$(<"$work/pid")
    # The number may have gone to another process since: only a standalone is ended.
    if ! tr '\0' ' ' 2>/dev/null <"/proc/$SERVER_PID/cmdline" | grep -q LocalPravegaEmulator; then
        SERVER_PID=
    fi
    take_down
    rm -rf "$work"
}

case ${1-} in
run) shift && run "$@" ;;
start) start ;;
stop) stop ;;
fetch) fetch ;;
*) usage_of "${BASH_SOURCE[0]}" ;;
esac
