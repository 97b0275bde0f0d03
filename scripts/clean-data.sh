#!/bin/sh
# Removes the databases of `tidings dev`: the directory .tidings, and what it keeps elsewhere when root runs it below
# a directory that the servers' unprivileged user cannot enter.
set -eu
cd "$(dirname "$0")/.."

if [ ! -d .tidings ]; then
    echo "nothing to remove"
    exit 0
fi

# Through the links too: what lies elsewhere may be the data of a server that runs.
find -L .tidings \( -name postmaster.pid -o -name redis.pid \) | while read -r file; do
    if kill -0 "$(head -n 1 "$file")" 2>/dev/null; then
        echo "error: a server still runs on $(dirname "$file"); stop tidings first" >&2
        exit 1
    fi
done

find .tidings -type l -name elsewhere | while read -r link; do
    data=$(readlink "$link")
    case $data in
    /var/lib/tidings/?*)
        echo "removing $data"
        rm -rf "$data"
        ;;
    esac
done
echo "removing .tidings"
rm -rf .tidings
