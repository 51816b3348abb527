"""`python -m image <verb>`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape

from . import artifacts, build, build_root, hostpackages, minimal_root, mirrors, music, profile, release, run
from . import base as base_root
from .containers import container
from .emulated import detached
from .emulated.access import GUEST_PORTS
from .emulated.machine import Machine
from .errors import ActionableError
from .paths import cache_home
from .privilege import is_root, own_verb_as_root
from .ui import console


def parser() -> argparse.ArgumentParser:
    """The verbs."""
    top = argparse.ArgumentParser(prog="python -m image", description=__import__("image").__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("host-packages", help="install the few Debian packages this machine needs")
    verbs.add_parser("build-root", help="the native root with the build tools")
    for name, text in (("base", "the arm64 base root"), ("build", "the flashable image in dist/")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--profile", default="debian", help="a folder of image/profiles")
    archive = verbs.add_parser("release", help="the release archive in dist/")
    archive.add_argument("--version", help="another version than the sources say")
    archive.add_argument("--app", type=Path, default=release.APP, help="another app/ folder")
    archive.add_argument("--into", type=Path, help="another folder than dist/")
    inside = verbs.add_parser("containers", help="run a command that finds the image's root as a container image")
    inside.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="such as pytest tests/containers")
    files = verbs.add_parser(
        "publish", help="the built image as it is given out: compressed, with all that goes with it"
    )
    files.add_argument("--profile", default="debian", help="a folder of image/profiles")
    files.add_argument(
        "--base-url", default=os.environ.get("RELEASE_URL", ""), help="where they will be downloaded from"
    )
    files.add_argument("--key", default=os.environ.get("SIGN_KEY") or None, type=Path, help="an SSH key to sign with")
    disk = verbs.add_parser("music", help="a music disk image from a folder")
    disk.add_argument("folder", type=Path, nargs="?", help="by default the music of a Debian package")
    verbs.add_parser("minimal", help="a bare Debian to boot, on which playbooks/site.yml is tried")
    verbs.add_parser("mirrors", help="Debian's mirrors, and those that this machine uses instead, as JSON")
    for name, text in (
        ("machine", "boot the image, and stay until Ctrl-C; or: start, stop"),
        ("run", "build, boot, scan a music disk, and stay until Ctrl-C"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--profile", default="debian", help="a folder of image/profiles")
        verb.add_argument("--ssh-port", type=int, help="local port of the machine's SSH")
        verb.add_argument("--http-port", type=int, help="local port of the API")
        verb.add_argument("--flower-port", type=int, help="local port of Flower")
        if name == "machine":
            verb.add_argument("action", nargs="?", default="stay", choices=("stay", "start", "stop"))
            verb.add_argument("--state", type=Path, help="folder by which a machine that was started is known")
            verb.add_argument(
                "--offline", action="store_true", help="no cable until all has started, and nothing to reach"
            )
            verb.add_argument("--clock", help="the time at which it is switched on, for instance 1970-01-01")
        else:
            verb.add_argument("--music", type=Path, help="a folder of music; or MUSIC in the environment")
            verb.add_argument("--once", action="store_true", help="do not stay up after the summary")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; an ActionableError is told in words."""
    end_cleanly_on_signals()
    os.umask(0o022)  # what root makes here is read by the user
    given = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(given)
    try:
        dispatch(options, given)
    except ActionableError as problem:
        console.print(f"[red]✗[/red] {escape(problem.what)}")
        if problem.hint:
            console.print(f"  {escape(problem.hint)}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    return 0


def dispatch(options: argparse.Namespace, given: list[str]) -> None:
    """Carry out a verb, as root where that is needed and not yet done."""
    verb: str = options.verb
    if verb == "host-packages":
        hostpackages.install()
    elif verb == "run":
        run.run(options.profile, run.ports(options), _music(options), stay=not options.once)
    elif verb == "mirrors":
        debian, used = asdict(mirrors.DEBIAN), asdict(mirrors.configured())
        console.print_json(data={"debian": debian, "used": used, "options": mirrors.apt_options()})
    elif verb == "machine" and options.action != "stay":
        _detached(options)
    elif verb == "machine":
        run.boot_only(options.profile, run.ports(options))
    elif not is_root() and not _done(options):
        own_verb_as_root(*given)
    else:
        _build(options)


def _build(options: argparse.Namespace) -> None:
    """Carry out a verb that may need root."""
    verb: str = options.verb
    if verb == "build-root":
        console.print(str(build_root.ensure().root))
    elif verb == "base":
        base_root.ensure(profile.load(options.profile), build_root.ensure())
    elif verb == "release":
        tools = build_root.ensure()
        console.print(str(release.ensure(tools, version=options.version, app=options.app, into=options.into)))
    elif verb == "minimal":
        console.print(str(minimal_root.ensure(build_root.ensure())))
    elif verb == "publish":
        for path in artifacts.publish(options.profile, base_url=options.base_url, key=options.key):
            console.print(f"  {escape(str(path))} [dim]{path.stat().st_size:,} bytes[/dim]")
    elif verb == "build":
        console.print(str(build.build(options.profile)))
    elif verb == "containers":
        if status := container.run(options.command):
            raise SystemExit(status)
    elif verb == "music":
        console.print(str(music.ensure(build_root.ensure(), options.folder)))


def _done(options: argparse.Namespace) -> bool:
    """Whether the verb finds all it needs root for."""
    if build_root.find() is None or not os.access(cache_home(), os.W_OK):
        return False
    return options.verb in ("build-root", "release", "publish") or (
        options.verb == "build" and build.is_ready(options.profile)
    )


def _detached(options: argparse.Namespace) -> None:
    if options.state is None:
        raise ActionableError("Which machine?", "Say --state with a folder of its own.")
    if options.action == "stop":
        detached.stop(options.state)
        return
    tools = build_root.find() or build_root.ensure()
    image = minimal_root.ensure(tools) if options.profile == minimal_root.NAME else run.image(options.profile)
    ports = {name: port for name in GUEST_PORTS if (port := getattr(options, f"{name}_port"))}
    machine = Machine(image, ports=ports, offline=options.offline, clock=options.clock, detached=True, tools=tools)
    detached.start(options.state, machine)


def _music(options: argparse.Namespace) -> Path | None:
    named = options.music or (Path(os.environ["MUSIC"]) if os.environ.get("MUSIC") else None)
    return named.expanduser().absolute() if named else None


def end_cleanly_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind as Ctrl-C does, so that every `with` gets its turn."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


if __name__ == "__main__":
    sys.exit(main())
