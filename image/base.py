"""The base root: every Debian package of the profile, configured, and nothing of ours yet.

The essential packages are mmdebstrap's work. The others are unpacked by the build root's own apt and dpkg from outside,
and only their maintainer scripts run emulated; what those would do again and again is put off, and done
once at the end.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from . import binfmt, build_root, bytecode, cache, mirrors, namespace, native_binaries
from .build_root import KEYRING, BuildRoot
from .errors import ActionableError
from .paths import ROOT
from .profile import Archive, Profile
from .ui import Step, cached, step

RECIPE = [Path(__file__), Path(bytecode.__file__), Path(namespace.__file__), Path(native_binaries.__file__)]
# What maintainer scripts and mkinitramfs take for now: it must not be when the root happens to be made.
EPOCH = 1_754_697_600  # the day trixie came out
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
KEPT = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")  # the latter is read when a locale is made
MIRROR = "SONIQUEBAY_RASPBERRYPI_MIRROR"  # instead of the profile's
KEYRING_OF_PI = "SONIQUEBAY_RASPBERRYPI_KEYRING"
WITHOUT = "SONIQUEBAY_WITHOUT"
WORK = f"{namespace.FOLDERS}/work"  # as the build root's programs see it
# Emulated and slow, and asked for many times over: done once, below.
DEFERRED_PROGRAMS = ("py3compile", "py3clean", "update-initramfs", "update-ca-certificates")


def inputs_digest(profile: Profile) -> str:
    """What the base root is made of."""
    other = [os.environ[name] for name in (MIRROR, WITHOUT) if os.environ.get(name)]
    keys = [archive_keys(profile.archive)] if profile.archive else []
    return cache.digest(
        profile.folder, *RECIPE, *other, *keys, build_root.inputs_digest(), " ".join(initramfs_modules())
    )


def archive_keys(archive: Archive) -> Path:
    """The public keys of a profile's second archive, on this machine."""
    keys = Path(os.environ.get(KEYRING_OF_PI) or archive.keyring)
    if not keys.is_file():
        raise ActionableError(
            f"The keys of {archive.mirror} are missing ({keys}).",
            f"They are in its package raspberrypi-archive-keyring; {KEYRING_OF_PI} names a file that has them.",
        )
    return keys


def initramfs_modules() -> list[str]:
    """The modules that the role pi_tuning wants in the initramfs: with them in it, the role need not make it again."""
    defaults = (ROOT / "roles/pi_tuning/defaults/main.yml").read_text()
    found = re.search(r"^pi_tuning_initramfs_modules:\n((?: +- \S+\n)+)", defaults, re.MULTILINE)
    if found is None:
        raise ActionableError("The role pi_tuning has no list pi_tuning_initramfs_modules in its defaults.")
    return re.findall(r"- (\S+)", found[1])


def find(profile: Profile) -> Path | None:
    """The tarball, if it has been made."""
    return cache.find("base", inputs_digest(profile), ".tar.zst")


def ensure(profile: Profile, tools: BuildRoot) -> Path:
    """The tarball of the base root; its packages' exact versions are in /usr/share/soniquebay/packages.txt."""
    title = f"Base system ({profile.name} {profile.suite}, arm64)"
    ready = find(profile)
    if ready is not None:
        cached(title)
        return ready
    cache.need_space(8)
    with step(title) as current, binfmt.arm64_programs(tools):
        return cache.make(
            "base", inputs_digest(profile), ".tar.zst", lambda tarball: _build(profile, tools, tarball, current)
        )


def _build(profile: Profile, tools: BuildRoot, tarball: Path, current: Step) -> None:
    work = tarball.with_name("tmp-root")
    cache.remove(work)
    work.mkdir()
    try:
        _essential(profile, tools, work, current)
        _packages(profile, tools, work, current)
        _finish(profile, tools, work / "root", current)
        pack = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--sort=name", "-I", "zstd -3 -T0"]
        # what was made here is no younger than the packages may be: the sources' own time may be later than this hour
        pack += [f"--mtime=@{EPOCH}", "--clamp-mtime"]
        pack += ["-C", f"{WORK}/root", "-cf", f"{namespace.FOLDERS}/cache/{tarball.name}", "."]
        current.run(tools.inside(pack, {work: "work", tarball.parent: "cache"}))
    finally:
        cache.remove(work)


def _essential(profile: Profile, tools: BuildRoot, work: Path, current: Step) -> None:
    command = ["mmdebstrap", "--mode=root", "--variant=essential", "--architectures=arm64", "--format=directory"]
    command += [f"--keyring={KEYRING}", "--skip=cleanup/apt", "--dpkgopt=force-unsafe-io"]
    command += [f"--aptopt={option}" for option in mirrors.apt_options()]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    command += [f"--dpkgopt=path-include={pattern}" for pattern in KEPT]
    command += [profile.suite, f"{WORK}/root", *mirrors.configured().lines(profile.suite, profile.components)]
    current.run(tools.inside(command, {work: "work"}, epoch=EPOCH))


