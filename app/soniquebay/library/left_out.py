"""What a scan leaves out because of its name, and why.

Each name is one that a system gives its own files and folders, so no listener's folder has it by chance. A name is
compared without its case, because a copy through another file system may change that.
"""

import os
import re
import stat

from soniquebay.audio.file_names import UNSUPPORTED_SUFFIXES, is_audio
from soniquebay.audio.open_flags import READ_FLAGS

RECYCLE_BIN = "recycle bin"
OLD_VERSIONS = "snapshots and old versions"
SYSTEM_FOLDER = "system folder"
UNFINISHED = "unfinished download or copy"
APPLE_DOUBLE = "AppleDouble: what macOS keeps beside a file"
FORMAT_NOT_READ = "format is not read: "

_FOLDERS = {
    # Synology DSM; UGREEN and TerraMaster have the same names.
    "#recycle": RECYCLE_BIN,
    "#snapshot": OLD_VERSIONS,
    "@sharesnap": OLD_VERSIONS,
    "@cloudstation": OLD_VERSIONS,
    "@synologydrive": OLD_VERSIONS,
    "@eadir": SYSTEM_FOLDER,
    "@tmp": SYSTEM_FOLDER,
    "@sharebin": SYSTEM_FOLDER,
    "@synoresource": SYSTEM_FOLDER,
    "@synologycloudsync": SYSTEM_FOLDER,
    "@activebackup": SYSTEM_FOLDER,
    ".synologyworkingdirectory": SYSTEM_FOLDER,
    # QNAP QTS
    "@recycle": RECYCLE_BIN,
    "@recently-snapshot": OLD_VERSIONS,
    ".@__thumb": SYSTEM_FOLDER,
    ".@__desc": SYSTEM_FOLDER,
    ".@__qini": SYSTEM_FOLDER,
    ".@qsys": SYSTEM_FOLDER,
    ".@upload_cache": SYSTEM_FOLDER,
    ".qsync_sn": SYSTEM_FOLDER,
    ".streams": SYSTEM_FOLDER,
    "@transcode": SYSTEM_FOLDER,
    "@downloadstationtempfiles": SYSTEM_FOLDER,
    # Samba's vfs_recycle(8), TrueNAS, openmediavault; Unraid
    ".recycle": RECYCLE_BIN,
    ".recycle.bin": RECYCLE_BIN,
    # ZFS, NetApp, snapper and btrfs, CephFS
    ".zfs": OLD_VERSIONS,
    ".snapshot": OLD_VERSIONS,
    "~snapshot": OLD_VERSIONS,
    ".snapshots": OLD_VERSIONS,
    ".snap": OLD_VERSIONS,
    # Windows
    "$recycle.bin": RECYCLE_BIN,
    "system volume information": SYSTEM_FOLDER,
    # macOS and Netatalk
    ".trashes": RECYCLE_BIN,
    "network trash folder": RECYCLE_BIN,
    "backups.backupdb": OLD_VERSIONS,
    ".documentrevisions-v100": OLD_VERSIONS,
    ".temporaryitems": SYSTEM_FOLDER,
    "temporary items": SYSTEM_FOLDER,
    ".spotlight-v100": SYSTEM_FOLDER,
    ".fseventsd": SYSTEM_FOLDER,
    ".appledouble": SYSTEM_FOLDER,
    ".appledb": SYSTEM_FOLDER,
    ".appledesktop": SYSTEM_FOLDER,
    "thevolumesettingsfolder": SYSTEM_FOLDER,
    "__macosx": SYSTEM_FOLDER,
    # Linux and Android
    "lost+found": SYSTEM_FOLDER,
    "lost.dir": SYSTEM_FOLDER,
    ".globaltrash": RECYCLE_BIN,
    # Syncthing, Resilio Sync, MEGA, Nextcloud's data folder, Dropbox, Google Drive, GoodSync, rsync
    ".stversions": OLD_VERSIONS,
    ".stfolder": SYSTEM_FOLDER,
    ".sync": OLD_VERSIONS,
    ".debris": RECYCLE_BIN,
    "files_trashbin": RECYCLE_BIN,
    "files_versions": OLD_VERSIONS,
    ".dropbox.cache": OLD_VERSIONS,
    ".tmp.drivedownload": SYSTEM_FOLDER,
    ".tmp.driveupload": SYSTEM_FOLDER,
    "_gsdata_": OLD_VERSIONS,
    ".rsync-partial": UNFINISHED,
    ".~tmp~": UNFINISHED,
}
_TRASH_PREFIX = ".trash"  # freedesktop.org's Trash specification: .Trash and .Trash-1000
# The bins of Windows XP and of MEGA on Windows have plain words as names: only what lies directly in a root is theirs.
_FOLDERS_OF_A_ROOT = {"recycler": RECYCLE_BIN, "rubbish": RECYCLE_BIN}

