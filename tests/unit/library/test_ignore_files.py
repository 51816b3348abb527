"""Ignore files leave out what Git would, in a bounded time."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from soniquebay.library.ignore_files import (
    MAX_IGNORE_FILE_BYTES,
    MAX_PATTERNS,
    NDIGNORE,
    SONIQUEBAYIGNORE,
    IgnoreFileError,
    IgnoreRules,
    parse_ignore_file,
    read_ignore_file,
)
from soniquebay.library.paths import encode
from soniquebay.pipeline.walk import Walk
from tests.support.cpu_time import cpu_ratio


def left_out(patterns: str, path: str) -> bool:
    """Tell whether a file is left out by an ignore file in the root."""
    rules = IgnoreRules().with_files("/m/", [parse_ignore_file(SONIQUEBAYIGNORE, patterns.encode())])
    names = path.split("/")
    paths = ["/m/" + "/".join(names[:count]) for count in range(1, len(names) + 1)]
    return any(rules.reason(encode(p), is_folder=p != paths[-1]) is not None for p in paths)


@pytest.mark.parametrize(
    ("patterns", "ignored", "kept"),
    [
        ("*.wav", ["a.wav", "x/y/a.wav"], ["a.wav.mp3", "a.WAV"]),
        ("/a.mp3", ["a.mp3"], ["x/a.mp3"]),
        ("demo/", ["demo/a.mp3", "x/demo/a.mp3"], ["demo", "demos/a.mp3"]),
        ("x/demo", ["x/demo", "x/demo/a.mp3"], ["y/x/demo"]),
        ("**/demo", ["demo", "x/y/demo"], ["x/demo1"]),
        ("x/**", ["x/a", "x/y/a"], ["x", "y/x"]),
        ("x/**/z", ["x/z", "x/y/z", "x/y/y/z"], ["z", "x/y/zz"]),
        ("*\n!*.mp3", ["a.ogg"], ["a.mp3"]),
        ("x/\n!x/a.mp3", ["x/a.mp3"], ["a.mp3"]),
        ("x/*\n!x/a.mp3", ["x/b.mp3"], ["x/a.mp3"]),
        ("[ab]?.mp3", ["a1.mp3", "bé.mp3"], ["c1.mp3", "a.mp3"]),
        ("[!a-c].mp3", ["d.mp3"], ["b.mp3"]),
        ("[[:digit:]]*.mp3", ["01.mp3"], ["a1.mp3"]),
        ("\\#a\n\\!b\n# c", ["#a", "!b"], ["c", "# c", " c"]),
        ("a \nb\\ ", ["a", "b "], ["a ", "b"]),
        ("a.mp3\r\nb.mp3", ["a.mp3", "b.mp3"], []),
        ("\ufeffa.mp3", ["a.mp3"], []),
        ("[a\nb\\\n/", [], ["[a", "b", "b\\", "a"]),
        ("a\nb\nc*\n\n!", ["a", "b", "cd"], ["d"]),
    ],
)
def test_patterns_mean_what_they_mean_in_git(patterns: str, ignored: list[str], kept: list[str]) -> None:
    assert [path for path in ignored if not left_out(patterns, path)] == []
    assert [path for path in kept if left_out(patterns, path)] == []


def test_a_walk_leaves_out_what_git_does(tmp_path: Path) -> None:
    """Random patterns, files and folders; Git itself says what is right."""
    chance = random.Random(7)  # noqa: S311 - not for cryptography
    names = ["a", "b", "ab", "ba.mp3", "a.mp3", "[x].mp3", "é.mp3", "!c.mp3", "#d.mp3"]
    globs = [
        "a",
        "b",
        "*",
        "**",
        "a*",
        "*b",
        "?",
        "*.mp3",
        "[ab]",
        "[!a]*",
        "a?",
        "\\[x]*",
        "*a*",
        "é*",
        "\\!*",
        "\\#*",
    ]
    for number in range(25):
        root = tmp_path / str(number)
        folders = [root]
        for _ in range(6):
            folder = chance.choice(folders) / chance.choice(names[:3])
            folder.mkdir(parents=True, exist_ok=True)
            folders.append(folder)
        for folder in folders:
            for name in chance.sample(names[3:], 4):
                (folder / name).write_bytes(b"")
        for folder in chance.sample(folders, 3):
            lines = []
            for _ in range(chance.randint(1, 4)):
                glob = "/".join(chance.choice(globs) for _ in range(chance.choice([1, 1, 1, 2, 3])))
                sign, start, end = (
                    chance.choice(["", "", "!"]),
                    chance.choice(["", "", "/"]),
                    chance.choice(["", "", "/"]),
                )
                lines.append(sign + start + glob + end)
            (folder / SONIQUEBAYIGNORE).write_text("\n".join(lines))
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--others", f"--exclude-per-directory={SONIQUEBAYIGNORE}"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        expected = sorted(name for name in listed if name.endswith(".mp3"))
        walked = sorted(path.removeprefix(f"{root}/") for path, _, _, _ in Walk().files(str(root)))
        patterns = {str(file): file.read_text().split("\n") for file in root.rglob(SONIQUEBAYIGNORE)}
        assert walked == expected, patterns


def test_a_pattern_that_is_slow_in_other_programs_is_quick() -> None:
    file = parse_ignore_file(SONIQUEBAYIGNORE, ("*a" * 60 + "*b\n" + "/".join(["**/a"] * 60) + "/b").encode())

    def decide() -> None:
        assert file.decides(["a" * 250], is_folder=False) is None
        assert file.decides(["a"] * 250, is_folder=False) is None

    assert cpu_ratio(decide) < 5


def test_a_name_that_is_not_utf8_is_matched() -> None:
    file = parse_ignore_file(SONIQUEBAYIGNORE, b"caf\xe9*")
    assert file.decides([os.fsdecode(b"caf\xe9.mp3")], is_folder=False) is True


def test_only_an_ndignore_without_patterns_leaves_out_all() -> None:
    assert parse_ignore_file(NDIGNORE, b"").leaves_out_all
    assert parse_ignore_file(NDIGNORE, b"# nothing\n\n").leaves_out_all
    assert not parse_ignore_file(NDIGNORE, b"*.wav").leaves_out_all
    assert not parse_ignore_file(SONIQUEBAYIGNORE, b"").leaves_out_all


def test_what_is_no_ignore_file_is_refused_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / SONIQUEBAYIGNORE
    assert read_ignore_file(str(file)) is None
    file.write_bytes(b"#" * MAX_IGNORE_FILE_BYTES)
    assert read_ignore_file(str(file)) == b"#" * MAX_IGNORE_FILE_BYTES
    file.write_bytes(b"#" * (MAX_IGNORE_FILE_BYTES + 1))
    with pytest.raises(IgnoreFileError, match="larger than 64 KiB"):
        read_ignore_file(str(file))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(IgnoreFileError, match="not a regular file"):
        read_ignore_file(str(file))
    with pytest.raises(IgnoreFileError, match="not a text file"):
        parse_ignore_file(SONIQUEBAYIGNORE, b"a\0b")
    parse_ignore_file(SONIQUEBAYIGNORE, b"a\n" * MAX_PATTERNS)
    with pytest.raises(IgnoreFileError, match="more than 1000 patterns"):
        parse_ignore_file(SONIQUEBAYIGNORE, b"a\n" * (MAX_PATTERNS + 1))
