"""What compose.yaml promises, read without an engine."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.docker import secret_files
from deploy.local.roles import ROLES, ROOT
from shared.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
ONE_SHOT = {"migrate", "cli", "demo"}
# What a person on this machine looks at, in a profile of its own.
LOOKING = {"grafana"}
each_service = pytest.mark.parametrize("name", SERVICES)


def test_every_role_is_a_service() -> None:
    assert {*ROLES} | ONE_SHOT == {*BUILT}
    for name, service in BUILT.items():
        role = service["build"]["args"]["ROLE"]
        assert role == ("cli" if name in ONE_SHOT else name)
        assert service["image"].startswith(f"usermessage-{role}:")
        assert (ROOT / "deploy" / "locks" / f"{role}.txt").exists()


@each_service
def test_service_has_few_rights_and_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {*service["deploy"]["resources"]["limits"]} == {"cpus", "memory", "pids"}
    assert service.get("read_only") or name == "opensearch"
    assert "privileged" not in service


@each_service
def test_service_tells_its_health(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    if name in ONE_SHOT:
        assert health == {"disable": True}
    else:
        assert name in ROLES or health["test"]


@each_service
def test_only_the_gateway_is_published(name: str) -> None:
    service = SERVICES[name]
    assert ("ports" in service) == (name == "gateway" or name in LOOKING)
    if name in LOOKING:
        assert service["profiles"] == ["observability"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service.get("network_mode") is None


def test_the_gateway_does_not_reach_the_stores() -> None:
    assert not {"stores"} & {*SERVICES["gateway"]["networks"]}
    assert SERVICES["postgres"]["networks"] == SERVICES["opensearch"]["networks"] == ["stores"]
    assert COMPOSE["networks"]["stores"] == COMPOSE["networks"]["bus"] == {"internal": True}


@pytest.mark.parametrize("name", BUILT)
def test_environment_has_settings_only(name: str) -> None:
    settings = {field.upper() for field in Settings.__dataclass_fields__}
    for variable in SERVICES[name]["environment"]:
        assert variable.removesuffix("_FILE") in settings or variable in settings
        text = str(SERVICES[name]["environment"][variable])
        assert "password" not in text
        if variable.endswith("_FILE") and variable not in settings:
            assert text.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]


@pytest.mark.parametrize("name", ROLES)
def test_role_waits_for_what_it_needs(name: str) -> None:
    needs = {other: need["condition"] for other, need in SERVICES[name]["depends_on"].items()}
    assert needs["rabbitmq"] == "service_healthy"
    if name != "gateway":
        assert needs["migrate"] == "service_completed_successfully"
        assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_role_has_time_to_drain() -> None:
    leaves = Settings().leave_seconds + Settings().drain_seconds
    for role in ROLES:
        assert float(SERVICES[role]["stop_grace_period"].removesuffix("s")) > leaves


def test_secrets_are_those_that_are_made(tmp_path: Path) -> None:
    secret_files.make(tmp_path / "secrets")
    assert {*COMPOSE["secrets"]} == {path.name for path in (tmp_path / "secrets").iterdir()}
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"${{SECRETS_FOLDER:-.run/secrets}}/{name}"}


def test_secret_files_are_kept_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert secret_files.make(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert not secret_files.make(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    password = before["postgres_password"].strip()
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", password)
    assert f":{password}@postgres:5432/" in before["database_url"]
    broker, limits = before["rabbitmq_conf"].split()[-1], before["valkey_conf"].split()[1]
    assert f":{broker}@rabbitmq:5672/" in before["amqp_url"]
    assert f":{limits}@valkey:6379/0" in before["limits_url"]
    assert len({password, broker, limits, before["grafana_password"].strip()}) == 4


def test_lost_secret_is_not_made_anew(tmp_path: Path) -> None:
    secret_files.make(tmp_path)
    (tmp_path / "amqp_url").unlink()
    with pytest.raises(secret_files.SecretsError, match="lacks amqp_url"):
        secret_files.make(tmp_path)


def test_host_network_is_for_each_image() -> None:
    override = yaml.safe_load((ROOT / "tests" / "deploy" / "host-network.yaml").read_text(encoding="utf-8"))
    assert override == {"services": {name: {"build": {"network": "host"}} for name in BUILT}}


def test_build_sees_nothing_private() -> None:
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert allowed[0] == "*"
    seen = {line.removeprefix("!").split("/")[0] for line in allowed if line.startswith("!")}
    assert seen == {"deploy", "services", "shared"}
