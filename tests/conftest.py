"""What the end-to-end tests of a run did together, be it in one process or in several.

A member can do nothing without an end-to-end test: a run of all of them fails where a command, option, suggestion,
menu, button or flag was used by none.
"""

from collections.abc import Mapping
from typing import Any

import pytest

SURFACE = pytest.StashKey[dict[str, set[str]]]()
OFFERED, USED = "offered", "used"


def tell(config: pytest.Config, part: Mapping[str, Any]) -> None:
    """Add what some of the tests were `offered`, and what of it they `used`."""
    surface = config.stash.setdefault(SURFACE, {OFFERED: set(), USED: set()})
    for name, known in surface.items():
        known |= {*part[name]}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several processes has ended."""
    if (part := getattr(node, "workeroutput", {}).get("surface")) is not None:
        tell(node.config, part)


def pytest_sessionfinish(session: pytest.Session) -> None:
    surface = session.config.stash.get(SURFACE, None)
    output = getattr(session.config, "workeroutput", None)  # of a process that is one of several
    if surface is not None and output is not None:
        output["surface"] = {name: sorted(known) for name, known in surface.items()}
    elif _unused(session.config) and not session.testsfailed:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if unused := _unused(config):
        terminalreporter.section("no end-to-end test uses these", red=True)
        terminalreporter.line("\n".join(unused))


def _unused(config: pytest.Config) -> list[str]:
    surface = config.stash.get(SURFACE, None)
    return [] if surface is None else sorted(surface[OFFERED] - surface[USED])
