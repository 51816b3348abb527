"""`soniquebay duplicates`: list the files that sound like one recording."""

import json
from typing import Any

import click

from soniquebay.cli import client
from soniquebay.cli.printable import counted, printable

_PAGE_GROUPS = 200
_MIB = 1 << 20


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def duplicates(*, as_json: bool) -> None:
    """List the files that sound like one recording, group by group. Nothing is deleted.

    It is a guess by sound, whatever the tags say: listen before you delete a file.
    """
    groups: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = client.get("/api/duplicates", limit=_PAGE_GROUPS, count=False, **cursor)
        groups += page["items"]
        if not page["next"]:
            break
        cursor = {"cursor": page["next"]}
    if as_json:
        click.echo(json.dumps({"complete": page["complete"], "duplicates": groups}))
        return
    for group in groups:
        first = group["tracks"][0]
        click.echo(printable(f"{first['artist']} – {first['title']}"))
        for track in group["tracks"]:
            click.echo(printable(f"  {_facts(track)}: {track['path']}"))
    files = sum(len(group["tracks"]) for group in groups)
    found = f"{counted(len(groups), 'recordings')} in {counted(files, 'files')}"
    click.echo(f"{found}, by sound. It is a guess: listen first.", err=True)
    if not page["complete"]:
        click.echo("Some tracks are still to be compared.", err=True)


def _facts(track: dict[str, Any]) -> str:
    rate = track["sound"]["bit_rate"]
    album = f"of “{track['album']}”" if track["album"] else "of no album"
    facts = [track["format"], f"{rate / 1000:.0f} kbit/s" if rate else "", f"{track['size'] / _MIB:.1f} MB", album]
    part = f"part {track['part']} of the file" if track["part"] else ""
    return ", ".join(fact for fact in (*facts, part) if fact)
