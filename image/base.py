"""The base root: every Debian package of the profile, configured, before the roles.

mmdebstrap installs the essential packages. The build root's own apt and dpkg unpack the others from outside, so that
only their maintainer scripts run emulated. What those scripts would do again and again is done once, at the end.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from . import binfmt, build_root, bytecode, cache, mirrors, namespace, native_binaries, package_listing, ui
from .build_root import KEYRING, BuildRoot
from .errors import ActionableError
from .paths import ROOT
from .profile import Archive, Profile
from .ui import Step

SOURCE_FILES = (
    Path(__file__),
    *(Path(module.__file__ or "") for module in (bytecode, namespace, native_binaries, package_listing)),
)
# The time that maintainer scripts and mkinitramfs take for now, so that it is not the time of the build.
EPOCH = 1_754_697_600  # 9 August 2025, the release of trixie
DPKG_EXCLUDED_PATHS = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
)
DPKG_INCLUDED_PATHS = (
    "/usr/share/doc/*/copyright",
    "/usr/share/locale/locale.alias",  # localedef reads it
)
MIRROR_VARIABLE = "SONIQUEBAY_RASPBERRYPI_MIRROR"  # overrides the profile's mirror
KEYRING_VARIABLE = "SONIQUEBAY_RASPBERRYPI_KEYRING"
WITHOUT_VARIABLE = "SONIQUEBAY_WITHOUT"
WORK = f"{namespace.BIND_FOLDER}/work"  # the work folder, as programs in the build root see it
LISTING = "usr/share/soniquebay/packages.txt"
# They are slow under emulation, and maintainer scripts call them many times. `_finish` runs them once.
DEFERRED_PROGRAMS = ("py3compile", "py3clean", "update-initramfs", "update-ca-certificates")


def inputs_digest(profile: Profile) -> str:
    """Return the digest of everything that the base root is made from."""
    variables = [os.environ[name] for name in (MIRROR_VARIABLE, WITHOUT_VARIABLE) if os.environ.get(name)]
    keyrings = [archive_keyring(profile.archive)] if profile.archive else []
    modules = " ".join(initramfs_modules())
    return cache.digest(profile.folder, *SOURCE_FILES, *variables, *keyrings, build_root.inputs_digest(), modules)


def archive_keyring(archive: Archive) -> Path:
    """Return the file with the public keys of a profile's archive, on this machine.

    Raises `ActionableError` when it is missing.
    """
    keyring = Path(os.environ.get(KEYRING_VARIABLE) or archive.keyring)
    if not keyring.is_file():
        raise ActionableError(
            f"The keys of {archive.mirror} are missing ({keyring}).",
            f"They are in its package raspberrypi-archive-keyring; {KEYRING_VARIABLE} names a file that has them.",
        )
    return keyring


def initramfs_modules() -> list[str]:
    """Return the modules that the role pi_tuning puts into the initramfs; as they are in it, the role leaves it alone.

    Raises `ActionableError` when the role has no such list.
    """
    defaults = (ROOT / "roles/pi_tuning/defaults/main.yml").read_text()
    match = re.search(r"^pi_tuning_initramfs_modules:\n((?: +- \S+\n)+)", defaults, re.MULTILINE)
    if match is None:
        raise ActionableError("The role pi_tuning has no list pi_tuning_initramfs_modules in its defaults.")
    return re.findall(r"- (\S+)", match[1])


def find(profile: Profile) -> Path | None:
    """Return the tarball of the base root, or None when it has not been made."""
    return cache.find("base", inputs_digest(profile), ".tar.zst")


def ensure(profile: Profile, tools: BuildRoot) -> Path:
    """Return the tarball of the base root; make it, which needs root, if it has not been made.

    The root has the list of its packages in /usr/share/soniquebay/packages.txt (`package_listing`).
    """
    title = f"Base system ({profile.name} {profile.suite}, arm64)"
    existing = find(profile)
    if existing is not None:
        ui.cached(title)
        return existing
    cache.require_free_space(8)
    with ui.step(title) as step, binfmt.arm64_programs(tools):
        return cache.make(
            "base", inputs_digest(profile), ".tar.zst", lambda tarball: _build(profile, tools, tarball, step)
        )


def _build(profile: Profile, tools: BuildRoot, tarball: Path, step: Step) -> None:
    work = tarball.with_name("tmp-root")
    cache.remove(work)
    work.mkdir()
    try:
        _install_essential(profile, tools, work, step)
        _install_packages(profile, tools, work, step)
        _finish(profile, tools, work, step)
        command = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--sort=name", "-I", "zstd -3 -T0"]
        # files made here get a fixed time: `Assembly` clamps to the sources' time alone, which may be later than now
        command += [f"--mtime=@{EPOCH}", "--clamp-mtime"]
        command += ["-C", f"{WORK}/root", "-cf", f"{namespace.BIND_FOLDER}/cache/{tarball.name}", "."]
        step.run(tools.inside(command, {work: "work", tarball.parent: "cache"}))
    finally:
        cache.remove(work)


def _install_essential(profile: Profile, tools: BuildRoot, work: Path, step: Step) -> None:
    command = ["mmdebstrap", "--mode=root", "--variant=essential", "--architectures=arm64", "--format=directory"]
    command += [f"--keyring={KEYRING}", "--skip=cleanup/apt", "--dpkgopt=force-unsafe-io"]
    command += [f"--aptopt={option}" for option in mirrors.apt_options()]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in DPKG_EXCLUDED_PATHS]
    command += [f"--dpkgopt=path-include={pattern}" for pattern in DPKG_INCLUDED_PATHS]
    command += [profile.suite, f"{WORK}/root", *mirrors.configured().lines(profile.suite, profile.components)]
    step.run(tools.inside(command, {work: "work"}, epoch=EPOCH))


def apt_configuration(root: str) -> str:
    """Return a configuration with which the build root's apt and dpkg work on a root from outside."""
    dpkg = [f"--root={root}", "--force-unsafe-io", "--force-confold"]
    dpkg += [f"--path-exclude={pattern}" for pattern in DPKG_EXCLUDED_PATHS]
    dpkg += [f"--path-include={pattern}" for pattern in DPKG_INCLUDED_PATHS]
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


