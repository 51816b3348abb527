"""The form of a commit message."""

from pathlib import Path

import pytest

from tools.commit_message import main, problems


@pytest.mark.parametrize(
    "message",
    [
        "x" * 72,
        "Add a thing\n\nThe reason, in a line that may be as long as it needs to be, for a link or a table.",
        "\n# a comment\nAdd a thing\n# another one\n\nWhy.",
        "Add a thing\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\nx",
        "fixup! " + "x" * 72,
        'Revert "' + "x" * 72 + '"',
        "# nothing\n",
        "",
    ],
)
def test_a_message_in_form(message: str) -> None:
    assert problems(message) == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("x" * 73, "73 characters"),
        ("ü" * 73, "73 characters"),
        ("Add a thing.", "full stop"),
        ("Add a thing\nbecause", "second line"),
    ],
)
def test_a_message_out_of_form(message: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text(message, encoding="utf-8")
    assert main([str(file)]) == 1
    assert expected in capsys.readouterr().err
    file.write_text("Add a thing\n")
    assert main([str(file)]) == 0
