"""Every unit of the roles, rendered with the roles' defaults, is one that systemd understands."""

import subprocess
from pathlib import Path

import jinja2
import pytest
import yaml

ROLES = Path(__file__).parents[2] / "roles"
SUFFIXES = (".service", ".socket", ".timer", ".slice", ".target")
# What the units start is not on this machine; systemd also checks that it is there.
STAND_IN = "/bin/true"


def templates() -> list[Path]:
    return sorted(t for t in ROLES.glob("*/templates/**/soniquebay*.j2") if t.stem.endswith(SUFFIXES))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render all units into one folder, so that they find each other."""
    folder = tmp_path_factory.mktemp("units")
    for template in templates():
        role = template.relative_to(ROLES).parts[0]
        loader = jinja2.FileSystemLoader(ROLES / role / "templates")
        # as Ansible does: the end of a line is taken away after a tag, and at the end of what is included
        environment = jinja2.Environment(
            loader=loader,
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701
            trim_blocks=True,
        )
        values = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())
        values |= {name: STAND_IN for name in values if name.endswith("_command")}
        text = environment.get_template(str(template.relative_to(ROLES / role / "templates"))).render(
            values, ansible_managed="managed"
        )
        text = text.replace("/usr/local/lib/soniquebay/", "/bin/true /")
        (folder / template.stem).write_text(text)
    return folder


def verify(unit: Path) -> str:
    # An instance, for a template alone says nothing.
    name = unit.name.replace("@.", "@sda1.")
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit.with_name(name))],
        check=False, capture_output=True, text=True,
        env={"SYSTEMD_UNIT_PATH": f"{unit.parent}:", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    # Other packages' units on this machine are not ours to judge.
    lines = [line for line in run.stderr.splitlines() if "soniquebay" in line or str(unit.parent) in line]
    return "\n".join(lines) or ("" if run.returncode == 0 else run.stderr)


@pytest.mark.parametrize("name", [t.stem for t in templates()])
def test_systemd_accepts_the_unit(rendered: Path, name: str) -> None:
    assert verify(rendered / name) == ""


@pytest.mark.parametrize("name", ["soniquebay-worker.service", "soniquebay-worker@.service"])
def test_a_worker_may_lower_the_priority_of_its_processes(rendered: Path, name: str) -> None:
    """And its last lines are lines of their own: one that hangs on to another's value is no error to systemd."""
    lines = (rendered / name).read_text().splitlines()
    assert "InaccessiblePaths=-/boot" in lines
    last = [line for line in lines if line.startswith("SystemCallFilter=")][-1]
    assert last == "SystemCallFilter=setpriority"


def test_systemd_rejects_a_misspelt_directive(rendered: Path) -> None:
    # Else the silence above would prove nothing.
    unit = rendered / "soniquebay-api.service"
    broken = rendered / "soniquebay-broken.service"
    broken.write_text(unit.read_text().replace("Restart=", "Restrat="))
    assert "Restrat" in verify(broken)


def test_there_are_templates() -> None:
    assert len(templates()) >= 10
