"""Bytecode of Python modules, made natively by the toolbox's Python, which is the card's version.

Without it each program of the card compiles all that it imports anew at every start, for it may not write there.
"""

from pathlib import Path

from .toolbox import Toolbox
from .ui import Step


def compile_all(folders: list[Path], root: Path, prefix: str, tools: Toolbox, current: Step) -> None:
    """Compile every module below `folders`, with `prefix` for `root` in tracebacks; a Problem if one is no Python."""
    # unchecked: the files never change, and checking costs a stat each on a slow card. One process: others would be
    # started by the path of this Python, which lies behind the toolbox's loader and has none of its own.
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", prefix]
    home = tools.environment(PYTHONHOME=f"{tools.root}/usr", PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    current.run(tools.native("python3.13", "-m", "compileall", *options, *map(str, folders)), env=home)
