"""A pytest plugin for CI, where a test that did not run is a test that failed."""

from _pytest.terminal import TerminalReporter
import pytest

NOT_RUN = ("skipped", "xfailed", "xpassed", "deselected")


def _not_run(config: pytest.Config) -> list[str]:
    """Count what did not run, in words; workers leave that to their controller."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(reporter, TerminalReporter):
        return []
    return [
        f"{len(reports)} {word}"
        for word in NOT_RUN
        if (reports := reporter.stats.get(word))
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if anything was left out."""
    if session.exitstatus == pytest.ExitCode.OK and _not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: TerminalReporter, config: pytest.Config
) -> None:
    """Say why the run failed; the reasons stand above, in pytest's own summary."""
    if found := _not_run(config):
        terminalreporter.write_line(
            f"CI lets no test be left out: {', '.join(found)}", red=True, bold=True
        )
