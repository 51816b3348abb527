"""Which file systems are mounted where, and which of them do not report every change."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from soniquebay.library.paths import is_within

# inotify does not report what another machine, or a program behind the kernel's back, changes on these. `fuseblk` is a
# local disk (ntfs-3g), on which every change is reported.
_UNREPORTED_TYPES = frozenset({"9p", "afs", "ceph", "cifs", "coda", "fuse", "gfs2", "ncpfs", "nfs", "nfs4", "ocfs2",
                               "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"})  # fmt: skip
_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system. The kernel gives it another id each time it is mounted."""

    mount_point: bytes
    mount_id: int
    fs_type: str

    @property
    def needs_polling(self) -> bool:
        """Whether it can change without an inotify event."""
        return self.fs_type in _UNREPORTED_TYPES or self.fs_type.startswith("fuse.")


def parse_mountinfo(mountinfo: bytes) -> list[Mount]:
    """Return the mounts in the content of ``/proc/self/mountinfo`` (proc(5)), in its order.

    Of two mounts on the same mount point, the later one covers the earlier one.
    """
    mounts = []
    for line in mountinfo.splitlines():
        fields = line.split(b" ")
        mount_point = _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), fields[4])
        fs_type = fields[fields.index(b"-") + 1].decode("ascii", "replace")
        mounts.append(Mount(mount_point, int(fields[0]), fs_type))
    return mounts


def read_only_ids(mountinfo: bytes) -> set[int]:
    """Return the ids of the mounts whose file system itself is read-only, and not only for this process."""
    lines = (line.split(b" ") for line in mountinfo.splitlines())
    return {int(fields[0]) for fields in lines if b"ro" in fields[fields.index(b"-") + 3].split(b",")}


def mount_of(mounts: Iterable[Mount], path: bytes) -> Mount | None:
    """Return the mount on which a real path (without symbolic links) lies."""
    innermost = None
    for mount in mounts:
        if is_within(path, mount.mount_point) and (
            innermost is None or len(mount.mount_point) >= len(innermost.mount_point)
        ):
            innermost = mount
    return innermost