_UNFINISHED_SUFFIXES = frozenset(
    {".part", ".partial", ".filepart", ".crdownload", ".opdownload", ".!qb", ".!ut", ".!sync"}
)
_SAFARI_SUFFIX = ".download"  # Safari's is a folder, with the unfinished file under its own name
_SYNCTHING_FILE = re.compile(r"(?:\.syncthing\.|~syncthing~)(.+)\.tmp")
# MediaStore of Android 11: the name that the file had follows the time when the entry expires.
_ANDROID_FILE = re.compile(r"\.(trashed|pending)-\d+-")

_APPLE_DOUBLE_MAGIC = b"\x00\x05\x16\x07"  # RFC 1740, appendix B


def reason_of_name(name: str, path: str, *, is_folder: bool, is_in_root: bool) -> str | None:
    """Return why a scan leaves out what has this name; None if it does not, or if it is no music at all.

    `path`: as Python's file-system string, see `hidden_audio_reason`. `is_in_root`: it lies directly in a root.
    """
    if is_folder:
        return folder_reason(name, is_in_root=is_in_root)
    if is_audio(name):
        return hidden_audio_reason(name, path) if name[0] == "." else None
    return other_file_reason(name)


def folder_reason(name: str, *, is_in_root: bool = False) -> str | None:
    """Return why a scan does not enter a folder of this name; None if it does.

    `is_in_root`: the folder lies directly in a root.
    """
    name = name.lower()
    reason = _FOLDERS.get(name)
    if reason is None and is_in_root:
        reason = _FOLDERS_OF_A_ROOT.get(name)
    if reason is None and name.startswith(_TRASH_PREFIX):
        reason = RECYCLE_BIN
    if reason is None and name.endswith(_SAFARI_SUFFIX) and is_audio(name.removesuffix(_SAFARI_SUFFIX)):
        reason = UNFINISHED
    return reason


def hidden_audio_reason(name: str, path: str) -> str | None:
    """Return why an audio file whose name begins with a dot is left out; None if it is read.

    `path` is that of the file, as Python's file-system string. It is opened only when its name is one of AppleDouble's
    and the file that it would belong to is gone: then its content alone tells it from a song.
    """
    if name.startswith("._"):
        folder = path.removesuffix(name)
        return APPLE_DOUBLE if os.path.lexists(folder + name[2:]) or _has_apple_double_magic(path) else None
    if match := _ANDROID_FILE.match(name):
        return RECYCLE_BIN if match[1] == "trashed" else UNFINISHED
    return None


def other_file_reason(name: str) -> str | None:
    """Return why a file that is not audio by its name is told as left out; None if it is no music at all."""
    stem, dot, suffix = name.rpartition(".")
    suffix = dot + suffix.lower()
    if stem and (kind := UNSUPPORTED_SUFFIXES.get(suffix)) and not name.startswith("._"):
        return FORMAT_NOT_READ + kind
    if suffix in _UNFINISHED_SUFFIXES and is_audio(stem):
        return UNFINISHED
    if suffix == ".tmp" and (match := _SYNCTHING_FILE.fullmatch(name)) and is_audio(match[1]):
        return UNFINISHED
    return None


def _has_apple_double_magic(path: str) -> bool:
    try:
        descriptor = os.open(path, READ_FLAGS)
        try:
            # Whoever reads a terminal in the background is stopped by the kernel.
            is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return is_regular and os.read(descriptor, len(_APPLE_DOUBLE_MAGIC)) == _APPLE_DOUBLE_MAGIC
        finally:
            os.close(descriptor)
    except OSError:
        return False  # it is read like any file, which records the failure
