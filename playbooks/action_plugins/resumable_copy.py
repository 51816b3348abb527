# ruff: noqa: E402  the documentation comes first in a plugin
"""Copy a large file to the target in pieces. A run after a lost connection sends only the pieces that are missing."""

from __future__ import annotations

DOCUMENTATION = r"""
name: resumable_copy
short_description: Copy a large file in pieces that outlive a lost connection
description:
  - Sends a file in pieces over Ansible's connection, as the user that O(become) names. A piece appears on the target
    once its SHA-256 is right. The pieces lie beside the file, in a folder that is named after the SHA-256 of the whole.
  - Each run verifies the pieces that are there and sends the others. Then it joins them, verifies the SHA-256 of the
    whole, renames it to O(dest), and removes the pieces.
  - Removes the pieces of other files in the folder of O(dest), and the files that were joined from them.
  - The target needs no Python, only a shell and what every Debian has. Only the owner can read the file and the pieces.
options:
  src:
    description: Path of the file on the controller.
    type: str
    required: true
  dest:
    description: Absolute path of the file on the target. Its folder is created.
    type: str
    required: true
author: SoniqueBay
"""

EXAMPLES = r"""
- name: Copy an archive
  resumable_copy:
    src: dist/archive.tar.gz
    dest: /var/tmp/incoming/archive.tar.gz
"""

RETURN = r"""
sent_bytes:
  description: How much this run has sent. It is 0 when the file was there, and in check mode.
  returned: success
  type: int
size_bytes:
  description: Size of the file.
  returned: success
  type: int
"""

import hashlib
import posixpath
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

MB = 1_000_000
PIECE_BYTES = 4 * 1024 * 1024  # on a slow network some seconds, which is what a lost connection costs
PIECES_PER_LINE = 5  # of progress

# Each script gets the folder, the name of the file, the name of the folder of pieces, and more.
# Without a connection nobody reads its errors: it removes its file all the same, and is not ended by SIGPIPE.

# $4: "look" touches nothing, "prepare" makes the folders and removes what is of no use any more.
# Prints what is free, the checksum of the whole file, and those of the pieces.
LIST = r"""
set -eu
umask 077
if [ "$4" = prepare ]; then
  mkdir -p -- "$1/$3"
  cd -- "$1"
  for other in *.pieces-*; do
    if [ -d "$other" ] && [ "$other" != "$3" ]; then rm -rf -- "./${other%.pieces-*}" "./$other"; fi
  done
  find "./$3" -name 'new-*' -mmin +60 -delete
fi
folder=$1
while [ ! -d "$folder" ]; do folder=$(dirname -- "$folder"); done
cd -- "$folder"
stat --file-system --format='free %a %S' .
cd -- "$1" 2>/dev/null || exit 0
if [ -f "$2" ]; then echo "whole $(sha256sum <"$2")"; fi
cd -- "$3" 2>/dev/null || exit 0
for piece in [0-9]*; do
  if [ -f "$piece" ]; then echo "piece $piece $(sha256sum <"$piece")"; fi
done
"""

# $4: name of the piece, $5: its checksum; the piece is the standard input. A name of its own for each writer: one whose
# connection was lost may still write. Both would write the same piece, so the second rename does no harm.
RECEIVE = r"""
set -eu
umask 077
cd -- "$1/$3"
new=$(mktemp "new-$4-XXXXXX")
trap 'rm -f -- "$new"' EXIT
trap '' PIPE
cat >"$new"
if [ "$(sha256sum <"$new")" != "$5  -" ]; then echo 'it arrived damaged' >&2; exit 1; fi
sync -- "$new"
mv -f -- "$new" "$4"
"""

# $4: checksum of the whole, then the names of the pieces. Another run may join the same pieces, or have done it.
JOIN = r"""
set -eu
umask 077
cd -- "$1"
whole=$2 pieces=$3 checksum=$4
shift 4
exec 9<"$pieces"
flock 9
if [ ! -f "$whole" ] || [ "$(sha256sum <"$whole")" != "$checksum  -" ]; then
  cd -- "$pieces"
  new=$(mktemp new-XXXXXX)
  trap 'rm -f -- "$new"' EXIT
  trap '' PIPE
  cat /dev/null "$@" >"$new"
  if [ "$(sha256sum <"$new")" != "$checksum  -" ]; then echo 'the SHA-256 of the whole file is wrong' >&2; exit 1; fi
  sync -- "$new"
  mv -f -- "$new" "../$whole"
  trap - EXIT
  cd ..
fi
cd -- "$pieces"
rm -f -- "$@"
"""


