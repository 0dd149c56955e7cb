#!/usr/bin/env bash
# The shell blocks of docs/video.md, as printed, one after the other in one shell. The first that fails ends it.
#
# PRAVEGA_BYTES names a `pravega-bytes` that is built already. Needs curl and ffmpeg.
set -euo pipefail
# shellcheck source=../../scripts/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/common.sh"

# No block takes a tenth of this.
PATIENCE=300

need curl ffmpeg timeout
cli=$(our_cli)
mkdir -p "$CACHE_DIR"
work=$(mktemp -d "$CACHE_DIR/video-docs.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/here"
ln -s "$cli" "$work/bin/pravega-bytes"
{
    # Whatever a block has started ends with the shell.
    # shellcheck disable=SC2016 # expanded by that shell
    echo 'trap "kill \$(jobs -p) 2>/dev/null || true" EXIT'
    # shellcheck disable=SC2016 # no expansion, but Markdown
    sed -n '/^```sh$/,/^```$/{/^```/!p}' "$REPO_ROOT/docs/video.md"
} >"$work/blocks.sh"
cd "$work/here"
unset PRAVEGA_CONTROLLER_URI
# The documented port is free where nobody else is.
PATH=$work/bin:$PATH PRAVEGA_BYTES_DATA_DIR=$work/data \
    in_private_network timeout --kill-after=10 "$PATIENCE" bash -euo pipefail -x "$work/blocks.sh" </dev/null
echo "docs/video.md: every line works"
