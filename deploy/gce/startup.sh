#!/usr/bin/env bash
# Startup script of an instance that was made from the image of prepare.sh: takes the worker's token
# and settings from the instance's attributes and starts the worker. Runs as root at every start.
set -euo pipefail

readonly ATTRIBUTES=http://169.254.169.254/computeMetadata/v1/instance/attributes

# attribute NAME prints an attribute of this instance, or nothing if it has none.
attribute() {
    curl --silent --show-error --fail --max-time 10 --retry 5 --retry-connrefused \
        --header 'Metadata-Flavor: Google' "$ATTRIBUTES/$1" || true
}

token=$(attribute tester-worker-auth-token)
if [[ ! $token ]]; then
    echo "the instance has no attribute tester-worker-auth-token" >&2
    exit 1
fi
runtime=$(attribute tester-docker-runtime)

# Nobody but root may ever read it: systemd does, before the worker gets its own user.
umask 077
printf '%s\n' "WORKER_AUTH_TOKEN=$token" "DOCKER_RUNTIME=${runtime:-runc}" >/etc/tester/worker.env

systemctl restart tester-worker.service
