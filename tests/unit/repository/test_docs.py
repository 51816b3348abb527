"""What the documents name is there: links, files, targets of make, commands, options and variables."""

import fnmatch
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from image.__main__ import parser as image_parser
from soniquebay import logs
from soniquebay.cli import main as soniquebay
from soniquebay.settings import from_environment

ROOT = Path(__file__).parents[3]
LINKED = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md"), *ROOT.glob(".github/**/*.md")]
)
PAGES = [page for page in LINKED if page.name != "CHANGELOG.md"]  # which names what is there no more, too
# Where a path in a document may begin.
BASES = [ROOT, ROOT / "app/soniquebay", ROOT / "image", ROOT / "roles", *ROOT.glob("roles/*/")]
PRODUCTS = ("build", "dist", ".venv")
SHELL = ("sh", "bash", "console")


@dataclass(frozen=True)
class Code:
    """A piece of code in a document: an inline one, or a line of a fenced block of shell commands."""

    page: Path
    line: int
    text: str
    inline: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.text}"


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page that are not in a fenced block, with their numbers."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def code(pages: Iterable[Path]) -> Iterator[Code]:
    """Yield what stands between backquotes, and the lines of shell commands."""
    for page in pages:
        for number, line in prose(page):
            yield from (Code(page, number, text, True) for text in re.findall(r"`([^`]+)`", line))
        for block in re.finditer(rf"^```(?:{'|'.join(SHELL)})\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            first = page.read_text()[: block.start(1)].count("\n") + 1
            joined = block[1].replace("\\\n", "  ")
            for number, line in enumerate(joined.splitlines(), first):
                yield Code(page, number, line.partition(" #")[0], False)


def by_page(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda path: str(path.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page, and those that it sets itself."""
    found: dict[str, int] = {}
    result = set(re.findall(r'<a (?:id|name)="([^"]+)"', page.read_text()))
    for _, line in prose(page):
        if heading := re.fullmatch(r"#{1,6} +(.*?)(?: +#+)?", line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            result.add(f"{slug}-{found[slug]}" if slug in found else slug)
            found[slug] = found.get(slug, 0) + 1
    return result


@by_page(LINKED)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for number, line in prose(page):
        for target in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`]+`", "", line)):
            path, _, anchor = target.partition("#")
            if ":" in path:
                continue
            file = page.parent / path if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                wrong.append(f"line {number}: {target}")
    assert wrong == []


def is_path(text: str) -> bool:
    """Whether code names a file or folder of this repository, and not one of the appliance or anything else."""
    if not re.fullmatch(r"[\w.*<>-]+(?:/[\w.*<>-]+)*/?", text):
        return False
    parts = text.rstrip("/").split("/")
    if parts[0] in PRODUCTS:
        return False
    if len(parts) == 1 and not text.endswith("/"):
        return text.endswith(".py")
    known = any((base / parts[0]).is_dir() for base in BASES)
    return known or bool(re.search(r"\.(?:py|md|ya?ml|toml|j2|sql|sh)$", text))


def is_there(text: str, page: Path) -> bool:
    pattern = re.sub(r"<[^>]*>", "*", text).rstrip("/")
    if "/" not in text:  # the name of a module, wherever it is
        return any(
            any(ROOT.glob(f"{folder}/**/{pattern}")) for folder in ("app", "image", "tests", "tools", "playbooks")
        )
    return any(any(base.glob(pattern)) for base in [*BASES, page.parent])


@by_page(PAGES)
def test_files_are_there(page: Path) -> None:
    named = [each for each in code([page]) if each.inline and is_path(each.text)]
    assert [str(each) for each in named if not is_there(each.text, page)] == []


def test_paths_are_told_from_other_code() -> None:
    paths = [
        "library/paths.py",
        "roles/base/README.md",
        "worker/",
        "image/profiles/<profile>/packages.txt",
        "nothing.py",
    ]
    assert [text for text in paths if not is_path(text)] == []
    others = ["/etc/fstab", "text/html", "dist/x.img", "config.txt", "tracks.credit", "make check", "a b/c.py"]
    assert [text for text in others if is_path(text)] == []
    assert all(is_there(text, ROOT / "README.md") for text in paths[:-1])
    missing = ["library/nothing.py", "nothing.py", "image/nothing/", "roles/<role>/nothing.yml"]
    assert not any(is_there(text, ROOT / "README.md") for text in missing)


def make_targets() -> tuple[set[str], list[str]]:
    """Return the targets of the Makefile, and the patterns of others."""
    rules = re.findall(r"^([a-z0-9%-]+(?: [a-z0-9%-]+)*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    names = {name for rule in rules for name in rule.split()}
    return {name for name in names if "%" not in name}, [name.replace("%", "*") for name in names if "%" in name]


def targets_named_in(command: str) -> Iterator[str]:
    """Yield the targets of each call of make in a command."""
    for call in re.finditer(r"(?:^|[\s;&|(])make((?: +[^\s;&|)`'\"]+)*)", command):
        for word in call[1].split():
            if not re.fullmatch(r"[a-z][a-z0-9-]*", word):
                if "=" in word or word.startswith("-"):
                    continue
                break
            yield word


def is_target(name: str) -> bool:
    targets, patterns = make_targets()
    if name in targets:
        return True
    # a scenario of molecule/ or a module of bench
    exists = (ROOT / "molecule" / name.removeprefix("molecule-") / "molecule.yml").exists()
    exists |= (ROOT / "bench" / f"{name.removeprefix('bench-')}.py").exists()
    return exists and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


@by_page(PAGES)
def test_targets_of_make_are_there(page: Path) -> None:
    wrong = []
    for each in code([page]):
        if not each.inline or each.text.startswith("make "):
            wrong += [str(each) for target in targets_named_in(each.text) if not is_target(target)]
    assert wrong == []


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_targets_of_make_in_github_files_are_there(path: Path) -> None:
    content = path.read_text()
    for job in yaml.safe_load(content).get("jobs", {}).values():
        matrix = job.get("strategy", {}).get("matrix", {})
        runs = [step["run"] for step in job["steps"] if "run" in step]
        assert any("make " in run for run in runs)
        for name, values in matrix.items():
            expression = f"${{{{ matrix.{name} }}}}"
            runs = [run.replace(expression, str(value)) for run in runs for value in values]
        for run in runs:
            assert [target for target in targets_named_in(run) if not is_target(target)] == []
    for command in re.findall(r"`(make [^`]+)`", content):
        assert [target for target in targets_named_in(command) if not is_target(target)] == []


def test_no_word_is_taken_for_a_target() -> None:
    assert list(targets_named_in("CUTS=2 make -j2 power-cuts SEED=5 && make check; make help | less")) == [
        "power-cuts", "check", "help",
    ]  # fmt: skip
    assert is_target("molecule-image") and is_target("bench-scan") and is_target("check")
    assert not is_target("molecule-nothing") and not is_target("bench-nothing") and not is_target("sure")


def commands(pages: Iterable[Path]) -> Iterator[tuple[Code, list[str]]]:
    """Yield the words after `soniquebay` of each command that a page shows."""
    for each in code(pages):
        for part in re.split(r"\\?\||&&|;", each.text):
            words = shlex.split(part.replace("…", ""), posix=False)
            while words and (words[0] == "sudo" or "=" in words[0]):
                words.pop(0)
            if len(words) > 1 and words[0].rpartition("/")[2] == "soniquebay" and not words[1].startswith("ssh-"):
                yield each, words[1:]


def problem_of(words: list[str]) -> str | None:
    """Return what the command line would say to these words, None when it knows command and options."""
    command: click.Command = soniquebay
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith(("-", "<")):
        found = command.get_command(context, words[0])
        if found is None:
            return f"no command {words[0]}"
        command, words = found, words[1:]
        context = click.Context(command, parent=context)
    try:
        command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return error.format_message()
    return None


@by_page(PAGES)
def test_commands_and_their_options_are_there(page: Path) -> None:
    wrong = [f"{each}: {problem}" for each, words in commands([page]) if (problem := problem_of(words))]
    assert wrong == []


def test_wrong_commands_are_found() -> None:
    assert len(list(commands(PAGES))) > 10
    assert problem_of(["scan", "--wait"]) is None
    assert problem_of(["maintenance", "purge", "--missing-days", "30"]) is None
    assert problem_of(["scann"]) == "no command scann"
    assert "--wait-forever" in (problem_of(["scan", "--wait-forever"]) or "")
    assert "--days" in (problem_of(["maintenance", "purge", "--days", "30"]) or "")


def all_commands(command: click.Command, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from all_commands(inner, *names, name)


@pytest.mark.parametrize("names", list(all_commands(soniquebay)), ids=" ".join)
def test_every_command_has_help(names: tuple[str, ...]) -> None:
    result = CliRunner().invoke(soniquebay, [*names, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")


class Asked(Mapping[str, str]):
    """An empty environment that remembers which variables it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def variables() -> set[str]:
    """Return the variables of the application, the image's build, the roles and deploy/; and fields of the journal."""
    asked = Asked()
    from_environment(asked)
    build = "\n".join(path.read_text() for path in ROOT.glob("image/**/*.py"))
    fields = {f"SONIQUEBAY_{name.upper()}" for name in logs.FIELDS}  # of the journal
    others = [*ROOT.glob("roles/*/defaults/main.yml"), *ROOT.glob("deploy/*.yml")]
    read = "\n".join([build, *(path.read_text() for path in others)])
    return asked.names | fields | set(re.findall(r"""(?:["']|\$\{)(SONIQUEBAY_[A-Z_]+)(?:["']|:-)""", read))


@by_page(PAGES)
def test_variables_are_there(page: Path) -> None:
    named = set(re.findall(r"SONIQUEBAY_[A-Z_]*[A-Z](?![A-Z_]*\*)", page.read_text()))
    assert named - variables() == set()


@by_page(PAGES)
def test_verbs_of_the_image_are_there(page: Path) -> None:
    actions = image_parser()._subparsers._group_actions  # argparse has no other way to ask
    verbs = set(actions[0].choices)
    named = {verb for each in code([page]) for verb in re.findall(r"-m image ([a-z-]+)", each.text)}
    assert named - verbs == set()
