#!/usr/bin/env bash
# Makes a group of workers on Compute Engine from the image that prepare.sh left: firewall, instance
# template without a service account and without a public address, group with health check, address
# inside of the network, autoscaler. docs/deploy.md says what comes before and after.
#
#     PROJECT=… REGION=… NETWORK=… SUBNETWORK=… IMAGE=… WORKER_AUTH_TOKEN=… deploy/gce/create.sh
#     deploy/gce/create.sh --help          this text
#
# SERVE_RANGE (10.0.0.0/8) is where tester serve calls from: with Cloud Run's direct VPC egress, the
# subnetwork. MACHINE_TYPE (e2-standard-4), VERSION (v1), WORKERS_MIN (1), WORKERS_MAX (10) and
# DOCKER_RUNTIME (runc) may be set too. A new version: docs/deploy.md, Upgrades.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

main() {
    case ${1-} in
        '') ;;
        -h | --help) usage && return ;;
        *) usage >&2 && return 2 ;;
    esac
    : "${PROJECT:?}" "${REGION:?}" "${NETWORK:?}" "${SUBNETWORK:?}" "${IMAGE:?}"
    : "${WORKER_AUTH_TOKEN:?}"
    readonly SERVE_RANGE=${SERVE_RANGE:-10.0.0.0/8} VERSION=${VERSION:-v1}
    make_firewall
    make_template
    make_group
    make_address
    make_autoscaler
}

usage() {
    # The comment at the top is the help.
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' create.sh
}

compute() {
    gcloud compute --project "$PROJECT" --quiet "$@"
}

# What is not allowed in, is out; and from a worker nothing leads anywhere, the metadata server
# excepted, which no firewall rule can close: metadata.nft does, on the instance.
make_firewall() {
    compute firewall-rules create tester-worker-from-serve --network "$NETWORK" \
        --direction INGRESS --allow tcp:8080 --source-ranges "$SERVE_RANGE" \
        --target-tags tester-worker
    # Google's health checks come from these ranges.
    compute firewall-rules create tester-worker-health --network "$NETWORK" \
        --direction INGRESS --allow tcp:8080 --source-ranges 35.191.0.0/16,130.211.0.0/22 \
        --target-tags tester-worker
    compute firewall-rules create tester-worker-nowhere --network "$NETWORK" \
        --direction EGRESS --action DENY --rules all --destination-ranges 0.0.0.0/0 \
        --priority 900 --target-tags tester-worker
}

make_template() {
    # The token must not stand in the list of this machine's processes.
    local token
    token=$(mktemp)
    # The path is known now.
    # shellcheck disable=SC2064
    trap "rm -f '$token'" EXIT
    printf '%s' "$WORKER_AUTH_TOKEN" >"$token"
    compute instance-templates create "tester-worker-$VERSION" \
        --machine-type "${MACHINE_TYPE:-e2-standard-4}" --image "$IMAGE" \
        --image-project "$PROJECT" --boot-disk-size 20GB --boot-disk-type pd-balanced \
        --region "$REGION" --subnet "$SUBNETWORK" --no-address --tags tester-worker \
        --no-service-account --no-scopes \
        --shielded-secure-boot --shielded-vtpm --shielded-integrity-monitoring \
        --metadata "enable-oslogin=TRUE,block-project-ssh-keys=TRUE,tester-docker-runtime=${DOCKER_RUNTIME:-runc}" \
        --metadata-from-file "startup-script=startup.sh,tester-worker-auth-token=$token"
    rm -f "$token"
}

make_group() {
    # Draining answers 503: an instance that ends gets no new run.
    compute health-checks create http tester-worker --region "$REGION" \
        --port 8080 --request-path /health \
        --check-interval 10s --timeout 5s --unhealthy-threshold 3 --healthy-threshold 1
    compute instance-groups managed create tester-workers --region "$REGION" \
        --template "tester-worker-$VERSION" --size "${WORKERS_MIN:-1}" \
        --health-check "projects/$PROJECT/regions/$REGION/healthChecks/tester-worker" \
        --initial-delay 180
}

# One address for all of them: WORKER_URL=http://ADDRESS:8080
make_address() {
    compute addresses create tester-workers --region "$REGION" --subnet "$SUBNETWORK"
    compute backend-services create tester-workers --region "$REGION" \
        --load-balancing-scheme INTERNAL --protocol TCP \
        --health-checks tester-worker --health-checks-region "$REGION" \
        --connection-draining-timeout 40
    compute backend-services add-backend tester-workers --region "$REGION" \
        --instance-group tester-workers --instance-group-region "$REGION"
    compute forwarding-rules create tester-workers --region "$REGION" \
        --load-balancing-scheme INTERNAL --network "$NETWORK" --subnet "$SUBNETWORK" \
        --address tester-workers --ip-protocol TCP --ports 8080 \
        --backend-service tester-workers --backend-service-region "$REGION"
    compute addresses describe tester-workers --region "$REGION" \
        --format 'value(address.scope("WORKER_URL=http://"))'
}

# A run that runs takes a core, so load shows as CPU; one that waits shows in the queue only. Of the
# two the autoscaler takes the larger answer. The queue is what a Prometheus has summed up and
# written into Cloud Monitoring, one series for the whole group: deploy/prometheus/alerts.yml.
make_autoscaler() {
    compute instance-groups managed set-autoscaling tester-workers --region "$REGION" \
        --min-num-replicas "${WORKERS_MIN:-1}" --max-num-replicas "${WORKERS_MAX:-10}" \
        --cool-down-period 90 --target-cpu-utilization 0.7 \
        --scale-in-control max-scaled-in-replicas=1,time-window=600 \
        --update-stackdriver-metric prometheus.googleapis.com/tester:executions_waiting:sum/gauge \
        --stackdriver-metric-filter 'resource.type = "prometheus_target"' \
        --stackdriver-metric-single-instance-assignment 4
}

main "$@"
