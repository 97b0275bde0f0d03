#!/usr/bin/env bash
# Changes the code in small ways, one after the other, and looks whether the tests of the same crate notice. Which changes
# nothing notices, and why that is so, stands in docs/mutants.md.
#
# usage: scripts/mutants.sh [PART [ARGUMENT OF cargo-mutants…]]
# PART is domain, protocol, server or checker; without one, all of them in turn. Results go to target/mutants/PART.
# It builds once for each change: minutes to an hour a part. The tree is copied, so that one may go on working.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

VERSION=27.1.0
# How many of the changes the tests have to notice, in percent.
CAUGHT_MIN=95
# Properties are tried this often for each change, and fail on most of the first tries.
export PROPTEST_CASES=${PROPTEST_CASES:-64}
export CARGO_PROFILE_DEV_DEBUG=0

installed() { [ "$(cargo mutants --version 2>/dev/null)" = "cargo-mutants $VERSION" ]; }

installed || cargo install --locked --root .tools "cargo-mutants@$VERSION" || exit 1
PATH=$PWD/.tools/bin:$PATH

# The server's pieces that decide without reading clocks, sockets or databases, and the tests beside them.
SERVER=(src/lanes/round.rs src/gateway/places.rs src/gateway/plan.rs src/delivery/feed.rs)
SERVER_TESTS=(lanes::round gateway::places gateway::plan delivery::feed)

# run PART ARGUMENT…
run() {
    local part=$1 out=target/mutants/$1
    shift
    mkdir -p "$out"
    case $part in
    domain | protocol) cargo mutants -p "tidings-$part" -o "$out" "$@" -- --tests ;;
    # Its tests play thousands of runs, which takes six times as long without optimisation.
    checker) CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo mutants -p tidings-journal -f 'loadgen/journal/src/checker*' -f 'loadgen/journal/src/checker/**' -o "$out" "$@" -- --tests ;;
    server) cargo mutants -p tidings "${SERVER[@]/#/--file=}" -o "$out" "$@" -- --lib -- "${SERVER_TESTS[@]}" ;;
    *)
        echo "there is no part called $part" >&2
        return 2
        ;;
    esac
    # 2: some were missed, 3: some took too long, which counts as noticed.
    local result=$?
    [ "$result" -eq 0 ] || [ "$result" -eq 2 ] || [ "$result" -eq 3 ] || return "$result"
    sums "$part" "$out/mutants.out"
}

# "domain: 440 of 450 noticed", and those that were not; fails when those are too many.
sums() {
    local caught missed slow
    caught=$(wc -l <"$2/caught.txt")
    missed=$(wc -l <"$2/missed.txt")
    slow=$(wc -l <"$2/timeout.txt")
    sed 's/^/    /' "$2/missed.txt"
    printf '%s: %s of %s noticed\n' "$1" "$((caught + slow))" "$((caught + slow + missed))"
    [ "$((100 * (caught + slow)))" -ge "$((CAUGHT_MIN * (caught + slow + missed)))" ]
}

if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
failed=0
for part in domain protocol server checker; do
    run "$part" || failed=1
done
exit "$failed"
