#!/usr/bin/env python3
"""Builds the tests of the workspace and prints the paths of test programs of one package: `test-binaries.py PACKAGE TEST...`.

`cargo test -p PACKAGE` would build the dependencies again, with the features that this one package asks for; this way
the programs are those that `cargo test --workspace` has built.
"""

import json
import subprocess
import sys


def main(package, *tests):
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"],
            check=True, stdout=subprocess.PIPE,
        ).stdout
    )
    ids = {p["id"] for p in metadata["packages"] if p["name"] == package}
    if not ids:
        sys.exit(f"error: the workspace has no package {package}")
    build = subprocess.run(
        ["cargo", "test", "--locked", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"],
        check=True, stdout=subprocess.PIPE, text=True,
    )
    messages = (json.loads(line) for line in build.stdout.splitlines() if line.startswith("{"))
    programs = [
        message["executable"]
        for message in messages
        if message["reason"] == "compiler-artifact"
        and message["package_id"] in ids
        and "test" in message["target"]["kind"]
        and message["target"]["name"] in tests
        and message["executable"]
    ]
    if len(programs) != len(tests):
        sys.exit(f"error: {package} has not all of {tests}")
    print("\n".join(programs))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as failure:
        sys.exit(f"error: cargo ended with {failure.returncode}")
