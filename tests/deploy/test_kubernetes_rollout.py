"""`deploy/kubernetes/rollout`: each object once, in the order in which calls go on."""

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from deploy.local.roles import ROLES
from tests.deploy.manifests import KUBECTL, KUBERNETES, OVERLAYS, named, render

# Renders for real; what it would say to a cluster it writes into a file, and answers with names of what it is to apply.
STAND_IN = """#!/bin/sh
[ "$1" != kustomize ] || exec {kubectl} "$@"
echo "$@" >>"$SAID"
for word; do [ "$word" != "${{FAILS:-}}" ] || exit 1; done
[ "$4" != pods ] || [ -e "$SAID.asked" ] || {{ touch "$SAID.asked"; echo "${{ENDING:-}}"; }}
[ "$4" != pods ] || echo "${{LOST:-}}"
[ "$1" != apply ] || exec {python} -c '
import sys, yaml
with open(sys.argv[1]) as rendered:
    for each in yaml.load_all(rendered, yaml.CSafeLoader):
        if "rollout-step=" + each["metadata"]["labels"]["rollout-step"] == sys.argv[2]:
            group = each["apiVersion"].rpartition("/")[0]
            print(".".join(filter(None, [each["kind"].lower(), group])) + "/" + each["metadata"]["name"])
' "$3" "$5"
"""
# Each look at it is seven minutes later.
CLOCK = """#!/bin/sh
now=$(cat "$SAID.now" 2>/dev/null || echo 0)
echo "$now"
echo $((now + 420)) >"$SAID.now"
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Mapping[str, str]:
    """Return an environment whose `kubectl` reaches no cluster."""
    for name, text in {"kubectl": STAND_IN.format(python=sys.executable, kubectl=KUBECTL), "date": CLOCK}.items():
        program = tmp_path / name
        program.write_text(text, encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(tmp_path / "said")}


def roll_out(overlay: str, cluster: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run it; return how it ended and what it said to the cluster."""
    done = run(overlay, cluster)
    return done.returncode, Path(cluster["SAID"]).read_text(encoding="utf-8").splitlines()


def run(overlay: str, cluster: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [KUBERNETES / "rollout", KUBERNETES / "overlays" / overlay]
    return subprocess.run(argv, env=cluster, capture_output=True, text=True, check=False)


def place(said: list[str], *words: str) -> int:
    """Return where the one line with these words stands."""
    (found,) = [number for number, line in enumerate(said) if all(word in line.split() for word in words)]
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_object_belongs_to_one_step(overlay: str) -> None:
    steps = {"settings", "before", "workers", "gateways", "after"}
    assert {each["metadata"]["labels"].get("rollout-step") for each in render(overlay)} == steps
    found = {each: named(overlay, "Deployment", each)["metadata"]["labels"]["rollout-step"] for each in ROLES}
    assert found == {role: "gateways" if role == "gateway" else "workers" for role in ROLES}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_old_and_new_code_meet_in_the_right_order(overlay: str, cluster: Mapping[str, str]) -> None:
    code, said = roll_out(overlay, cluster)
    assert code == 0
    order = [place(said, "apply", "--selector", "rollout-step=settings"), place(said, "wait", "migrate-before")]
    workers = [place(said, "status", f"deployment.apps/{role}") for role in ROLES if role != "gateway"]
    order += [place(said, "apply", "--selector", "rollout-step=workers"), *sorted(workers)]
    order += [place(said, "apply", "--selector", "rollout-step=gateways")]
    order += [place(said, "status", "deployment.apps/gateway"), place(said, "patch", "migrate-after")]
    order += [place(said, "wait", "migrate-after")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "failing", ["migrate-before", "rollout-step=workers", "deployment.apps/accounts", "deployment.apps/gateway", "pods"]
)
def test_what_fails_ends_it(failing: str, cluster: Mapping[str, str]) -> None:
    code, said = roll_out("production", {**cluster, "FAILS": failing})
    assert code != 0
    assert not any("migrate-after" in line for line in said)


def test_a_migration_that_failed_shows_its_log(cluster: Mapping[str, str]) -> None:
    code, said = roll_out("production", {**cluster, "FAILS": "condition=Complete"})
    assert code == 1
    assert place(said, "wait", "condition=Complete") < place(said, "wait", "condition=Failed")
    assert said[-1].split()[-2:] == ["logs", "job/migrate-before"]


def test_old_pods_are_gone_before_what_they_cannot_live_with(cluster: Mapping[str, str]) -> None:
    code, said = roll_out("production", {**cluster, "ENDING": "messages-one"})
    assert code == 0
    looks = [number for number, line in enumerate(said) if "deletionTimestamp" in line]
    assert len(looks) == 2
    assert place(said, "status", "deployment.apps/gateway") < looks[0]
    assert looks[1] < place(said, "patch", "migrate-after")


def test_pods_of_a_lost_node_are_named_and_not_waited_for_for_ever(cluster: Mapping[str, str]) -> None:
    done = run("production", {**cluster, "ENDING": "messages-one", "LOST": "messages-two"})
    assert done.returncode == 1
    assert done.stdout.partition("old pods ...\n")[2].splitlines() == ["messages-one", "messages-two", "messages-two"]
    assert done.stderr == "still there after 15 minutes: run it again when they are gone\n"


def test_what_old_code_cannot_live_with_waits_to_be_let_go() -> None:
    """A plain `kubectl apply -k` makes all at once, and must not run it."""
    job = named("production", "Job", "migrate-after")
    assert job["spec"]["suspend"] is True
    assert job["spec"]["template"]["spec"]["containers"][0]["command"][-2:] == ["migrate", "--after"]
    before = yaml.safe_dump(named("production", "Job", "migrate-before"))
    assert "suspend" not in before
    assert "--after" not in before
