"""The kernel's limit of watches, by which changed folders are noticed."""

from collections.abc import Iterator

from soniquebay.doctor.finding import Finding, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.paths import decode
from soniquebay.watch.mounts import mount_of, parse_mountinfo


def watches(around: Surroundings) -> Iterator[Finding]:
    """Check that no folder is polled which the kernel could watch."""
    if around.settings.watch != "on":
        yield ok(f"Folders are not watched (SONIQUEBAY_WATCH={around.settings.watch}).")
        return
    state = around.answer("/api/watch")
    if isinstance(state, str):
        yield unknown("How folders are watched is not known, because the API does not say.")
        return
    mounts = parse_mountinfo((around.proc / "self/mountinfo").read_bytes())
    for root in state["roots"]:
        mount = mount_of(mounts, decode(root["path"]))
        if root["mode"] == "poll" and mount is not None and not mount.needs_polling:
            limit = (around.proc / "sys/fs/inotify/max_user_watches").read_text().strip()
            yield wrong(
                f"The kernel watches {root['folders']} folders of the music and no more: its limit of {limit} watches "
                "is reached. Changes in the others are noticed late.",
                "Raise it: sudo sysctl fs.inotify.max_user_watches=524288; then: sudo systemctl restart soniquebay-api",
            )
            return
    if not state["ready"]:
        yield unknown("The folders are not watched yet, or watching has ended: soniquebay logs api says which.")
    else:
        yield ok("Changed folders are noticed.")
