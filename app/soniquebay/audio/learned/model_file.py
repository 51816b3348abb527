"""Where the file of the learned model is. This loads no numpy: most programs only ask whether the file is there."""

from pathlib import Path

PATH = Path(__file__).with_name("model") / "weights.npz"


class MissingModelError(Exception):
    """The file of the learned model is not there."""

    def __init__(self, path: Path = PATH) -> None:
        super().__init__(
            f"The learned model is missing ({path}), so no track is analysed. In a checkout, make it by “make model”; "
            "on an appliance, install the release again. The tracks wait until then."
        )


def problem() -> str | None:
    """Return in sentences that no track can be analysed; None if the file is there."""
    return None if PATH.is_file() else str(MissingModelError())
