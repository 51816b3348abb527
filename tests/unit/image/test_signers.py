"""The key that signs a release, the keys that it trusts, and that the machine takes what the build has signed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from image import bytecode, cache, learned_model, privilege, release, signature, signers, system_sets, web_page
from image.build_root import BuildRoot
from image.errors import ActionableError
from image.platforms import APPLIANCE, PLATFORMS, Platform
from soniquebay.releases import signatures
from soniquebay.releases.versions import version_of
from tests.support.ssh_keys import make_key, public_half, sign, trust


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The builder's folder, without a key."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SIGN_KEY", raising=False)
    return tmp_path / "data/soniquebay"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "soniquebay-1.1-aarch64.tar.gz"
    path.write_bytes(b"archive")
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return make_key(tmp_path / "other")


def is_taken(archive: Path, folder: Path, *keys: Path) -> bool:
    """Tell whether a machine that trusts these keys would take an archive."""
    (folder / "SIGNERS").write_text(trust(*keys))
    try:
        signatures.check(archive, folder, lambda _: None)
    except Exception as error:
        assert type(error).__name__ == "ClickException"
        return False
    return True


def test_the_builders_key_is_made_once_and_nobody_else_can_read_it(data: Path) -> None:
    umask = os.umask(0)
    try:
        key = signers.signing_key()
    finally:
        os.umask(umask)
    assert key == data / "release-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    before = key.read_bytes()
    assert signers.signing_key().read_bytes() == before
    assert sorted(path.name for path in data.iterdir()) == ["release-key", "release-key.pub"]


def test_a_build_that_was_ended_while_it_made_the_key_does_not_stop_the_next_one(data: Path) -> None:
    data.mkdir(parents=True)
    for name in ("release-key.partial", "release-key.partial.pub", "release-key.pub"):
        (data / name).write_text("half")
    key = signers.signing_key()
    assert public_half(key) == signature.public_half(key)


def test_a_named_key_signs_instead_of_the_builders(
    key: Path, other: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGN_KEY", str(key))
    assert signers.signing_key() == key
    assert signers.signing_key(other) == other
    assert not (data / "release-key").exists()
    with pytest.raises(ActionableError, match="no key"):
        signers.signing_key(data / "missing")


def test_a_build_as_root_has_the_keys_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image would trust root's key otherwise, and refuse the releases of the user."""
    sudo = tmp_path / "programs/sudo"
    sudo.parent.mkdir()
    sudo.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/arguments\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sudo.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SIGN_KEY", "key")
    monkeypatch.setenv("SSH_AUTH_SOCK", "agent")
    monkeypatch.setattr(privilege, "is_root", lambda: False)
    privilege.run_verb_as_root("build")
    preserved, *arguments = (tmp_path / "arguments").read_text().splitlines()
    assert {"SIGN_KEY", "SSH_AUTH_SOCK"} <= set(preserved.removeprefix("--preserve-env=").split(","))
    assert f"XDG_DATA_HOME={tmp_path}/data" in arguments


def test_a_release_trusts_the_key_that_signs_it_and_no_dates_or_comments(key: Path) -> None:
    assert signers.trusted(key) == trust(key)
    key.with_suffix(".pub").unlink()
    assert signers.trusted(key) == signers.trusted(key)
    assert "of a test" not in signers.trusted(key)


def test_a_list_of_keys_replaces_it(key: Path, other: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.mkdir(parents=True)
    listed = data / "release-signers"
    lines = [key.with_suffix(".pub").read_text(), "# the new one\n", "\n", other.with_suffix(".pub").read_text()]
    listed.write_text("".join([*lines, lines[0]]))
    assert signers.trusted(key) == trust(key, other)
    assert capsys.readouterr().out == ""
    listed.write_text(trust(other))  # as a release has them
    assert signers.trusted(key) == trust(other)
    assert "will refuse releases that are signed with this key" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "ssh-ed25519 AAAAdamaged\n",
        "ssh-ed25519\n",
        'soniquebay valid-before="20270101" {key}\n',
        'soniquebay namespaces="file" {key}\n',
        "cert-authority {key}\n",
        "{key}\nno key\n",
    ],
)
def test_a_list_with_anything_but_keys_is_refused(key: Path, data: Path, text: str) -> None:
    data.mkdir(parents=True)
    (data / "release-signers").write_text(text.format(key=public_half(key)))
    with pytest.raises(ActionableError, match="release-signers has"):
        signers.trusted(key)


