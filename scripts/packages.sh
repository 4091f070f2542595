# shellcheck shell=bash
# Sourced by the other scripts: collects Debian packages that are missing, and installs them; knows
# where they come from.

packages=()

# need PROGRAM PACKAGE… adds the packages that bring a missing program.
need() {
    command -v "$1" >/dev/null || packages+=("${@:2}")
}

# install_needed LOG installs what was collected, through sudo unless run by root.
install_needed() {
    local log=$1
    ((${#packages[@]} > 0)) || return 0
    echo "installing: ${packages[*]}"
    local -a as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || {
            echo "$0: as root, run: apt-get install ${packages[*]}" >&2
            exit 2
        }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq
    # A package that brings a service starts it, unless this file says no: tests and benchmarks
    # start their own servers, and port 80 is none of our business.
    local policy=/usr/sbin/policy-rc.d ours='' status=0
    if [[ ! -e $policy ]]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" \
        >"$log" 2>&1 || status=$?
    [[ ! $ours ]] || "${as_root[@]}" rm -f "$policy"
    ((status == 0)) || cat "$log" >&2
    return "$status"
}

# debian_mirror LABEL prints the address that apt has for Debian's archive of this label (Debian,
# Debian-Security), or nothing. Apt is asked, not its files, which come in two formats.
debian_mirror() {
    # $(REPO_URI) is apt's to fill in.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
        awk -v label="$1" '$2 == "Debian" && $3 == label { print $1; exit }'
}
