from __future__ import annotations

import time
from collections.abc import Callable, Generator

import pytest


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Write a line to the terminal at once, whatever is being captured."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture = request.config.pluginmanager.get_plugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"    {text}")

    return line


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """One line before a claim is checked and one after it, with the time it took."""
    reporter = item.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"\n{item.name.removeprefix('test_').replace('_', ' ')}")
    began = time.perf_counter()
    answer = yield
    reporter.write_line(f" {time.perf_counter() - began:.1f} s")
    return answer
