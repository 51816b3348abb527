"""The overrides of private parts say what they were tested with, and which upstream issue they wait for."""

import logging
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

from soniquebay import overrides
from soniquebay.overrides import versions

MODULES = sorted({module.name for module in pkgutil.iter_modules(overrides.__path__)} - {"versions"})


def test_the_installed_versions_are_the_tested_ones() -> None:
    assert versions.untested_versions() == []


def test_another_version_is_a_warning_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(versions.TESTED_VERSIONS, "kombu", "5.6.0")
    with caplog.at_level(logging.WARNING):
        versions.warn_about_untested_versions()
    [message] = caplog.messages
    assert "kombu 5.7.0 is installed, the overrides were tested with 5.6.0" in message


@pytest.mark.parametrize("name", MODULES)
def test_each_override_says_its_upstream_issue_and_when_it_can_go(name: str) -> None:
    text = import_module(f"soniquebay.overrides.{name}").__doc__ or ""
    assert "Upstream: " in text
    assert "Remove when: " in text
    assert "Replaces: " in text or "Relies on: " in text
    assert f"| `{name}` |" in (overrides.__doc__ or "")


def test_httpx_is_imported_without_its_command_line() -> None:
    code = "import sys, soniquebay, httpx; print(sorted({'click', 'rich', 'pygments'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
