"""The release: whether it is whole, and reads, analyses, inserts and plays an audio file of its own."""

from collections.abc import Iterator

from soniquebay.audio.learned import model_file
from soniquebay.doctor.finding import Finding, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings

CHECK_SECONDS = 30  # a worker that is busy makes the check after one of its tasks
_REMEDY = (
    "Install the same release again, which replaces damaged files, or go back: sudo soniquebay release rollback. "
    "What the programs say: soniquebay logs worker, soniquebay logs api"
)


def model(_: Surroundings) -> Iterator[Finding]:
    """Check that the file of the learned model is there."""
    if model_file.problem() is None:
        yield ok("The learned model is there, so tracks can be analysed.")
    else:
        yield wrong(
            f"The learned model is missing ({model_file.PATH}), so no track is analysed.",
            "In a checkout: make model. On an appliance, install the same release again. The tracks wait until then, "
            "and no restart is needed.",
        )


def release(around: Surroundings) -> Iterator[Finding]:
    """Have the API and the worker make the check of the release."""
    health = around.answer("/api/health")
    if isinstance(health, str) or health.get("status") != "ok":
        yield unknown("Whether files are read and played is not tried, because not all parts answer.")
        return
    answer = around.post(f"/api/health/check?timeout_seconds={CHECK_SECONDS}")
    if isinstance(answer, str):
        yield unknown(f"Whether files are read and played cannot be tried: {answer}.")
        return
    for check in answer["checks"]:
        if check["state"] == "failed":
            yield wrong(check["sentence"], _REMEDY)
        elif check["state"] != "ok":
            yield unknown(check["sentence"])
    if all(check["state"] == "ok" for check in answer["checks"]):
        yield ok("A file of the release is read, analysed, inserted and played.")
