#!/usr/bin/python
# ruff: noqa: E402  the documentation comes first in a module
"""Write a set of files, folders and links with one start of Python on the target."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_set
short_description: Write a set of files, folders and links at once
description:
  - Writes every entry of a list in one module run, each atomically.
  - One run instead of two for every file saves time where Python is emulated (a root file system of another
    architecture) or the machine is slow.
  - Creates missing parent folders, owned by root, with mode 0755.
options:
  files:
    description: The files, folders and links.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path on the target.
        type: path
        required: true
      content:
        description: Text of the file, written as UTF-8.
        type: str
      link:
        description: Target of a symbolic link, instead of O(files[].content).
        type: str
      state:
        description:
          - V(present) writes the content, V(touch) creates an empty file where none exists, V(directory) a folder.
        type: str
        choices: [present, touch, directory]
        default: present
      mode:
        description: Permissions in octal, by default 0644 for a file and 0755 for a folder.
        type: str
      owner:
        description: Name of the owner.
        type: str
        default: root
      group:
        description: Name of the group.
        type: str
        default: root
  absent:
    description: Glob patterns of files and links that must not exist.
    type: list
    elements: str
    default: []
author: SoniqueBay
"""

EXAMPLES = r"""
- name: Write the settings
  file_set:
    files:
      - path: /etc/example.conf
        content: "{{ lookup('ansible.builtin.template', 'example.conf.j2') }}"
      - path: /etc/localtime
        link: /usr/share/zoneinfo/Etc/UTC
"""

RETURN = r"""
paths:
  description: Paths that were changed.
  returned: always
  type: list
  elements: str
"""

import glob
import grp
import os
import pwd
import stat
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

ENTRY = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "no_log": False},
    "link": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "touch", "directory"], "default": "present"},
    "mode": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}


def make_parents(path):
    """Create the missing parent folders of `path`."""
    parent = path.parent
    if not parent.is_dir():
        make_parents(parent)
        parent.mkdir()
        parent.chmod(0o755)


def replace(path, make):
    """Create a file beside `path` with `make` and rename it to `path`, so that a reader sees the old or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        make(temporary)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def put_link(path, entry, check):
    """Create a symbolic link. Return whether it changed anything, as all these functions do."""
    if path.is_symlink() and str(path.readlink()) == entry["link"]:
        return False
    if not check:
        make_parents(path)
        replace(path, lambda new: new.symlink_to(entry["link"]))
    return True


def put_attributes(path, mode, owner, check):
    """Set owner, group and mode where they differ."""
    if not path.exists():
        return True
    now = path.lstat()
    wrong_owner = (now.st_uid, now.st_gid) != owner
    wrong_mode = stat.S_IMODE(now.st_mode) != mode
    if not check:
        if wrong_owner:
            os.chown(path, *owner)
        # a change of owner may clear bits of the mode
        if wrong_mode or wrong_owner:
            path.chmod(mode)
    return wrong_owner or wrong_mode


def put_folder(path, mode, owner, check):
    """Create a folder."""
    missing = not path.is_dir()
    if missing and not check:
        make_parents(path)
        path.mkdir(mode)
    return put_attributes(path, mode, owner, check) or missing


def put_file(path, entry, mode, owner, check):
    """Write a file, unless it has this content already."""
    wanted = (entry["content"] or "").encode()
    if path.is_file() and not path.is_symlink() and (entry["state"] == "touch" or path.read_bytes() == wanted):
        return put_attributes(path, mode, owner, check)

    def make(new):
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(wanted)
            os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)

    if not check:
        make_parents(path)
        replace(path, make)
    return True


def put(entry, check):
    """Write one entry."""
    path = Path(entry["path"])
    if entry["link"] is not None:
        return put_link(path, entry, check)
    folder = entry["state"] == "directory"
    mode = int(entry["mode"] or ("0755" if folder else "0644"), 8)
    owner = (pwd.getpwnam(entry["owner"]).pw_uid, grp.getgrnam(entry["group"]).gr_gid)
    if folder:
        return put_folder(path, mode, owner, check)
    return put_file(path, entry, mode, owner, check)


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": ENTRY,
                "mutually_exclusive": [("content", "link")],
            },
            "absent": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    changed = []
    try:
        for pattern in module.params["absent"]:
            for path in sorted(glob.glob(pattern)):  # noqa: PTH207  a whole path, which Path.glob refuses
                if not module.check_mode:
                    Path(path).unlink()
                changed.append(path)
        for entry in module.params["files"]:
            if put(entry, module.check_mode):
                changed.append(entry["path"])
    except (OSError, KeyError, ValueError) as error:
        module.fail_json(msg=f"could not write the files: {error}", paths=changed)
    module.exit_json(changed=bool(changed), paths=changed)


if __name__ == "__main__":
    main()
