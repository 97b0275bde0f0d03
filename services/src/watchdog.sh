# Runs one server and stops it when standard input closes, which happens however the parent ends.
# Arguments: the signal that stops the server, its program, the program's arguments.
# Prints the server's process id, then ends with the server and its exit status.

# A Ctrl-C or a closed terminal is for the parent to act on.
trap '' HUP INT QUIT

signal=$1
shift
exec 3<&0 </dev/null

"$@" 3<&- 1>&2 &
server=$!
echo "$server"
exec 1>&2

ends_within() {
    tenths=$1
    while kill -0 "$server" 2>/dev/null; do
        if [ "$tenths" -le 0 ]; then
            return 1
        fi
        tenths=$((tenths - 1))
        sleep 0.1
    done
}

stop_server() {
    kill -s "$signal" "$server" 2>/dev/null
    # A server that a test has paused must wake to see the signal.
    kill -s CONT "$server" 2>/dev/null
    ends_within 600 && return
    kill -s QUIT "$server" 2>/dev/null
    ends_within 100 && return
    kill -s KILL "$server" 2>/dev/null
}

{
    while read -r _; do :; done <&3
    stop_server
} &
reader=$!

trap stop_server TERM
status=0
while :; do
    wait "$server"
    status=$?
    # A trapped signal also ends the wait.
    kill -0 "$server" 2>/dev/null || break
done
kill "$reader" 2>/dev/null
exit "$status"
