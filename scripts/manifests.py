"""What scripts/check-manifests can't do in shell: turns what no validator knows into what one does.

    manifests.py compose FILE              checks what all services of a composition must have
    manifests.py cloud-run FILE            checks the frame of a Cloud Run service, prints its pod
    manifests.py dashboard FILE            checks a dashboard's panels, prints its queries as rules
    manifests.py alerts RULES TESTS        says which alerts no test makes fire
"""

import json
import sys

import yaml

# The annotations of Cloud Run that are in use here. A misspelt one would be ignored in silence.
ANNOTATIONS = {
    "service": {"run.googleapis.com/ingress", "run.googleapis.com/maxScale"},
    "revision": {
        "autoscaling.knative.dev/maxScale",
        "autoscaling.knative.dev/minScale",
        "run.googleapis.com/cpu-throttling",
        "run.googleapis.com/execution-environment",
        "run.googleapis.com/network-interfaces",
        "run.googleapis.com/startup-cpu-boost",
        "run.googleapis.com/vpc-access-egress",
    },
}
# What Knative has in a pod that Kubernetes has not.
KNATIVE = {"containerConcurrency": (1, 1000), "timeoutSeconds": (1, 3600)}
# Grafana's width, in columns.
COLUMNS = 24


# What a worker on the same machine as everything else may be given.
OF_THE_WORKER = {
    "DOCKER_HOST",
    "DOCKER_RUNTIME",
    "HOST",
    "LOG_FORMAT",
    "PORT",
    "RUST_LOG",
    "WORKER_AUTH_TOKEN",
}


def compose(path):
    with open(path, encoding="utf-8") as file:
        composition = yaml.safe_load(file)
    services = composition["services"]
    expect(set(services) == {"serve", "worker", "images", "redis"}, "services")
    for name, service in services.items():
        expect(service["read_only"] is True, f"{name}: read_only")
        expect(service["cap_drop"] == ["ALL"] and "cap_add" not in service, f"{name}: capabilities")
        expect("no-new-privileges:true" in service["security_opt"], f"{name}: no-new-privileges")
        expect("privileged" not in service, f"{name}: privileged")
        expect(int(service["mem_limit"]) > 0, f"{name}: mem_limit")
        expect("restart" in service, f"{name}: restart")
        expect(service.get("user", "image's own") != "0:0", f"{name}: user")
    expect([name for name in services if "ports" in services[name]] == ["serve"], "ports")
    published = services["serve"]["ports"]
    expect(all(port["host_ip"] == "127.0.0.1" for port in published), "published for this machine")
    networks = composition["networks"]
    closed = {name for name, network in networks.items() if (network or {}).get("internal")}
    for name in ("worker", "redis"):
        expect(set(services[name]["networks"]) <= closed, f"{name} can be reached from outside")
    unknown = set(services["worker"]["environment"]) - OF_THE_WORKER
    expect(not unknown, f"the worker is given {sorted(unknown)}")


def cloud_run(path):
    with open(path, encoding="utf-8") as file:
        service = yaml.safe_load(file)
    expect(service["apiVersion"] == "serving.knative.dev/v1", "apiVersion")
    expect(service["kind"] == "Service", "kind")
    expect(set(service) == {"apiVersion", "kind", "metadata", "spec"}, "keys at the top")
    expect(set(service["spec"]) == {"template", "traffic"}, "keys of spec")
    template = service["spec"]["template"]
    expect(set(template) == {"metadata", "spec"}, "keys of spec.template")
    for metadata, kind in ((service["metadata"], "service"), (template["metadata"], "revision")):
        annotations = metadata["annotations"]
        unknown = set(annotations) - ANNOTATIONS[kind]
        expect(not unknown, f"unknown annotations of the {kind}: {sorted(unknown)}")
        expect(
            all(isinstance(value, str) for value in annotations.values()),
            "annotations are strings",
        )
    json.loads(template["metadata"]["annotations"]["run.googleapis.com/network-interfaces"])
    expect(sum(part["percent"] for part in service["spec"]["traffic"]) == 100, "traffic")
    pod = template["spec"]
    for name, (least, most) in KNATIVE.items():
        value = pod.pop(name)
        expect(least <= value <= most, f"{name} is {value}")
    print(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": service["metadata"]["name"]},
                "spec": pod,
            }
        )
    )


def dashboard(path):
    with open(path, encoding="utf-8") as file:
        board = json.load(file)
    panels = board["panels"]
    ids = [panel["id"] for panel in panels]
    expect(len(ids) == len(set(ids)), "every panel has an id of its own")
    known = {variable["name"] for variable in board["templating"]["list"]}
    rules = []
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        expect(place["x"] + place["w"] <= COLUMNS, f"{panel['title']} is out of the grid")
        for row in range(place["y"], place["y"] + place["h"]):
            for column in range(place["x"], place["x"] + place["w"]):
                other = taken.setdefault((column, row), panel["title"])
                expect(other is panel["title"], f"{panel['title']} lies on {other}")
        if panel["type"] == "row":
            continue
        expect(panel["targets"], f"{panel['title']} asks nothing")
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "5m")
            for name in known:
                query = query.replace(f"${name}", "x")
            expect("$" not in query, f"unknown variable: {query}")
            rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": query})
    print(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))


def alerts(rules_path, tests_path):
    with open(rules_path, encoding="utf-8") as file:
        groups = yaml.safe_load(file)["groups"]
    with open(tests_path, encoding="utf-8") as file:
        tests = yaml.safe_load(file)["tests"]
    names = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    fired = {
        test["alertname"]
        for case in tests
        for test in case.get("alert_rule_test", [])
        if test.get("exp_alerts")
    }
    expect(names, "there are alerts")
    expect(names == fired, f"no test makes these fire: {sorted(names - fired)}")


def expect(holds, what):
    if not holds:
        sys.exit(f"manifests.py: {what}")


if __name__ == "__main__":
    commands = {
        "compose": compose,
        "cloud-run": cloud_run,
        "dashboard": dashboard,
        "alerts": alerts,
    }
    commands[sys.argv[1]](*sys.argv[2:])
