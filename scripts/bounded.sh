# shellcheck shell=bash
# Sourced by the other scripts: `bounded SECONDS COMMAND…` runs a command that may not take longer.
#
# `timeout` gives the command a process group of its own and ends all of it, whatever the command
# started included. A Ctrl-C reaches only the script's own group, so it is passed on.
bounded() {
    local limit=$1
    shift
    timeout --kill-after=10 "$limit" "$@" </dev/null &
    local run=$! status=0
    # The number is known now and must be, whatever `run` means when the signal comes.
    # shellcheck disable=SC2064
    trap "kill -TERM $run 2>/dev/null; wait $run; exit 130" INT TERM
    wait "$run" || status=$?
    trap - INT TERM
    if ((status == 124 || status == 137)); then
        echo "gave up after $limit seconds: $*" >&2
    fi
    return "$status"
}
