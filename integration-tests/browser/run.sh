#!/usr/bin/env bash
# The video page in a real browser: headless Chromium, films made by ffmpeg, our own command line.
#
#     run.sh                      test, with the streams in a data directory
#     run.sh --screenshot FILE    test, and write the picture of docs/video.md
#
# With PRAVEGA_CONTROLLER_URI set the streams are on that server instead. PRAVEGA_BYTES names a `pravega-bytes` that is
# built already. Needs chromium, ffmpeg, node and npm.
set -euo pipefail
# shellcheck source=../../scripts/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/common.sh"
here=$REPO_ROOT/integration-tests/browser

screenshot=
case ${1-} in
'') ;;
--screenshot)
    [[ $# == 2 ]] || die "--screenshot needs a file"
    screenshot=$(realpath -m -- "$2")
    ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

install_modules() {
    cp "$here/package.json" "$here/package-lock.json" "$1"
    npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts --loglevel=error >&2
}

need chromium ffmpeg node npm flock
modules=$CACHE_DIR/browser-$(fingerprint "$here/package-lock.json")
once "$modules" install_modules
cli=$(our_cli)
work=$(mktemp -d "$CACHE_DIR/browser.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A film of twelve seconds, with an index, in the two containers that every browser plays.
picture=(-f lavfi -i 'testsrc2=size=320x180:rate=10' -t 12 -g 10)
ffmpeg -v error "${picture[@]}" -c:v libvpx -deadline realtime -cpu-used 8 -b:v 200k "$work/film.webm" </dev/null
ffmpeg -v error "${picture[@]}" -c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags +faststart "$work/film.mp4" </dev/null

MODULES=$modules CLI=$cli WORK=$work SCREENSHOT=$screenshot node "$here/test.mjs"
if [[ -n $screenshot ]]; then
    # A palette is enough for it, and a fraction of the bytes.
    mkdir -p "$(dirname -- "$screenshot")"
    ffmpeg -v error -y -i "$work/video.png" -vf 'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none' \
        -update 1 "$screenshot" </dev/null
fi
