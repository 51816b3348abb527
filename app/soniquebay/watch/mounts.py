"""Which file systems are mounted where, and which of them tell of every change."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from soniquebay.library.paths import is_within

# What another machine, or a program behind the kernel's back, changes there is not told here. `fuseblk` is a local disk
# (ntfs-3g) and tells of all.
_SILENT = frozenset({"9p", "afs", "ceph", "cifs", "coda", "fuse", "gfs2", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
                     "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"})  # fmt: skip
_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system; `id` is another one each time it is mounted."""

    point: bytes
    id: int
    kind: str

    @property
    def is_silent(self) -> bool:
        """Tell whether it can change without a notification."""
        return self.kind in _SILENT or self.kind.startswith("fuse.")


def parse(mountinfo: bytes) -> list[Mount]:
    """Read the lines of ``/proc/self/mountinfo`` (proc(5)); what is mounted over another comes after it."""
    mounts = []
    for line in mountinfo.splitlines():
        words = line.split(b" ")
        point = _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), words[4])
        mounts.append(Mount(point, int(words[0]), words[words.index(b"-") + 1].decode("ascii", "replace")))
    return mounts


def holding(mounts: Iterable[Mount], path: bytes) -> Mount | None:
    """Return the mount that a real path (no links in it) lies on."""
    found = None
    for mount in mounts:
        if is_within(path, mount.point) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found
