"""The command line `python -m image VERB`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.markup import escape

from . import (
    artifacts,
    build,
    build_root,
    hostpackages,
    learned_model,
    minimal_root,
    mirrors,
    music,
    platforms,
    profile,
    release,
    run,
    web_page,
)
from . import base as base_root
from .containers import container, server_image
from .emulated import detached
from .emulated.access import GUEST_PORTS
from .emulated.cable import ENDS, Cable
from .emulated.machine import Machine
from .errors import ActionableError
from .paths import cache_home
from .privilege import is_root, run_verb_as_root
from .ui import console


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    top = argparse.ArgumentParser(prog="python -m image", description=__import__("image").__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("host-packages", help="install the few Debian packages this machine needs")
    verbs.add_parser("build-root", help="make the native root with the build tools")
    for name, text in (("base", "make the arm64 base root"), ("build", "make the flashable image in dist/")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--profile", default="debian", help="a folder of image/profiles")
    archive = verbs.add_parser("release", help="make the release archive in dist/")
    archive.add_argument("--version", help="version to use instead of the one in the sources")
    archive.add_argument("--app", type=Path, default=release.APP, help="folder to use instead of app/")
    archive.add_argument(
        "--platform", default=platforms.APPLIANCE.name, choices=platforms.PLATFORMS, help="machine that runs it"
    )
    archive.add_argument("--into", type=Path, help="folder to use instead of dist/")
    archive.add_argument("--sign-key", type=Path, help="SSH key to sign with, instead of that of SIGN_KEY or your own")
    containers = verbs.add_parser("containers", help="run a command with the image's root as a container image")
    containers.add_argument(
        "--of", choices=("card", "server"), default="card", help="root of the card, or the image for servers"
    )
    containers.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="such as pytest tests/containers"
    )
    server = verbs.add_parser("container-image", help="make the container image for servers in dist/")
    for verb in (containers, server):
        verb.add_argument(
            "--platform",
            choices=server_image.ARCHITECTURES,
            help="processor of the image for servers: this one's, or aarch64",
        )
    publish = verbs.add_parser("publish", help="compress the built image and make the files that go out with it")
    publish.add_argument("--profile", default="debian", help="a folder of image/profiles")
    publish.add_argument(
        "--base-url", default=os.environ.get("RELEASE_URL", ""), help="URL from which the files will be downloaded"
    )
    publish.add_argument("--key", default=os.environ.get("SIGN_KEY") or None, type=Path, help="an SSH key to sign with")
    page = verbs.add_parser(
        "web-page", help="build the page into app/soniquebay, where the API of this checkout finds it"
    )
    page.add_argument("action", nargs="?", default="install", choices=("install", "lint", "test"))
    verbs.add_parser("learned-model", help="make the learned model in app/soniquebay, where the analysis finds it")
    disk = verbs.add_parser("music", help="make a music disk image from a folder")
    disk.add_argument("folder", type=Path, nargs="?", help="by default the music of a Debian package")
    verbs.add_parser("minimal", help="make an image of plain Debian, on which playbooks/site.yml is tested")
    verbs.add_parser("mirrors", help="print Debian's mirrors and those that this machine uses instead, as JSON")
    for name, text in (
        ("machine", "boot the image and wait for Ctrl-C, or start or stop a machine that keeps running"),
        ("run", "build, boot, scan a music disk and wait for Ctrl-C"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--profile", default="debian", help="a folder of image/profiles")
        verb.add_argument("--ssh-port", type=int, help="local port of the machine's SSH")
        verb.add_argument("--http-port", type=int, help="local port of the API")
        verb.add_argument("--flower-port", type=int, help="local port of Flower")
        if name == "machine":
            verb.add_argument("action", nargs="?", default="stay", choices=("stay", "start", "stop"))
            verb.add_argument("--state", type=Path, help="folder that identifies a started machine")
            verb.add_argument(
                "--offline",
                action="store_true",
                help="no network cable until all has started, and no network access after that",
            )
            verb.add_argument("--clock", help="time of the clock at power-on, for instance 1970-01-01")
            verb.add_argument("--hostname", default="soniquebay", help="host name of a started machine")
            verb.add_argument("--memory", type=int, default=4096, help="memory of a started machine in MiB")
            verb.add_argument("--cpus", type=int, default=4, help="processors of a started machine")
            verb.add_argument(
                "--cable", type=Path, help="folder of the sockets of a network cable to another started machine"
            )
            verb.add_argument("--cable-end", type=int, choices=ENDS, default=1, help="end of the cable to plug in")
        else:
            verb.add_argument("--music", type=Path, help="a folder of music; by default the variable MUSIC")
            verb.add_argument("--once", action="store_true", help="stop after the summary")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run a verb and return the exit status; print an `ActionableError` without a traceback."""
    exit_on_signals()
    os.umask(0o022)  # files that root makes here are readable for the user
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    try:
        dispatch(options, arguments)
    except ActionableError as problem:
        console.print(f"[red]✗[/red] {escape(problem.what)}")
        if problem.hint:
            console.print(f"  {escape(problem.hint)}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    return 0


def dispatch(options: argparse.Namespace, arguments: list[str]) -> None:
    """Run the verb of `options`; when it needs root, run the command line `arguments` again as root."""
    verb: str = options.verb
    if verb == "host-packages":
        hostpackages.install()
    elif verb == "run":
        run.run(options.profile, run.ports(options), _music_folder(options), stay=not options.once)
    elif verb == "mirrors":
        data = {
            "debian": asdict(mirrors.DEBIAN),
            "used": asdict(mirrors.configured()),
            "options": mirrors.apt_options(),
        }
        console.print_json(data=data)
    elif verb == "web-page":
        {"install": web_page.install, "lint": web_page.lint, "test": web_page.test}[options.action]()
    elif verb == "learned-model":
        learned_model.install()
    elif verb == "machine" and options.action != "stay":
        _start_or_stop(options)
    elif verb == "machine":
        run.boot_only(options.profile, run.ports(options))
    elif not is_root() and not _runs_without_root(options):
        run_verb_as_root(*arguments)
    else:
        _build(options)


def _build(options: argparse.Namespace) -> None:
    """Run a verb that makes or uses build products."""
    verb: str = options.verb
    if verb == "build-root":
        console.print(str(build_root.ensure().root))
    elif verb == "base":
        base_root.ensure(profile.load(options.profile), build_root.ensure())
    elif verb == "release":
        made = release.ensure(
            build_root.ensure(),
            version=options.version,
            app=options.app,
            into=options.into,
            key=options.sign_key,
            platform=platforms.PLATFORMS[options.platform],
        )
        console.print(str(made))
    elif verb == "minimal":
        console.print(str(minimal_root.ensure(build_root.ensure())))
    elif verb == "publish":
        for path in artifacts.publish(options.profile, base_url=options.base_url, key=options.key):
            console.print(f"  {escape(str(path))} [dim]{path.stat().st_size:,} bytes[/dim]")
    elif verb == "build":
        console.print(str(build.build(options.profile)))
    elif verb == "containers":
        run_in: dict[str, Callable[[list[str]], int]] = {
            "card": container.run,
            "server": partial(server_image.run, machine=options.platform),
        }
        if status := run_in[options.of](options.command):
            raise SystemExit(status)
    elif verb == "container-image":
        console.print(str(server_image.export(options.platform)))
    elif verb == "music":
        console.print(str(music.ensure(build_root.ensure(), options.folder)))


def _runs_without_root(options: argparse.Namespace) -> bool:
    """Tell whether everything for which the verb needs root exists already."""
    if build_root.find() is None or not os.access(cache_home(), os.W_OK):
        return False
    return options.verb in ("build-root", "release", "publish") or (
        options.verb == "build" and build.is_ready(options.profile)
    )


def _start_or_stop(options: argparse.Namespace) -> None:
    if options.state is None:
        raise ActionableError("No machine is named.", "Name its folder with --state.")
    if options.action == "stop":
        detached.stop(options.state)
        return
    tools = build_root.find() or build_root.ensure()
    image = minimal_root.ensure(tools) if options.profile == minimal_root.NAME else run.image(options.profile)
    ports = {name: port for name in GUEST_PORTS if (port := getattr(options, f"{name}_port"))}
    machine = Machine(
        image,
        ports=ports,
        memory_mebibytes=options.memory,
        cpus=options.cpus,
        hostname=options.hostname,
        offline=options.offline,
        clock=options.clock,
        cable=Cable(options.cable, options.cable_end) if options.cable else None,
        detached=True,
        tools=tools,
    )
    detached.start(options.state, machine)


def _music_folder(options: argparse.Namespace) -> Path | None:
    folder = options.music or (Path(os.environ["MUSIC"]) if os.environ.get("MUSIC") else None)
    return folder.expanduser().absolute() if folder else None


def exit_on_signals() -> None:
    """Have SIGTERM and SIGHUP raise `SystemExit`, so that `with` blocks clean up as they do after Ctrl-C."""

    def exit_(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, exit_)
    signal.signal(signal.SIGHUP, exit_)


if __name__ == "__main__":
    sys.exit(main())
