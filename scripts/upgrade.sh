#!/usr/bin/env bash
# Builds the program of another commit in a directory of its own, and upgrades nodes from it to this one's while people talk.
set -euo pipefail
cd "$(dirname "$0")/.."

from=${1:?usage: scripts/upgrade.sh COMMIT [judge options]}
shift
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/upgrade"
target=$(cd "$target" && pwd)
tree=$target/upgrade/tree

trap 'git worktree remove --force "$tree" 2>/dev/null || true' EXIT
git worktree remove --force "$tree" 2>/dev/null || true
git worktree add --quiet --detach "$tree" "$from"
# The pages are embedded, and no client here looks at them.
mkdir -p "$tree/web"
cp -r web/dist "$tree/web/"
(cd "$tree" && CARGO_TARGET_DIR="$target/upgrade/build" cargo build --release --locked -p tidings --bin tidings)
"$target/release/tidings-loadgen" judge --adapter tidings --older "$target/upgrade/build/release/tidings" \
    --out "$(mktemp -d)/journals" --seconds 60 "$@"