def test_a_key_with_a_passphrase_needs_its_public_half(key: Path) -> None:
    public = public_half(key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(key)], check=True)
    assert signature.public_half(key) == public
    key.with_suffix(".pub").unlink()
    with pytest.raises(ActionableError, match="public half"):
        signature.public_half(key)


@contextmanager
def agent() -> Iterator[None]:
    printed = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    variables = dict(part.split("=") for part in printed.replace(";", "\n").splitlines() if "=" in part)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True)


def test_an_agent_signs_with_a_key_of_which_only_the_public_half_is_a_file(
    archive: Path, key: Path, tmp_path: Path
) -> None:
    public = key.with_suffix(".pub")
    with agent():
        subprocess.run(["ssh-add", "-q", str(key)], check=True)
        key.unlink()
        assert signers.trusted(public) == f'soniquebay namespaces="soniquebay-release" {public_half(key)}\n'
        signers.sign(archive, public)
    assert is_taken(archive, tmp_path, key)


def test_the_machine_takes_what_the_build_has_signed(archive: Path, key: Path, other: Path, tmp_path: Path) -> None:
    assert signers.sign(archive, key) == archive.with_name(f"{archive.name}.sig")
    assert is_taken(archive, tmp_path, key)
    assert not is_taken(archive, tmp_path, other)


def test_a_signature_that_fits_is_kept_and_any_other_replaced(archive: Path, key: Path, other: Path) -> None:
    made = signers.sign(archive, key).stat().st_mtime_ns
    assert signers.sign(archive, key).stat().st_mtime_ns == made
    archive.write_bytes(b"another build")
    made = signers.sign(archive, key).stat().st_mtime_ns
    assert signers.sign(archive, other).stat().st_mtime_ns > made
    sign(archive, other, "file")
    signers.sign(archive, other)
    assert not is_taken(archive, archive.parent, key)
    assert is_taken(archive, archive.parent, other)


class Releases:
    """`release.ensure` with everything but compilers, downloads and Ansible: their products are empty."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        page = folder / "page"
        page.mkdir()
        (folder / "app/soniquebay").mkdir(parents=True)
        (folder / "app/soniquebay/__init__.py").write_text('__version__ = "1.1"\n')
        patch.setattr(web_page, "ensure", lambda: page)
        model = folder / "model"
        model.mkdir()
        (model / "weights.npz").write_bytes(b"weights")
        patch.setattr(learned_model, "ensure", lambda: model)
        patch.setattr(bytecode, "compile_all", lambda *_: None)
        sets = folder / "sets.json"
        sets.write_text("{}")
        patch.setattr(system_sets, "ensure", lambda _: sets)
        for platform in PLATFORMS.values():
            kind, digest = release._kind("libraries", platform), release._libraries_digest(platform)
            cache.make(kind, digest, "", lambda path: path.mkdir())

    def build(self, name: str, key: Path | None = None, platform: Platform = APPLIANCE) -> Path:
        into = self.folder / name
        return release.ensure(BuildRoot(self.folder), app=self.folder / "app", into=into, key=key, platform=platform)


def test_the_trusted_keys_are_an_input_of_a_release(
    tmp_path: Path, key: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Releases(tmp_path, monkeypatch)
    first = builder.build("first", key)
    with tarfile.open(first) as content:
        names = content.getnames()
        file = content.extractfile("SIGNERS")
        assert file is not None
        assert file.read().decode() == trust(key)
    assert names[0] == "VERSION"
    assert "lib/soniquebay/audio/learned/model/weights.npz" in names
    assert sorted(path.name for path in first.parent.iterdir()) == [
        first.name, f"{first.name}.sha256", f"{first.name}.sig",
    ]  # fmt: skip
    assert is_taken(first, tmp_path, key)
    # the cache has the release that trusts the first key
    assert builder.build("second", other).read_bytes() != first.read_bytes()
    shutil.rmtree(tmp_path / "cache/soniquebay/release")
    assert builder.build("again", key).read_bytes() == first.read_bytes()


def test_an_appliance_finds_the_release_of_its_own_platform_alone(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Releases(tmp_path, monkeypatch)
    made = {name: builder.build("all", key, platform) for name, platform in PLATFORMS.items()}
    assert len(set(made.values())) == len(PLATFORMS)
    assert {name: version_of(archive.name) for name, archive in made.items() if version_of(archive.name)} == {
        "aarch64": "1.1"
    }
    # Each stays in the cache beside the others, and is the same when it is made again.
    contents = {name: archive.read_bytes() for name, archive in made.items()}
    monkeypatch.setattr(release, "_pack", None)
    assert {name: builder.build("again", key, PLATFORMS[name]).read_bytes() for name in made} == contents
