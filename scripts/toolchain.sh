#!/bin/sh
# Prints the toolchain that rustup is to be told to use, where it cannot take the pinned one (rust-toolchain.toml) by its name
# but has the same release under another, such as "stable": machines without a way to the releases come like that. Prints
# nothing where the pinned one is installed, where rustup may fetch it at first use, or where there is no rustup, whose
# absence leaves the pin without effect: any Rust from `rust-version` of Cargo.toml on will do.
set -eu
cd "$(dirname "$0")/.."

[ -z "${RUSTUP_TOOLCHAIN:-}" ] || exit 0
command -v rustup >/dev/null 2>&1 || exit 0

pinned=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
installed=$(rustup toolchain list 2>/dev/null | sed 's/ .*//') || exit 0

for name in $installed; do
    case $name in
    "$pinned" | "$pinned"-*) exit 0 ;;
    esac
done
for name in $installed; do
    case $(RUSTUP_TOOLCHAIN=$name rustc --version 2>/dev/null) in
    "rustc $pinned "*)
        echo "$name"
        exit 0
        ;;
    esac
done
