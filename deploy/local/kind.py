"""What a stack runs in: processes of this machine, or containers. A run folder stays with what it began with."""

from pathlib import Path

from deploy.docker.engine import engine_problem
from deploy.local.state import State

AUTO, NATIVE, DOCKER = KINDS = ("auto", "native", "docker")


class WrongKindError(RuntimeError):
    """The stack cannot run in what was asked for; the text says why."""


def kind_of(folder: Path) -> str:
    """Return what the folder's stack runs in."""
    return State(folder / "state.json").get("stack") or NATIVE


def choose(folder: Path, wanted: str) -> str:
    """Return what the folder's stack is to run in, and remember it."""
    state = State(folder / "state.json")
    known = kind_of(folder) if state.get("search_index") or state.get("settings") else None
    if known and wanted not in {AUTO, known}:
        raise WrongKindError(f"the data of {folder} is {known}: choose another folder, make up STACK={wanted} RUN=...")
    return state.put("stack", known or _found(wanted))


def _found(wanted: str) -> str:
    if wanted == NATIVE:
        return NATIVE
    problem = engine_problem()
    if wanted == DOCKER and problem:
        raise WrongKindError(f"no Docker engine with Docker Compose answers: {problem}")
    if problem:
        print(f"natively, for no Docker engine with Docker Compose answers: {problem}", flush=True)
    return NATIVE if problem else DOCKER
