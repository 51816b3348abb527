"""The options of `soniquebay serve` reach the programs that it starts."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from soniquebay.cli import serve as serve_module
from soniquebay.cli.programs import serve


@pytest.mark.parametrize(("options", "variable", "nice"), [([], "", "10"), ([], "3", "3"), (["--nice", "0"], "3", "0")])
def test_serve_gives_the_nice_value_to_its_programs(
    options: list[str], variable: str, nice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments: list[dict[str, str]] = []

    def run(stack: serve_module.Stack) -> int:
        environments.append(stack.environment(tmp_path))
        return 0

    monkeypatch.setattr(serve_module.Stack, "run", run)
    monkeypatch.setenv("SONIQUEBAY_NICE", variable)
    arguments = ["--music", str(tmp_path), "--data", str(tmp_path), *options]
    assert CliRunner().invoke(serve, arguments).exit_code == 0
    assert environments[0]["SONIQUEBAY_NICE"] == nice
    refused = CliRunner().invoke(serve, [*arguments, "--nice", "20"])
    assert (refused.exit_code, "20 is not in the range 0<=x<=19" in refused.output) == (2, True)


def test_a_command_is_printed_as_the_user_has_called_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "soniquebay"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert serve_module.called_as(".venv/bin/soniquebay") == ".venv/bin/soniquebay"
    assert serve_module.called_as("/my music/soniquebay") == "'/my music/soniquebay'"
    assert serve_module.called_as(str(program)) == str(program)
    assert serve_module.called_as("/x/soniquebay/cli/__main__.py") == f"{sys.executable} -m soniquebay.cli"
    monkeypatch.setenv("PATH", str(program.parent))
    assert serve_module.called_as(str(program)) == "soniquebay"
