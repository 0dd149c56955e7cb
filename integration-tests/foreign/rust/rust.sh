#!/usr/bin/env bash
# Byte streams through the published Rust client.
#
#     rust.sh CONTROLLER_URI admin|write|read|job SCOPE/STREAM [LENGTH]
#     rust.sh --prepare                only fetch or build what the others need
#
# `write` stores stdin, `read` prints LENGTH bytes from the head, `job` checks everything a byte stream is for. The
# first call builds several hundred crates, which takes minutes.
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../scripts/common.sh
. "$HERE/../../../scripts/common.sh"

need cargo
# A folder of its own: the other client's crates share no feature set with ours.
build=${PRAVEGA_FOREIGN_RUST_TARGET_DIR:-$CACHE_DIR/foreign-rust-target}
cargo build --quiet --locked --manifest-path "$HERE/Cargo.toml" --target-dir "$build" >&2
[[ ${1-} != --prepare ]] || exit 0
exec "$build/debug/foreign-rust" "$@"
