# shellcheck shell=bash
# What the scripts share that start a real Pravega of the published jars. Source it, do not run it.

PRAVEGA_HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../scripts/common.sh
. "$PRAVEGA_HERE/../../scripts/common.sh"

# How long a server may take to end by itself before it is killed.
STOP_SECONDS=10
# shellcheck disable=SC2034 # for those who source this
# Another process may take a port between our look and the server's bind.
START_ATTEMPTS=3
# Free ports are looked for below the range that the kernel hands out for outgoing connections.
FIRST_PORT=20000
PORT_RANGE=10000

JARS=
PROBE=

# The text at the top of a script, without its first line.
usage_of() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$1" >&2
    exit 2
}

free_port() {
    local port
    while :; do
        port=$((FIRST_PORT + RANDOM % PORT_RANGE))
        if port_is_free "$port"; then
            printf '%s\n' "$port"
            return
        fi
    done
}

compile_probe() {
    javac -cp "$1/*" -d "$2" "$PRAVEGA_HERE/Probe.java"
}

# fetch: sets JARS and PROBE to the folders of the two, filled.
fetch() {
    need java javac mvn flock
    JARS=$(jars_of "$PRAVEGA_HERE/pom.xml" real-pravega)
    PROBE=$CACHE_DIR/jars/probe-$(fingerprint "$PRAVEGA_HERE/pom.xml" "$PRAVEGA_HERE/Probe.java")
    once "$PROBE" compile_probe "$JARS"
}

# log_to FILE: prints the options for a Java program whose warnings go to FILE.
log_to() {
    printf '%s\n' -Dlogback.configurationFile="$PRAVEGA_HERE/logback.xml" -Dreal.pravega.log="$1"
}

# probe LOG PORT PID SECONDS [CA USER PASSWORD]: waits until the controller at PORT creates a scope; fails when PID
# ends before. With the last three it speaks TLS and shows a password.
probe() {
    local options
    mapfile -t options < <(log_to "$1")
    shift
    java -cp "$PROBE:$JARS/*" "${options[@]}" Probe "$@" >&2
}

# die_with_parent: prints, one a line, the command to put before another that the kernel is to end when its parent
# ends, however that ends. Nothing on a machine without such a command.
die_with_parent() {
    if command -v setpriv >/dev/null && setpriv --pdeathsig TERM true 2>/dev/null; then
        printf '%s\n' setpriv --pdeathsig TERM
    fi
}

# end_all PID...: ends processes, first politely, and waits until they are gone.
end_all() {
    local pid tenths=$((STOP_SECONDS * 10))
    kill "$@" 2>/dev/null || true
    for pid in "$@"; do
        while kill -0 "$pid" 2>/dev/null && ((tenths-- > 0)); do
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
