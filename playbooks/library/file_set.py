#!/usr/bin/python
"""Write a set of files, folders and links in one run of Python on the target."""

from __future__ import annotations

DOCUMENTATION = r"""
module: file_set
short_description: Write a set of files, folders and links at once
description:
  - Writes every entry of a list in one module run, each atomically.
  - One run instead of two for every file, which counts where Python is emulated (a root filesystem of another
    architecture) or the machine is slow.
  - Parent folders that are missing are made, owned by root, mode 0755.
options:
  files:
    description: What has to be there.
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
        description: V(present) writes the content, V(touch) makes an empty file only where none is, V(directory) a folder.
        type: str
        choices: [present, touch, directory]
        default: present
      mode:
        description: Permissions in octal; 0644 for a file and 0755 for a folder unless told.
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
    description: Glob patterns of files and links which must not be there.
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
  description: What was changed.
  returned: always
  type: list
  elements: str
"""

import glob
import grp
import os
import pwd
import stat
import tempfile

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
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        make_parents(parent)
        os.mkdir(parent)
        os.chmod(parent, 0o755)


def replace(path, make):
    """Make a new file beside `path` and rename it over, so that a reader sees the old or the new one."""
    folder, name = os.path.split(path)
    temporary = tempfile.mktemp(prefix="." + name + ".", dir=folder)
    try:
        make(temporary)
        os.rename(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def lstat(path):
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def put_link(entry, check):
    path = entry["path"]
    if os.path.islink(path) and os.readlink(path) == entry["link"]:
        return False
    if not check:
        make_parents(path)
        replace(path, lambda new: os.symlink(entry["link"], new))
    return True


def put_attributes(path, mode, uid, gid, check):
    now = lstat(path)
    if now is None:
        return True
    wrong_owner = (now.st_uid, now.st_gid) != (uid, gid)
    wrong_mode = stat.S_IMODE(now.st_mode) != mode
    if not check:
        if wrong_owner:
            os.chown(path, uid, gid)
        # a change of owner may clear bits of the mode
        if wrong_mode or wrong_owner:
            os.chmod(path, mode)
    return wrong_owner or wrong_mode


def put_folder(entry, mode, uid, gid, check):
    path = entry["path"]
    missing = not os.path.isdir(path)
    if missing and not check:
        make_parents(path)
        os.mkdir(path, mode)
    return put_attributes(path, mode, uid, gid, check) or missing


def put_file(entry, mode, uid, gid, check):
    path = entry["path"]
    wanted = (entry["content"] or "").encode("utf-8")
    now = lstat(path)
    if now is not None and stat.S_ISREG(now.st_mode):
        if entry["state"] == "touch":
            return put_attributes(path, mode, uid, gid, check)
        with open(path, "rb") as file:
            if file.read() == wanted:
                return put_attributes(path, mode, uid, gid, check)

    def make(new):
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(wanted)
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)

    if not check:
        make_parents(path)
        replace(path, make)
    return True


def put(entry, check):
    if entry["link"] is not None:
        return put_link(entry, check)
    folder = entry["state"] == "directory"
    mode = int(entry["mode"] or ("0755" if folder else "0644"), 8)
    uid = pwd.getpwnam(entry["owner"]).pw_uid
    gid = grp.getgrnam(entry["group"]).gr_gid
    return (put_folder if folder else put_file)(entry, mode, uid, gid, check)


def main():
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
            for path in sorted(glob.glob(pattern)):
                if not module.check_mode:
                    os.unlink(path)
                changed.append(path)
        for entry in module.params["files"]:
            if put(entry, module.check_mode):
                changed.append(entry["path"])
    except (OSError, KeyError, ValueError) as error:
        module.fail_json(msg="could not write the files: %s" % error, paths=changed)
    module.exit_json(changed=bool(changed), paths=changed)


if __name__ == "__main__":
    main()