def apt_configuration(root: str) -> str:
    """Apt outside the root working on it: a native dpkg that enters the root for maintainer scripts alone."""
    dpkg = [f"--root={root}", "--force-unsafe-io", "--force-confold"]
    dpkg += [f"--path-exclude={pattern}" for pattern in EXCLUDED] + [f"--path-include={pattern}" for pattern in KEPT]
    lines = [
        'APT::Architecture "arm64";',
        'APT::Architectures { "arm64"; };',
        'APT::Install-Recommends "false";',
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        f'Dir "{root}";',
        f'Dir::State::status "{root}/var/lib/dpkg/status";',
        'Dir::Etc::trusted "/nowhere";',
        'Dir::Etc::trustedparts "/usr/share/keyrings";',
        'DPkg::Use-Pty "false";',
        'DPkg::Path "/run/deferred:/usr/sbin:/usr/bin:/sbin:/bin";',
        f"DPkg::Options {{ {' '.join(f'{option!r};'.replace(chr(39), chr(34)) for option in dpkg)} }};",
        *(f"{option};" for option in mirrors.apt_options()),
    ]
    return "\n".join(lines) + "\n"


def _packages(profile: Profile, tools: BuildRoot, work: Path, current: Step) -> None:
    root = work / "root"
    (work / "apt.conf").write_text(apt_configuration(f"{WORK}/root"))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # nothing starts in a root that is not running
    policy.chmod(0o755)
    if profile.archive is not None:
        shutil.copyfile(archive_keys(profile.archive), work / "archive.pgp")
        address = os.environ.get(MIRROR) or profile.archive.mirror
        stanza = profile.archive.source(address, f"{WORK}/archive.pgp")
        _source(root, profile.archive).write_text(stanza)
    script = [
        f"export APT_CONFIG={WORK}/apt.conf DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C",
        "apt-get -q update",
        f"apt-get -q -y install {' '.join(map(shlex.quote, profile.packages))}",
    ]
    at = str(tools.root)
    inner = Path(f"{at}{WORK}/root")
    deferred = [f"mkdir {shlex.quote(str(inner))}/run/deferred"]
    for name in DEFERRED_PROGRAMS:
        deferred.append(f"ln -s /bin/true {shlex.quote(str(inner))}/run/deferred/{name}")
    # apt looks for DPkg::Path outside the root as well
    prepare = [*namespace.kernel_mounts(inner), *deferred, *native_binaries.mounts(inner, tools)]
    current.run(tools.inside(["sh", "-euc", "\n".join(script)], {work: "work"}, prepare, EPOCH))
    policy.unlink()


def _finish(profile: Profile, tools: BuildRoot, root: Path, current: Step) -> None:
    """Natively what was put off; then the sources a Debian has, and no trace of where this one came from."""
    current.report_status("bytecode")
    places = [root / "usr/lib/python3.13", root / "usr/lib/python3/dist-packages"]
    bytecode.compile_all(places, root, "/", tools, current)
    current.report_status("certificates")
    shared = ("usr/share/ca-certificates", "etc/ca-certificates.conf", "etc/ssl/certs")
    swap = [f"mount --bind {shlex.quote(str(root / name))} {shlex.quote(str(tools.root / name))}" for name in shared]
    current.run(tools.inside(["update-ca-certificates", "--fresh"], prepare=swap))
    current.report_status("initramfs")
    modules = root / "usr/share/initramfs-tools/modules.d/soniquebay.conf"
    modules.write_text("".join(f"{name}\n" for name in initramfs_modules()))
    chroot = ["chroot", str(root), "update-initramfs", "-c", "-k", "all"]
    mounts = [*namespace.kernel_mounts(root), *native_binaries.mounts(root, tools)]
    current.run(namespace.isolated(mounts, ["env", "PATH=/usr/sbin:/usr/bin", f"SOURCE_DATE_EPOCH={EPOCH}", *chroot]))
    native_binaries.remove_traces(root)
    for folder in ("var/lib/apt/lists", "var/cache/apt/archives"):
        cache.remove(root / folder)
        (root / folder / "partial").mkdir(parents=True)
    for name in ("etc/apt/sources.list", "etc/apt/apt.conf.d/99mmdebstrap", "etc/resolv.conf", "etc/hostname"):
        (root / name).unlink(missing_ok=True)
    for file in (root / "var/cache/apt").glob("*.bin"):
        file.unlink()
    (root / "etc/apt/sources.list.d/debian.sources").write_text(sources(profile))
    if profile.archive is not None:
        _source(root, profile.archive).write_text(
            profile.archive.source(profile.archive.mirror, profile.archive.keyring)
        )
    (root / "etc/machine-id").write_text("uninitialized\n")
    listing = root / "usr/share/soniquebay/packages.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text(installed((root / "var/lib/dpkg/status").read_text(errors="replace")))


def _source(root: Path, archive: Archive) -> Path:
    return root / f"etc/apt/sources.list.d/{archive.name}.sources"


def sources(profile: Profile) -> str:
    """Debian's public mirror: what the machine that built this used is nobody's business."""
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\nSigned-By: {}\n"
    suites = f"{profile.suite} {profile.suite}-updates"
    main = stanza.format(mirrors.DEBIAN.main, suites, profile.components, KEYRING)
    security = stanza.format(mirrors.DEBIAN.security, f"{profile.suite}-security", profile.components, KEYRING)
    return f"{main}\n{security}"


def installed(status: str) -> str:
    """Name and version of each package in dpkg's status file."""
    found = []
    for stanza in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            found.append(f"{fields['Package']} {fields['Version']}")
    return "\n".join(sorted(found)) + "\n"
