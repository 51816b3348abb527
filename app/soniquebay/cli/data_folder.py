"""The data folder for commands that work on its files: who owns it, and that no program has its databases open."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from soniquebay import __version__
from soniquebay.cli.scale import is_locked
from soniquebay.releases import programs
from soniquebay.settings import REDIS_KEY_PREFIX, settings

TARGET = "soniquebay.target"
# By name, because a target that is stopped already stops nothing.
UNITS = TARGET, programs.API_SOCKET, programs.CONTROL_SOCKET, programs.API, programs.WORKER
HEALTH_SECONDS = 180.0  # as an upgrade waits


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data folder of this appliance, or that of `soniquebay serve`."""

    path: Path
    is_appliance: bool

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Act as the owner of the folder: the files that root makes must be the API's, and lead nowhere else."""
        facts = self.path.stat()
        if os.geteuid() != 0 or facts.st_uid == 0:
            yield
            return
        groups, group, mask = os.getgroups(), os.getegid(), os.umask(0o027)
        try:
            os.setgroups([facts.st_gid])
            os.setegid(facts.st_gid)
            os.seteuid(facts.st_uid)
            yield
        finally:
            os.seteuid(0)
            os.setegid(group)
            os.setgroups(groups)
            os.umask(mask)

    def check_stoppable(self) -> None:
        """Raise ``click.ClickException`` when the programs cannot be stopped, or when `serve` runs over the folder."""
        if not self.is_appliance:
            if is_locked(self.path):
                raise click.ClickException(f"`soniquebay serve` runs over {self.path}: stop it first (Ctrl-C)")
        elif os.geteuid() != 0:
            raise click.ClickException("only root may stop the services: repeat it with sudo")
        elif not shutil.which("systemctl"):
            raise click.ClickException("this machine has no systemd; give --data with the folder of `soniquebay serve`")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have no program running over the folder, and start them at the end, whatever happens."""
        self.check_stoppable()
        if not self.is_appliance:
            yield
            return
        programs.systemctl("stop", *UNITS)
        try:
            yield
        finally:
            programs.systemctl("start", TARGET)

    def forget_messages(self) -> str | None:
        """Delete what waits in Redis: it speaks of rows of the old library. Return why that is not possible.

        The ledger of the library sends again what its own rows wait for.
        """
        if not self.is_appliance:
            with self.as_owner():
                shutil.rmtree(self.path / "redis", ignore_errors=True)
            return None
        import redis

        try:
            with redis.Redis.from_url(settings().redis, socket_timeout=30, socket_connect_timeout=5) as broker:
                for key in broker.scan_iter(f"{REDIS_KEY_PREFIX}*", count=1000):
                    broker.delete(key)
        except redis.RedisError as error:
            return f"Redis does not answer ({error}), so tasks of the old library may still be in it."
        return None

    def wait_for_health(self) -> None:
        """Wait until everything answers. Raises ``click.ClickException`` when that takes too long."""
        programs.wait_until_healthy(__version__, HEALTH_SECONDS, lambda: programs.health(settings().control_socket))


def data_folder(given: Path | None) -> DataFolder:
    """Return the folder that an option has named, or that of this appliance. Raises ``click.ClickException``."""
    path = given or settings().data
    if not path.is_dir():
        raise click.ClickException(f"{path} is not there; give --data with the folder of `soniquebay serve`")
    return DataFolder(path, is_appliance=given is None)
