#!/usr/bin/env bash
# Every check that CI makes, or with the argument "lint" those that run no tests. Goes through all steps even when
# one fails, so that one run shows everything, and ends with the sums.
# The web bundle must have been built, because the server embeds it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

only=${1:-all}
target=$(cd "${CARGO_TARGET_DIR:-target}" 2>/dev/null && pwd || printf '%s' "${CARGO_TARGET_DIR:-$PWD/target}")
log=$target/test.log
mkdir -p "$target"
: >"$log"
export RUST_BACKTRACE=1

failed=()
step() {
    local name=$1 started=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@" 2>&1 | tee -a "$log"; then
        printf '== %s: ok in %s s\n' "$name" "$((SECONDS - started))"
    else
        printf '== %s: FAILED after %s s\n' "$name" "$((SECONDS - started))"
        failed+=("$name")
        return 1
    fi
}

browser_tests() (
    cd tests/browser || exit 1
    npm ci --no-audit --no-fund && TIDINGS_BIN="$target/debug/tidings" npm test
)

documentation() {
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --lib --quiet
}

# "N passed, M failed, K skipped" over the runners of all languages.
sums() {
    sed $'s/\033\\[[0-9;]*m//g' "$log" | awk '
        /^test result: / { passed += $4; failed += $6; skipped += $8 }
        /^(#|ℹ) pass [0-9]+$/ { passed += $3 }
        /^(#|ℹ) fail [0-9]+$/ { failed += $3 }
        /^(#|ℹ) skipped [0-9]+$/ { skipped += $3 }
        END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }'
}

step 'format' cargo fmt --all --check
step 'web checks' npm --prefix web run check --if-present
step 'clippy' cargo clippy --locked --workspace --all-targets -- -D warnings
step 'documentation' documentation
if [ "$only" != lint ]; then
    step 'web tests' npm --prefix web test --if-present
    # Builds the server's binary with the very features that the tests build it with.
    if step 'build' cargo build --locked --workspace --all-targets; then
        step 'tests' cargo test --locked --workspace --no-fail-fast
        step 'browser tests' browser_tests
    fi
    printf '\n'
    sums
fi

if [ "${#failed[@]}" -gt 0 ]; then
    printf '== failed:'
    printf ' [%s]' "${failed[@]}"
    printf '\n'
    exit 1
fi
