#!/usr/bin/env bash
# Makes a worker of a fresh Debian 12 or 13: Docker Engine, gVisor if wanted, the units, the images
# of the sandboxes, and the metadata server out of reach. Run it as root, from a checkout of the
# version that is installed; it may be run again.
#
#     deploy/gce/prepare.sh EXECUTABLE           a VM that stays
#     deploy/gce/prepare.sh EXECUTABLE --image   then stop it and make an image of its disk
#     deploy/gce/prepare.sh --help               this text
#
# RUNSC=yes installs gVisor from Debian and makes the daemon know it as `runsc`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
    case ${1-} in
        -h | --help) usage && return ;;
        '') usage >&2 && return 2 ;;
    esac
    if ((EUID != 0)); then
        echo "deploy/gce/prepare.sh: must be root" >&2
        return 2
    fi
    install_packages
    install_executable "$1"
    close_metadata
    install_units
    build_images
    case ${2-} in
        '') systemctl enable tester-worker.service ;;
        # Which token it has, only a started instance knows: startup.sh starts the worker.
        --image) forget_this_machine ;;
        *) usage >&2 && return 2 ;;
    esac
}

usage() {
    # The comment at the top is the help.
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' gce/prepare.sh
}

install_packages() {
    local -a packages=(docker.io nftables ca-certificates curl)
    [[ ${RUNSC-} != yes ]] || packages+=(runsc)
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
    [[ ${RUNSC-} == yes ]] || return 0
    cat >/etc/docker/daemon.json <<'CONFIGURATION'
{
    "runtimes": {
        "runsc": {
            "path": "/usr/bin/runsc",
            "runtimeArgs": ["--network=none", "--platform=ptrace"]
        }
    }
}
CONFIGURATION
    systemctl restart docker.service
}

install_executable() {
    # Renamed over the old one, which a running worker still reads.
    install -m 755 "$1" /usr/local/bin/tester.new
    mv /usr/local/bin/tester.new /usr/local/bin/tester
    id tester >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --shell /usr/sbin/nologin tester
    install -d -m 700 /etc/tester
}

close_metadata() {
    install -D -m 644 gce/metadata.nft /etc/nftables.d/tester-metadata.nft
    # Debian's own file flushes every rule, Docker's among them: ours are added to what it loads.
    grep -q tester-metadata /etc/nftables.conf ||
        echo 'include "/etc/nftables.d/tester-metadata.nft"' >>/etc/nftables.conf
    systemctl enable nftables.service
    nft --file /etc/nftables.d/tester-metadata.nft
}

install_units() {
    install -m 644 systemd/tester-worker.service systemd/tester-images.service /etc/systemd/system/
    systemctl daemon-reload
}

build_images() {
    systemctl start tester-images.service
}

# An image of this disk must not know who this machine was, nor hold its token.
forget_this_machine() {
    rm -f /etc/tester/worker.env /etc/ssh/ssh_host_*
    truncate --size 0 /etc/machine-id
    apt-get clean
    journalctl --rotate --vacuum-time=1s >/dev/null
}

main "$@"
