#!/usr/bin/env python3
"""Who may import whom: the layers of ARCHITECTURE.md, checked against the manifests.

Fails when a crate of the workspace imports one that its layer must not know, when a pure crate gains a runtime (also
through a dependency of a dependency, on any target, with any feature), or when the embedded server gains a client crate.
"""

import json
import subprocess
import sys

# Folder -> the folders it may import, in code and in build scripts.
PURE = {"shared", "wire-protocol", "segment-session"}
FACADE_USERS = PURE | {"byte-stream", "standalone"}
EVERY_LAYER = FACADE_USERS | {"client-config", "connection-pool", "controller-api", "controller-client"}
MAY_IMPORT = {
    "shared": set(),
    "wire-protocol": {"shared"},
    "segment-session": {"shared", "wire-protocol"},
    "client-config": {"shared"},
    "connection-pool": {"shared", "wire-protocol", "client-config"},
    "controller-api": {"shared"},
    "controller-client": {"shared", "controller-api", "client-config"},
    "byte-stream": PURE | {"client-config", "connection-pool", "controller-client"},
    # Never a client crate: the server must not share the client's mistakes.
    "standalone": {"shared", "controller-api", "wire-protocol"},
    "cli": FACADE_USERS,
    # These compare and measure single layers; nothing imports them.
    "integration-tests": EVERY_LAYER,
    "benches": EVERY_LAYER,
}
# What tests may import on top: a server to talk to. The pure crates and the server stay alone in their tests too.
TESTS_MAY_ADD = {
    "connection-pool": {"standalone"},
    "controller-client": {"standalone", "controller-api"},
    "byte-stream": {"standalone", "controller-api"},
}

# No input or output, no clock: a pure crate runs in a simulator and in a fuzzer as it is.
RUNTIMES = {"tokio", "mio", "tokio-util", "tonic", "hyper", "async-std", "smol", "rustls", "tokio-rustls"}
CLIENT_CRATES = {"client-config", "connection-pool", "controller-client", "segment-session", "byte-stream"}


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def whole_tree(package):
    """Every crate that the package is built with, on any target and with any feature; tests left out."""
    lines = cargo(
        "tree", "--locked", "-p", package, "-e", "normal,build", "--target", "all", "--all-features",
        "--prefix", "none", "--no-dedupe", "-f", "{p}",
    )
    return {line.split()[0] for line in lines.splitlines() if line}


def main():
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))
    root = metadata["workspace_root"]
    folder_of = {p["name"]: p["manifest_path"][len(root) + 1 :].split("/")[0] for p in metadata["packages"]}
    name_of = {folder: name for name, folder in folder_of.items()}
    wrong = [f"{folder} is in no row of the import table" for folder in sorted(set(name_of) - set(MAY_IMPORT))]
    wrong += [f"the import table names {folder}, which does not exist" for folder in sorted(set(MAY_IMPORT) - set(name_of))]

    for package in metadata["packages"]:
        folder = folder_of[package["name"]]
        allowed = MAY_IMPORT.get(folder, set())
        for dependency in package["dependencies"]:
            target = folder_of.get(dependency["name"])
            if target is None:
                if dependency.get("path"):
                    wrong.append(f"{folder} imports {dependency['name']} from a path outside the workspace")
                continue
            test_only = dependency["kind"] == "dev"
            if target in allowed or (test_only and target in TESTS_MAY_ADD.get(folder, set())):
                continue
            # A package may name itself in its tests, to switch on its own features.
            if test_only and target == folder:
                continue
            wrong.append(f"{folder} must not import {target}{' in its tests' if test_only else ''}")

    for folder in sorted(PURE & set(name_of)):
        wrong += [f"{folder} is pure and gained {crate}" for crate in sorted(whole_tree(name_of[folder]) & RUNTIMES)]
    if "standalone" in name_of:
        clients = {name_of[folder]: folder for folder in CLIENT_CRATES if folder in name_of}
        wrong += [
            f"standalone gained the client crate {clients[crate]}"
            for crate in sorted(whole_tree(name_of["standalone"]) & set(clients))
        ]

    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"{len(name_of)} crates import what their layers allow")


if __name__ == "__main__":
    main()
