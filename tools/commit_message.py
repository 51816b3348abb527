"""The form of a commit message, as CONTRIBUTING.md asks for it: `python -m tools.commit_message FILE`."""

import sys
from pathlib import Path

MAX_SUBJECT_CHARACTERS = 72
_MADE_BY_GIT = ("fixup! ", "squash! ", "amend! ", "Revert ")  # and the subject of another commit
_SCISSORS = "# ------------------------ >8 ------------------------"


def problems(message: str) -> list[str]:
    """Return what is wrong with a commit message, as Git gives it to the hook commit-msg; comments do not count."""
    text = message.partition(_SCISSORS)[0]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    while lines and not lines[0].strip():
        lines.pop(0)
    if not lines:
        return []  # Git itself refuses an empty message
    subject, *rest = lines
    found = []
    if len(subject) > MAX_SUBJECT_CHARACTERS and not subject.startswith(_MADE_BY_GIT):
        found.append(f"The subject has {len(subject)} characters; {MAX_SUBJECT_CHARACTERS} are the limit.")
    if subject.endswith("."):
        found.append("The subject ends with a full stop; it is a title.")
    if rest and rest[0].strip():
        found.append("The second line is not empty; it separates the subject from the body.")
    return found


def main(arguments: list[str]) -> int:
    """Check the message in a file; return 1 and print what is wrong with it."""
    found = problems(Path(arguments[0]).read_text(encoding="utf-8"))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
