"""Bytecode of Python modules, compiled natively by the build root's Python, which has the card's version.

Programs on the card may not write bytecode. Without it each of them would compile everything that it imports at every
start.
"""

from pathlib import Path

from .build_root import BuildRoot
from .errors import ActionableError
from .ui import Step


def compile_all(folders: list[Path], root: Path, prefix: str, tools: BuildRoot, step: Step) -> None:
    """Compile every module below `folders`; tracebacks have `prefix` in the place of `root`.

    Raises `ActionableError` when a module is no valid Python, or when a folder has none.
    """
    # unchecked: the files never change, and checking them costs a stat each on a slow card.
    # One process: compileall starts others by sys.executable, which is no program that runs without its loader.
    # -e: links that lead out of the root would lead into this machine.
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-e", str(root), "-s", str(root), "-p", prefix]
    home = tools.environment(PYTHONHOME=f"{tools.root}/usr", PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    for folder in folders:
        step.run(tools.native("python3.13", "-Ps", "-m", "compileall", *options, str(folder)), env=home)
        if not any(folder.rglob("*.pyc")):
            raise ActionableError(f"{folder} has no bytecode.")
