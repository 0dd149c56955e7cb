#!/usr/bin/env bash
# Byte streams through the published Python client.
#
#     python.sh CONTROLLER_URI admin|write|read|job SCOPE/STREAM [LENGTH]
#     python.sh --prepare                only fetch or build what the others need
#
# `write` stores stdin in an empty stream, `read` prints LENGTH bytes from the head, `job` checks everything a byte
# stream is for, as far as this client offers it (see byte_stream_job.py).
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../scripts/common.sh
. "$HERE/../../../scripts/common.sh"

install_client() {
    note "installing $(<"$HERE/requirements.txt")"
    python3 -m venv "$1" >&2
    # Wheels only: the source distribution would compile several hundred crates.
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        -r "$HERE/requirements.txt" >&2
}

need python3 flock
# The interpreter belongs to the key: a wheel fits one version of it.
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
venv=$CACHE_DIR/python-$version-$(fingerprint "$HERE/requirements.txt")
once "$venv" install_client
[[ ${1-} != --prepare ]] || exit 0
exec "$venv/bin/python" "$HERE/byte_stream_job.py" "$@"
