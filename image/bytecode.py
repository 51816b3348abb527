"""Bytecode of Python modules, made natively by the build root's Python, which is the card's version.

Without it each program of the card compiles all that it imports anew at every start, for it may not write there.
"""

from pathlib import Path

from .build_root import BuildRoot
from .errors import ActionableError
from .ui import Step


def compile_all(folders: list[Path], root: Path, prefix: str, tools: BuildRoot, current: Step) -> None:
    """Compile every module below `folders`, with `prefix` for `root` in tracebacks; an error if one is not Python."""
    # unchecked: the files never change, and checking costs a stat each on a slow card. One process: others would be
    # started by the path of this Python, which lies behind the build root's loader and has none of its own.
    # A link that leads out of the root would lead into this machine.
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-e", str(root), "-s", str(root), "-p", prefix]
    home = tools.environment(PYTHONHOME=f"{tools.root}/usr", PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    for folder in folders:
        current.run(tools.native("python3.13", "-Ps", "-m", "compileall", *options, str(folder)), env=home)
        if not any(folder.rglob("*.pyc")):
            raise ActionableError(f"{folder} has no bytecode.")
