#!/usr/bin/env bash
# A real Pravega 0.13.0 cluster on this machine, for tests that lose a segment store: ZooKeeper with one bookie, a
# controller, two segment stores; five services in four processes, data on disk, nothing left behind.
#
#     real-cluster.sh run -- COMMAND ARGS...    start, run COMMAND, stop; always stops, and ends as COMMAND ended
#     real-cluster.sh fetch                     only fetch what `run` needs, about 185 MiB of jars
#
# COMMAND finds PRAVEGA_CONTROLLER_URI in its environment, and this script as PRAVEGA_CLUSTER_CTL, with which it can do
#
#     real-cluster.sh stores                    print the addresses of the two stores, one a line
#     real-cluster.sh kill-store HOST:PORT      kill -9 the store at this address; back when nobody listens there
#     real-cluster.sh start-store HOST:PORT     start it again, on the same data; back when somebody listens there
#
# All ports were free ones, so several clusters may run side by side. Ready within 40 s on two idle cores; about 1.2 GiB
# of memory in all. Needs a JDK from 11 (tried with 17) and Maven.
set -euo pipefail
SELF=$(realpath -- "${BASH_SOURCE[0]}")
# shellcheck source=servers.sh
. "${SELF%/*}/servers.sh"

# A loaded machine gets a multiple of the usual time.
READY_SECONDS=${PRAVEGA_REAL_READY_SECONDS:-300}
# How long one process may take until it listens.
LISTEN_SECONDS=120
# Segments are spread over so many containers, which are what the controller moves between the stores.
CONTAINERS=4
# The share of its disk up to which the bookie stores.
BOOKIE_DISK_SHARE=0.9999

WORK_ROOT=$CACHE_DIR/real-cluster
# The folder of the cluster: a store's data, logs and process numbers. Set for COMMAND and its orders.
CLUSTER=${PRAVEGA_CLUSTER-}
KEEPER_PID=
COMMAND_PID=

