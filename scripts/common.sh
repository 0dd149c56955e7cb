# shellcheck shell=bash
# What the shell scripts of this repository share. Source it, do not run it:
#
#     . "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/common.sh"

# A failure inside $(...) is a failure.
shopt -s inherit_errexit

# The root of the checkout, and the folder for everything that is downloaded or built once. Nothing in the cache is
# precious: `rm -rf .cache` costs time only.
REPO_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
CACHE_DIR=${PRAVEGA_CACHE_DIR:-$REPO_ROOT/.cache}
# Where cargo puts its output; the scripts look for binaries there.
TARGET_DIR=${CARGO_TARGET_DIR:-$REPO_ROOT/target}

# dev_profile: the workspace's `[profile.dev]` tables, for builds outside of it that use again what was compiled in it.
dev_profile() {
    sed -n '/^\[profile\.dev/,/^\[profile\.faults/p' "$REPO_ROOT/Cargo.toml" | sed '$d'
}

note() { printf '%s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# need TOOL...: ends the script when a program is missing. A check that cannot run has failed, not passed.
need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "'$tool' is not on the PATH"
    done
}

# port_is_free PORT: true when nobody on this machine accepts connections there.
port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# once FOLDER COMMAND ARGS...: runs COMMAND ARGS... NEW, which fills the empty folder NEW, and then names that FOLDER.
# Does nothing when FOLDER is there. A run that fails or is killed leaves no half-filled FOLDER, and of two callers at
# the same time one waits for the other.
once() {
    local folder=$1 fresh
    shift
    [[ -d $folder ]] && return
    mkdir -p "$(dirname -- "$folder")"
    (
        flock 9
        [[ -d $folder ]] && exit
        fresh=$folder.new
        rm -rf "$fresh"
        mkdir "$fresh"
        "$@" "$fresh"
        mv "$fresh" "$folder"
    ) 9>"$folder.lock"
}

# fingerprint FILE...: a short name for the content of files, to key the cache by what it was made from.
fingerprint() {
    cat -- "$@" | sha256sum | cut -c 1-12
}

copy_jars() {
    note "resolving the jars of ${1#"$REPO_ROOT"/}"
    # Maven resets the colours of a terminal that it does not have.
    mvn -q -B -f "$1" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2" </dev/null |
        sed $'s/\e\\[[0-9;]*m//g; /^$/d' >&2
}

# jars_of POM NAME: prints the folder with the run-time jars of a pom, resolved on first use.
jars_of() {
    need java mvn flock
    local folder
    folder=$CACHE_DIR/jars/$2-$(fingerprint "$1")
    once "$folder" copy_jars "$1"
    printf '%s\n' "$folder"
}

# our_cli: prints the path of the command line of this repository, built unless PRAVEGA_BYTES names one.
our_cli() {
    if [[ -n ${PRAVEGA_BYTES-} ]]; then
        [[ -x $PRAVEGA_BYTES ]] || die "PRAVEGA_BYTES=$PRAVEGA_BYTES is not there"
        realpath -- "$PRAVEGA_BYTES"
        return
    fi
    need cargo
    cargo build --quiet --locked --manifest-path "$REPO_ROOT/Cargo.toml" -p pravega-bytes >&2
    printf '%s\n' "$TARGET_DIR/debug/pravega-bytes"
}

# has_private_network: true when this user may start programs in a network of their own.
has_private_network() {
    unshare --user --map-root-user --net ip link set lo up 2>/dev/null
}

# in_private_network COMMAND ARGS...: runs COMMAND where every port is free and nothing outside can be reached; on a
# machine that does not allow it, in the network of the machine.
in_private_network() {
    if has_private_network; then
        # shellcheck disable=SC2016 # expanded by the inner shell
        unshare --user --map-root-user --net bash -c 'ip link set lo up && exec "$@"' private "$@"
    else
        "$@"
    fi
}