def _install_packages(profile: Profile, tools: BuildRoot, work: Path, step: Step) -> None:
    """Install the profile's packages, and write the list of all packages to the work folder."""
    root = work / "root"
    (work / "apt.conf").write_text(apt_configuration(f"{WORK}/root"))
    shutil.copyfile(package_listing.__file__, work / "package_listing.py")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # no service is started in a root that is not running
    policy.chmod(0o755)
    if profile.archive is not None:
        shutil.copyfile(archive_keyring(profile.archive), work / "archive.pgp")
        mirror = os.environ.get(MIRROR_VARIABLE) or profile.archive.mirror
        _sources_file(root, profile.archive).write_text(profile.archive.make_stanza(mirror, f"{WORK}/archive.pgp"))
    script = [
        f"export APT_CONFIG={WORK}/apt.conf DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C",
        "apt-get -q update",
        f"apt-get -q -y install {' '.join(map(shlex.quote, profile.packages))}",
        f"python3 {WORK}/package_listing.py > {WORK}/packages.txt",
    ]
    inner_root = Path(f"{tools.root}{WORK}/root")
    deferred = f"{shlex.quote(str(inner_root))}/run/deferred"
    # apt looks for DPkg::Path outside the root as well
    prepare = [
        *namespace.kernel_mounts(inner_root),
        f"mkdir {deferred}",
        *(f"ln -s /bin/true {deferred}/{name}" for name in DEFERRED_PROGRAMS),
        *native_binaries.mounts(inner_root, tools),
    ]
    step.run(tools.inside(["sh", "-euc", "\n".join(script)], {work: "work"}, prepare, EPOCH))
    policy.unlink()


def _finish(profile: Profile, tools: BuildRoot, work: Path, step: Step) -> None:
    """Do natively what maintainer scripts left undone, and replace this machine's sources by public ones."""
    root = work / "root"
    step.report_status("bytecode")
    folders = [root / "usr/lib/python3.13", root / "usr/lib/python3/dist-packages"]
    bytecode.compile_all(folders, root, "/", tools, step)
    step.report_status("certificates")
    names = ("usr/share/ca-certificates", "etc/ca-certificates.conf", "etc/ssl/certs")
    binds = [f"mount --bind {shlex.quote(str(root / name))} {shlex.quote(str(tools.root / name))}" for name in names]
    step.run(tools.inside(["update-ca-certificates", "--fresh"], prepare=binds))
    step.report_status("initramfs")
    modules = root / "usr/share/initramfs-tools/modules.d/soniquebay.conf"
    modules.write_text("".join(f"{name}\n" for name in initramfs_modules()))
    chroot = ["chroot", str(root), "update-initramfs", "-c", "-k", "all"]
    mounts = [*namespace.kernel_mounts(root), *native_binaries.mounts(root, tools)]
    step.run(namespace.isolated(mounts, ["env", "PATH=/usr/sbin:/usr/bin", f"SOURCE_DATE_EPOCH={EPOCH}", *chroot]))
    native_binaries.remove_mount_points(root)
    for folder in ("var/lib/apt/lists", "var/cache/apt/archives"):
        cache.remove(root / folder)
        (root / folder / "partial").mkdir(parents=True)
    for name in ("etc/apt/sources.list", "etc/apt/apt.conf.d/99mmdebstrap", "etc/resolv.conf", "etc/hostname"):
        (root / name).unlink(missing_ok=True)
    for file in (root / "var/cache/apt").glob("*.bin"):
        file.unlink()
    (root / "etc/apt/sources.list.d/debian.sources").write_text(debian_sources(profile))
    if profile.archive is not None:
        stanza = profile.archive.make_stanza(profile.archive.mirror, profile.archive.keyring)
        _sources_file(root, profile.archive).write_text(stanza)
    (root / "etc/machine-id").write_text("uninitialized\n")
    (root / LISTING).parent.mkdir(parents=True)
    (root / LISTING).write_text((work / "packages.txt").read_text())


def _sources_file(root: Path, archive: Archive) -> Path:
    return root / f"etc/apt/sources.list.d/{archive.name}.sources"


def debian_sources(profile: Profile) -> str:
    """Return the .sources file of the card: Debian's public mirror, whatever mirror this machine used."""
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\nSigned-By: {}\n"
    suites = f"{profile.suite} {profile.suite}-updates"
    main = stanza.format(mirrors.DEBIAN.main, suites, profile.components, KEYRING)
    security = stanza.format(mirrors.DEBIAN.security, f"{profile.suite}-security", profile.components, KEYRING)
    return f"{main}\n{security}"
