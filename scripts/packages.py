#!/usr/bin/env python3
"""The table of crates in docs/packages.md: what each depends on, and how long it takes to build from nothing.

    scripts/packages.py            prints the rows, builds included (some minutes for each crate)
    scripts/packages.py --write    puts them into docs/packages.md
    scripts/packages.py --check    fails when docs/packages.md has other crates or other numbers of dependencies; builds
                                   nothing, because times differ from machine to machine
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "packages.md"
BEGIN, END = "<!-- scripts/packages.py writes from here -->", "<!-- to here -->"
HEADING = "| crate | folder | of ours | others | cold build |"


def cargo(*arguments, **options):
    command = ["cargo", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def packages():
    """The crates that can be packaged, those that others need first."""
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))
    by_name = {p["name"]: p for p in metadata["packages"] if p["publish"] != []}
    order = []

    def visit(name):
        if name in order:
            return
        for dependency in by_name[name]["dependencies"]:
            if dependency["name"] in by_name and dependency["kind"] != "dev":
                visit(dependency["name"])
        order.append(name)

    for name in sorted(by_name):
        visit(name)
    return [(name, pathlib.Path(by_name[name]["manifest_path"]).parent.relative_to(ROOT)) for name in order]


def dependencies(name, ours):
    """How many crates it is built with on this platform, build scripts included: of this workspace, and of others."""
    lines = cargo("tree", "--locked", "-p", name, "-e", "normal,build", "--prefix", "none", "--no-dedupe", "-f", "{p}")
    names = {tuple(line.split()[:2]) for line in lines.splitlines() if line}
    own = {crate for crate, _ in names} & ours
    return len(own) - 1, len(names) - len(own)


def cold_build(name):
    """Seconds for a debug build with nothing built before; the crates are downloaded already."""
    cargo("fetch", "--locked", stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as target:
        began = time.monotonic()
        cargo("build", "--locked", "--quiet", "-p", name, env={**os.environ, "CARGO_TARGET_DIR": target})
        return time.monotonic() - began


def rows(with_times):
    found = packages()
    ours = {name for name, _ in found}
    for name, folder in found:
        own, others = dependencies(name, ours)
        seconds = f"{cold_build(name):.0f} s" if with_times else ""
        row = f"| `{name}` | `{folder}` | {own} | {others} | {seconds} |"
        print(row, flush=True)
        yield row


def without_times(table):
    return [re.sub(r"[^|]*\|$", "|", line) for line in table]


def main(arguments):
    text = DOCS.read_text()
    before, rest = text.split(BEGIN)
    written, after = rest.split(END)
    if arguments == ["--check"]:
        kept = [line for line in written.splitlines() if line.startswith("| `")]
        if without_times(kept) != without_times(list(rows(with_times=False))):
            sys.exit(f"error: {DOCS.relative_to(ROOT)} is out of date: scripts/packages.py --write")
        return
    table = [HEADING, "| --- | --- | ---: | ---: | ---: |", *rows(with_times=True)]
    if arguments == ["--write"]:
        DOCS.write_text(f"{before}{BEGIN}\n" + "\n".join(table) + f"\n{END}{after}")


if __name__ == "__main__":
    main(sys.argv[1:])