@dataclass(frozen=True)
class Piece:
    """A piece of a file: from `offset` on, with this SHA-256."""

    name: str
    offset: int
    size: int
    checksum: str


def divide(path: Path) -> tuple[list[Piece], str]:
    """Return the pieces of a file, and the SHA-256 of the whole. Raises ``OSError`` when it cannot be read."""
    pieces: list[Piece] = []
    whole = hashlib.sha256()
    offset = 0
    with path.open("rb") as file:
        while content := file.read(PIECE_BYTES):
            whole.update(content)
            pieces.append(Piece(f"{len(pieces):05}", offset, len(content), hashlib.sha256(content).hexdigest()))
            offset += len(content)
    return pieces, whole.hexdigest()


@dataclass
class Target:
    """What the target has: free room, the checksum of the whole file, and those of the pieces by name."""

    free_bytes: int = 0
    whole: str = ""
    pieces: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, printed: str) -> Target:
        """Return what `LIST` has printed."""
        target = cls()
        for line in printed.splitlines():
            match line.split():
                case ["free", blocks, size]:
                    target.free_bytes = int(blocks) * int(size)
                case ["whole", checksum, _]:
                    target.whole = checksum
                case ["piece", name, checksum, _]:
                    target.pieces[name] = checksum
        return target


class ActionModule(ActionBase):
    """The action `resumable_copy`."""

    def run(self, tmp=None, task_vars=None):
        """Copy the file, and return what was sent. A lost connection makes the host unreachable, as in any task."""
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(
            {"src": {"type": "str", "required": True}, "dest": {"type": "str", "required": True}}
        )
        self._host = (task_vars or {}).get("inventory_hostname", "")
        source = Path(self._find_needle("files", options["src"]))
        folder, name = posixpath.split(options["dest"])
        if not folder.startswith("/") or not name:
            raise AnsibleActionFail(f"dest has to be the absolute path of a file, and is {options['dest']!r}")
        try:
            pieces, checksum = divide(source)
        except OSError as error:
            raise AnsibleActionFail(f"{source} cannot be read: {error}") from error
        self._place = [folder, name, f"{name}.pieces-{checksum}"]
        target = Target.read(self._call(LIST, "look" if self._task.check_mode else "prepare"))
        present = target.whole == checksum
        size = sum(piece.size for piece in pieces)
        sent = 0
        if not present and not self._task.check_mode:
            missing = [piece for piece in pieces if target.pieces.get(piece.name) != piece.checksum]
            sent = sum(piece.size for piece in missing)
            self._check_room(folder, sent + size, target.free_bytes)
            self._send(source, missing, size)
            self._call(JOIN, checksum, *(piece.name for piece in pieces))
        return {"changed": not present, "sent_bytes": sent, "size_bytes": size}

    def _check_room(self, folder, needed, free):
        """Refuse to fill the disk: with the pieces that are missing, and with the whole file beside all pieces.

        Unpacked, a release needs more than that, so this refuses no upgrade that could go on.
        """
        if free < needed:
            raise AnsibleActionFail(
                f"the copy needs {needed // MB + 1} MB on the disk of {folder}, and {free // MB} MB are free: "
                "make room there"
            )

    def _send(self, source, missing, size):
        there = size - sum(piece.size for piece in missing)
        if there and missing:
            self._tell(f"{there // MB} of {size // MB} MB are there from an earlier run")
        with source.open("rb") as file:
            for number, piece in enumerate(missing, 1):
                file.seek(piece.offset)
                self._call(RECEIVE, piece.name, piece.checksum, content=file.read(piece.size))
                there += piece.size
                if number % PIECES_PER_LINE == 0 or piece is missing[-1]:
                    self._tell(f"{there // MB} of {size // MB} MB are there")

    def _call(self, script, *arguments, content=b"\n"):
        """Run a script on the target and return its output; `content`: its input.

        There always is one: without it Ansible would ask SSH for a terminal, which joins output and errors.
        """
        command = shlex.join(["/bin/sh", "-c", script, "resumable_copy", *self._place, *arguments])
        done = self._low_level_execute_command(command, in_data=content)
        if done["rc"] != 0:
            told = (done["stderr"].strip() or done["stdout"].strip()).splitlines()
            raise AnsibleActionFail(f"the copy to {posixpath.join(*self._place[:2])} failed: {' '.join(told)}")
        return done["stdout"]

    def _tell(self, text):
        Display().display(f"{self._host}: {text}")
