"""Options and fixtures that all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

# Started by nohup or in the background, the tests would hand ignored signals on to all that they start.
for _ignored in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(_ignored) is signal.SIG_IGN:
        with suppress(ValueError):
            signal.signal(_ignored, signal.default_int_handler if _ignored == signal.SIGINT else signal.SIG_DFL)


TOGETHER = (
    "tests/integration/test_secrets_never_leak.py",
    "tests/shells/test_timeout.py",
    "tests/integration/test_causes.py",
)
"""Files whose tests are run by one worker, one after the other: those that look at every process of the machine, and
those that share what takes long to make."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where tests run beside each other: such a file as one, before all others."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return file if file in TOGETHER else nodeid

    return Scheduling(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("engine")
    group.addoption("--full", action="store_true", help="run whole matrices and the tests marked `full`")
    group.addoption(
        "--require-all", action="store_true", help="a test skipped because a part is missing is a failure"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    full = [item for item in items if item.get_closest_marker("full")]
    if full:
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in full]


def _missing(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"--require-all: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report: pytest.TestReport = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--require-all"):
        _missing(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[Any]:
    report: pytest.CollectReport = yield
    if report.skipped and collector.config.getoption("--require-all"):
        _missing(report)
    return report


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether whole matrices are wanted; without it a test takes a sample."""
    return bool(pytestconfig.getoption("--full"))


def reported(terminalreporter: Any, wanted: str) -> Iterator[Any]:
    """What tests recorded as the property of that name."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == wanted:
                    yield value


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the attacker of tests/attacker gained: FORM: {TRAP: [rounds, effects, reads, blocked]}; and how many
    starts of a service the stories of tests/integration took that nothing needed."""
    stories = {story[0]: story for story in reported(terminalreporter, "restarts")}.values()
    if stories:
        terminalreporter.section("starts of the service that nothing needed")
        for story, applies, starts, needless in stories:
            if needless:
                terminalreporter.line(f"{story}: {needless} of {starts}, in {applies} undisturbed applies")
        terminalreporter.line(f"{sum(story[3] for story in stories)} in {len(stories)} stories, none missed")
    forms: dict[str, dict[str, list[int]]] = {}
    for form, trap, *numbers in reported(terminalreporter, "attack"):
        forms.setdefault(form, {})[trap] = numbers
    if not forms:
        return
    terminalreporter.section("gained by the attacker: rounds, effects, reads, blocked")
    for form, traps in forms.items():
        gained = ", ".join(f"{trap}: {numbers}" for trap, numbers in traps.items() if any(numbers[1:]))
        terminalreporter.line(f"{form}: {{{gained}}}  # of {sum(numbers[0] for numbers in traps.values())} rounds")
