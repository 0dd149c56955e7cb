#!/usr/bin/env bash
# Byte streams through the published Java client.
#
#     java.sh CONTROLLER_URI admin|write|read|job SCOPE/STREAM [LENGTH]
#     java.sh --prepare                only fetch or build what the others need
#
# `write` stores stdin, `read` prints LENGTH bytes from the head, `job` checks everything a byte stream is for.
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../scripts/common.sh
. "$HERE/../../../scripts/common.sh"

compile() {
    javac -cp "$1/*" -d "$2" "$HERE/ByteStreamJob.java"
}

need java javac mvn flock
jars=$(jars_of "$HERE/pom.xml" foreign-java)
classes=$CACHE_DIR/jars/foreign-java-job-$(fingerprint "$HERE/pom.xml" "$HERE/ByteStreamJob.java")
once "$classes" compile "$jars"
[[ ${1-} != --prepare ]] || exit 0
exec java -cp "$classes:$jars/*" ByteStreamJob "$@"
