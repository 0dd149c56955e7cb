#!/usr/bin/env bash
# One job of the comparison with the published Java client, or with --prepare only what jobs need.
set -euo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../scripts/common.sh
. "$HERE/../../../scripts/common.sh"
# The client's class path is that of the tests.
POM=$REPO_ROOT/integration-tests/foreign/java/pom.xml

compile() {
    javac -cp "$1/*" -d "$2" "$HERE/ByteStreamBench.java"
}

need java javac mvn flock
jars=$(jars_of "$POM" foreign-java)
classes=$CACHE_DIR/jars/bench-java-$(fingerprint "$POM" "$HERE/ByteStreamBench.java")
once "$classes" compile "$jars"
[[ ${1-} != --prepare ]] || exit 0
exec java -cp "$classes:$jars/*" ByteStreamBench "$@"
