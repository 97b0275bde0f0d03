#!/usr/bin/env bash
# Every check that CI makes, or with the argument "lint" those that run no tests. Goes through all steps even when
# one fails, so that one run shows everything, and ends with the sums.
# The web bundle must have been built, because the server embeds it.
#
# Tests mostly wait, so their binaries run some at a time (TEST_JOBS, 2), beside the browser and clippy.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

only=${1:-all}
target=$(cd "${CARGO_TARGET_DIR:-target}" 2>/dev/null && pwd || printf '%s' "${CARGO_TARGET_DIR:-$PWD/target}")
log=$target/test.log
outputs=$target/test-outputs
mkdir -p "$outputs"
: >"$log"
export RUST_BACKTRACE=1

tree=$(git status --porcelain 2>/dev/null)
failed=()
beside=()
beside_names=()

# Ends what runs beside, too, when this run is ended.
trap 'trap - TERM; kill ${beside[@]+"${beside[@]}"} 2>/dev/null; exit 1' INT TERM HUP

# limited SECONDS COMMAND…: no step may hang for ever. macOS has no `timeout`.
limited() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null 2>&1; then
        timeout --kill-after=10 "$seconds" "$@"
    else
        "$@"
    fi
}

said() {
    local name=$1 result=$2 seconds=$3
    if [ "$result" -eq 0 ]; then
        printf '== %s: ok in %s s\n' "$name" "$seconds"
    else
        printf '== %s: FAILED after %s s\n' "$name" "$seconds"
        failed+=("$name")
    fi
}

# step NAME COMMAND…: runs a step and shows it.
step() {
    local name=$1 started=$SECONDS result=0
    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee -a "$log" || result=$?
    said "$name" "$result" "$((SECONDS - started))"
    return "$result"
}

# begin NAME COMMAND…: the same beside the steps that follow; `collect` shows it.
begin() {
    local name=$1 output started=$SECONDS
    output=$outputs/${name// /-}
    shift
    {
        "$@" >"$output" 2>&1
        printf '%s %s\n' "$?" "$((SECONDS - started))" >"$output.result"
    } &
    beside+=("$!")
    beside_names+=("$name")
}

collect() {
    local name output result seconds
    wait ${beside[@]+"${beside[@]}"}
    for name in ${beside_names[@]+"${beside_names[@]}"}; do
        output=$outputs/${name// /-}
        printf '\n== %s\n' "$name"
        tee -a "$log" <"$output"
        read -r result seconds <"$output.result" || result=1
        said "$name" "${result:-1}" "${seconds:-?}"
    done
}

build() {
    # The binaries first, with the very features that the tests are built with.
    limited 3000 cargo build --locked --workspace --all-targets &&
        limited 3000 cargo test --locked --workspace --no-run --message-format=json-render-diagnostics >"$outputs/tests.json"
}

tests() {
    node scripts/run-tests.mjs --jobs "${TEST_JOBS:-2}" --limit 2400 <"$outputs/tests.json"
}

browser_tests() (
    cd tests/browser || exit 1
    limited 300 npm ci --no-audit --no-fund && TIDINGS_BIN="$target/debug/tidings" limited 2400 npm test
)

audits() (
    cd tests/graphql-http || exit 1
    limited 300 npm ci --no-audit --no-fund && TIDINGS_BIN="$target/debug/tidings" limited 600 npm test
)

# Words that are misspelt often, in what people read. Words that are right all the same stand in .codespellrc.
spelling() {
    git ls-files -z '*.md' '*.rs' '*.ts' '*.tsx' '*.sql' '*.sh' '*.mjs' '*.toml' '*.graphql' | xargs -0 codespell
}

# Not the advisories: they are new every day, and have to be fetched (`make deny`).
dependencies() {
    if cargo deny --version >/dev/null 2>&1; then
        limited 300 cargo deny --locked --workspace --all-features check --hide-inclusion-graph --allow duplicate bans licenses sources
    else
        echo 'cargo-deny is not here: licences and sources of dependencies were not checked.'
    fi
}

# What is generated is committed, and nothing leaves anything behind.
same_tree() {
    local now
    now=$(git status --porcelain 2>/dev/null)
    if [ "$now" != "$tree" ]; then
        printf 'This was changed or left behind:\n'
        diff <(printf '%s\n' "$tree") <(printf '%s\n' "$now")
        return 1
    fi
}

documentation() {
    RUSTDOCFLAGS='-D warnings' limited 1200 cargo doc --locked --workspace --no-deps --lib --quiet
}

# What needs cargo, whose runs wait for each other anyway.
lint() {
    local result=0
    limited 1800 cargo clippy --locked --workspace --all-targets -- -D warnings || result=1
    documentation || result=1
    return "$result"
}

examples() {
    limited 1200 cargo test --locked --workspace --doc
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

# What failing tests of Rust said, once more at the end, where it is looked for.
failures() {
    sed $'s/\033\\[[0-9;]*m//g' "$log" | awk '
        /^failures:$/ { show = 1 }
        /^test result: / { show = 0 }
        /^NOT ENDED within / { print }
        show && !/^failures:$/ && !/^$/ { print substr($0, 1, 2000) }' | head -n 150
}

step 'format' cargo fmt --all --check
step 'links' node scripts/check-links.mjs
step 'features' node scripts/check-features.mjs
step 'spelling' spelling
step 'dependencies' dependencies
step 'web checks' limited 300 npm --prefix web run check --if-present
if [ "$only" = lint ]; then
    step 'lint' lint
else
    step 'web tests' limited 300 npm --prefix web test --if-present
    if step 'build' build; then
        begin 'browser tests' browser_tests
        begin 'lint' lint
        step 'tests' tests
        step 'GraphQL audits' audits
        collect
        step 'examples' examples
    fi
    step 'same tree' same_tree
    printf '\n'
    sums
fi

if [ "${#failed[@]}" -gt 0 ]; then
    failures
    printf '== failed:'
    printf ' [%s]' "${failed[@]}"
    printf '\n'
    exit 1
fi