# listens PORT PID: waits until somebody listens; fails when PID ends before, or after a while.
listens() {
    local end=$((SECONDS + LISTEN_SECONDS))
    while port_is_free "$1"; do
        kill -0 "$2" 2>/dev/null && ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

# server NAME OPTIONS... MAIN_CLASS: starts a Java server of this cluster in the background.
server() {
    local name=$1 options prefix
    shift
    mapfile -t options < <(log_to "$CLUSTER/$name.log")
    mapfile -t prefix < <(die_with_parent)
    # Two cores for everything: the compiler that is quick at the start, and the collector without threads.
    "${prefix[@]}" java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError \
        -Djava.io.tmpdir="$CLUSTER/tmp" "${options[@]}" -cp "$JARS/*" "$@" \
        </dev/null >>"$CLUSTER/$name.console" 2>&1 &
    printf '%s\n' $! >"$CLUSTER/$name.pid"
    # The shell need not tell of a store that was killed.
    disown
}

start_zookeeper_and_bookie() {
    # A bookie takes nothing more once 95 % of its disk are in use, and this one lives on a disk that is not its own.
    server bookkeeper -Dorg.apache.bookkeeper.conf.readsystemproperties=true \
        -DdiskUsageThreshold="$BOOKIE_DISK_SHARE" -DdiskUsageWarnThreshold="$BOOKIE_DISK_SHARE" \
        -DbasePort="$BOOKIE_PORT" -DbookieCount=1 -DzkPort="$ZK_PORT" -DstartZk=true \
        -DzkLedgersPath=/pravega/bookkeeper/ledgers -DledgersDir="$CLUSTER/bk" \
        io.pravega.segmentstore.storage.impl.bookkeeper.BookKeeperServiceRunner
    listens "$ZK_PORT" $! && listens "$BOOKIE_PORT" $!
}

start_controller() {
    # The shortest interval, so that containers move as soon as a store has come or gone.
    server controller -Dcontroller.container.count="$CONTAINERS" \
        -Dcontroller.zk.connect.uri="127.0.0.1:$ZK_PORT" \
        -Dcontroller.service.rpc.listener.port="$CONTROLLER_PORT" \
        -Dcontroller.service.rest.listener.port="$REST_PORT" \
        -Dcontroller.service.rpc.published.host.nameOrIp=127.0.0.1 \
        -Dcontroller.rebalance.interval.seconds.min=2 \
        io.pravega.controller.server.Main
}

start_store() {
    local port=$1
    # A store that is gone is given up after 4 s without a sign of life.
    server "store-$port" -Dpravega.configurationFile="$CLUSTER/empty" \
        -Dpravegaservice.container.count="$CONTAINERS" \
        -Dpravegaservice.cluster.name=pravega-cluster \
        -Dpravegaservice.zk.connect.uri="127.0.0.1:$ZK_PORT" \
        -Dpravegaservice.zk.connect.sessionTimeout.milliseconds=4000 \
        -Dbookkeeper.zk.connect.uri="127.0.0.1:$ZK_PORT" \
        -Dbookkeeper.ledger.path=/pravega/bookkeeper/ledgers \
        -Dbookkeeper.ensemble.size=1 -Dbookkeeper.write.quorum.size=1 -Dbookkeeper.ack.quorum.size=1 \
        -Dpravegaservice.service.listener.host.nameOrIp=127.0.0.1 \
        -Dpravegaservice.service.published.host.nameOrIp=127.0.0.1 \
        -Dpravegaservice.service.listener.port="$port" \
        -Dpravegaservice.service.published.port="$port" \
        -Dpravegaservice.dataLog.impl.name=BOOKKEEPER \
        -Dpravegaservice.storage.impl.name=FILESYSTEM -Dfilesystem.root="$CLUSTER/lts" \
        -Dpravegaservice.admin.gateway.enable=false \
        -Dpravegaservice.rest.listener.enable=false \
        -Dpravegaservice.cache.size.max=268435456 \
        -Dautoscale.controller.connect.uri="tcp://127.0.0.1:$CONTROLLER_PORT" \
        io.pravega.segmentstore.server.host.ServiceStarter
}

# pids: the process numbers of all servers of this cluster.
pids() {
    cat -- "$CLUSTER"/*.pid 2>/dev/null || true
}

# Not politely: their data is of no use to anybody, and they would wait for each other.
kill_all() {
    local all
    mapfile -t all < <(pids)
    ((${#all[@]} == 0)) || kill -KILL "${all[@]}" 2>/dev/null || true
    ((${#all[@]} == 0)) || end_all "${all[@]}"
}

# keeper: the parent of all servers. Starts them, then stores again as told, until nobody can give orders any more;
# then ends them all.
keeper() {
    local order port
    trap kill_all EXIT
    trap 'exit 143' TERM HUP
    start_zookeeper_and_bookie || exit
    start_controller
    for port in "${STORE_PORTS[@]}"; do
        start_store "$port"
    done
    while read -r order port; do
        [[ $order == start-store ]] && start_store "$port"
    done
}

# bring_up: starts a cluster in CLUSTER and waits until it works.
bring_up() {
    mkdir -p "$CLUSTER/tmp" "$CLUSTER/bk" "$CLUSTER/lts"
    : >"$CLUSTER/empty"
    mkfifo "$CLUSTER/orders"
    local port
    ZK_PORT=$(free_port) BOOKIE_PORT=$(free_port) CONTROLLER_PORT=$(free_port) REST_PORT=$(free_port)
    STORE_PORTS=("$(free_port)" "$(free_port)")
    printf '127.0.0.1:%s\n' "${STORE_PORTS[@]}" >"$CLUSTER/stores"
    keeper <"$CLUSTER/orders" &
    KEEPER_PID=$!
    # As long as this is open, the keeper waits for orders; it is closed however this script ends.
    exec 8>"$CLUSTER/orders"
    for port in "${STORE_PORTS[@]}"; do
        listens "$port" "$KEEPER_PID" || return 1
    done
    probe "$CLUSTER/probe.log" "$CONTROLLER_PORT" "$(<"$CLUSTER/controller.pid")" "$READY_SECONDS"
}

take_down() {
    if [[ -n $COMMAND_PID ]]; then
        # It and all that it has started.
        kill -- "-$COMMAND_PID" 2>/dev/null || true
        end_all "$COMMAND_PID"
        COMMAND_PID=
    fi
    [[ -n $KEEPER_PID ]] || return 0
    exec 8>&-
    wait "$KEEPER_PID" 2>/dev/null || true
    KEEPER_PID=
}

# is_whole: true when all servers run.
is_whole() {
    local pid
    while read -r pid; do
        kill -0 "$pid" 2>/dev/null || return 1
    done < <(pids)
}

run() {
    [[ ${1-} == -- ]] && shift
    (($# > 0)) || usage_of "$SELF"
    need setsid mkfifo
    fetch
    mkdir -p "$WORK_ROOT"
    local status=0 attempt prefix
    mapfile -t prefix < <(die_with_parent)
    trap take_down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    for ((attempt = 1; attempt <= START_ATTEMPTS; attempt++)); do
        CLUSTER=$(mktemp -d "$WORK_ROOT/run.XXXXXX")
        bring_up && break
        take_down
        note "start $attempt of $START_ATTEMPTS failed; the end of the logs in $CLUSTER:"
        tail -n 5 "$CLUSTER"/*.console "$CLUSTER"/*.log >&2 2>/dev/null || true
    done
    [[ -n $KEEPER_PID ]] || die "the real cluster did not start"
    note "real cluster at tcp://127.0.0.1:$CONTROLLER_PORT (logs: $CLUSTER)"
    # In the background, in a process group of its own, so that a signal to this script ends all of it at once.
    PRAVEGA_CONTROLLER_URI=tcp://127.0.0.1:$CONTROLLER_PORT PRAVEGA_CLUSTER=$CLUSTER PRAVEGA_CLUSTER_CTL=$SELF \
        "${prefix[@]}" setsid -- "$@" <&0 8>&- &
    COMMAND_PID=$!
    wait "$COMMAND_PID" || status=$?
    COMMAND_PID=
    if ((status == 0)) && ! is_whole; then
        note "error: a server of the real cluster has ended by itself, or was not started again"
        status=1
    fi
    take_down
    if ((status == 0)); then
        rm -rf "$CLUSTER"
    else
        note "the command failed with $status; the logs of the cluster are in $CLUSTER"
    fi
    exit "$status"
}

# store_port HOST:PORT: prints the port of one of the stores of this cluster.
store_port() {
    [[ -n $CLUSTER ]] || die "only a command that 'run' has started can do this"
    grep -qxF -- "$1" "$CLUSTER/stores" || die "no store of this cluster is at '$1'"
    printf '%s\n' "${1##*:}"
}

kill_store() {
    local port pid
    port=$(store_port "${1-}")
    pid=$(<"$CLUSTER/store-$port.pid")
    # The number may have gone to another process since: only this store is killed.
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "published.port=$port " || die "the store at $1 does not run"
    kill -KILL "$pid"
    while ! port_is_free "$port"; do
        sleep 0.01
    done
}

start_store_again() {
    local port
    port=$(store_port "${1-}")
    port_is_free "$port" || die "the store at $1 runs"
    rm -f "$CLUSTER/store-$port.pid"
    # Opened for both, which does not wait for a keeper that is gone.
    printf 'start-store %s\n' "$port" 1<>"$CLUSTER/orders"
    local end=$((SECONDS + LISTEN_SECONDS))
    until [[ -s $CLUSTER/store-$port.pid ]]; do
        ((SECONDS < end)) || die "nobody starts the store at $1"
        sleep 0.1
    done
    listens "$port" "$(<"$CLUSTER/store-$port.pid")" || die "the store at $1 did not start; see $CLUSTER/store-$port.log"
}

case ${1-} in
run) shift && run "$@" ;;
fetch) fetch ;;
stores) cat "$CLUSTER/stores" ;;
kill-store) kill_store "${2-}" ;;
start-store) start_store_again "${2-}" ;;
*) usage_of "$SELF" ;;
esac
