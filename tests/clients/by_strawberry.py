"""Plays with Strawberry: `by_strawberry.py URL USER PASSWORD`, on a session's message bus.

It does with the mouse what a person does. It prints "playing" and "played", and once it has sought, what Strawberry has
as JSON. It runs in the root of the players, with the standard library alone.
"""

import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

HOME = Path.home()
SETTINGS = HOME / ".config/strawberry/strawberry.conf"
DATA = HOME / ".local/share/strawberry/strawberry"
SUBSONIC_TAB = 8
FIRST_ARTIST = 160, 97  # the second row of the list, below a letter; pixels of the window, which is at 0, 0
LOAD_SECONDS, PLAY_SECONDS = 60, 120
SETTLE_SECONDS = 5  # nothing tells that the window shows what has changed


def configure(url: str, user: str, password: str) -> None:
    """Write the settings that docs/clients.md tells of, and no welcome, no lyrics of others."""
    SETTINGS.parent.mkdir(parents=True)
    SETTINGS.write_text(f"""
[MainWindow]
do_not_show_sponsor_message=true
current_tab={SUBSONIC_TAB}
[Behaviour]
doubleclick_playmode=3
[Context]
SearchLyricsEnable=false
[Subsonic]
enabled=true
url={url}
username={user}
password=@ByteArray({base64.b64encode(password.encode()).decode()})
serversidescrobbling=true
[Scrobbler]
enabled=true
""")


def wait_until(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Return when the condition is true. Raises `TimeoutError` when it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def start_display() -> None:
    """Start a screen on the first number that is free."""
    Path("/tmp/.X11-unix").mkdir(mode=0o1777)  # the root's own /tmp is empty
    reader, writer = os.pipe()
    subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1200x800x24"], pass_fds=[writer], stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with os.fdopen(reader) as numbers:
        os.environ["DISPLAY"] = f":{numbers.readline().strip()}"


def xdotool(*words: object) -> str:
    """Return what xdotool prints; an empty text when it finds nothing."""
    return subprocess.run(["xdotool", *map(str, words)], check=False, capture_output=True, text=True).stdout


def click(x: int, y: int, times: int = 1) -> None:
    """Click with the left button."""
    xdotool("mousemove", x, y, "click", "--repeat", times, "--delay", 80, 1)


def find_window() -> str:
    """Return the id of Strawberry's window, or an empty text."""
    return xdotool("search", "--onlyvisible", "--name", "Strawberry Music Player").strip()


def status() -> str:
    """Return whether Strawberry is playing: Playing, Paused or Stopped."""
    words = ["--print-reply", "--dest=org.mpris.MediaPlayer2.strawberry", "/org/mpris/MediaPlayer2"]
    words += ["org.freedesktop.DBus.Properties.Get", "string:org.mpris.MediaPlayer2.Player", "string:PlaybackStatus"]
    shown = subprocess.run(["dbus-send", *words], check=False, capture_output=True, text=True).stdout
    return "".join(re.findall(r'string "(\w+)"', shown))


def collection() -> list[list[object]]:
    """Return artist, album, title, track number, seconds and whether there is a cover, of each song that it has."""
    with closing(sqlite3.connect(f"file:{DATA}/strawberry.db?mode=ro", uri=True)) as db:
        columns = "artist, album, title, track, length / 1000000000, art_automatic"
        songs = db.execute(f"SELECT {columns} FROM subsonic_songs ORDER BY artist, album, track")
        return [[*song, Path(cover.removeprefix("file://")).is_file()] for *song, cover in songs]


def play(url: str, user: str, password: str) -> dict[str, object]:
    """Fetch the collection, play the songs of the first artist to their end, play them again and seek."""
    configure(url, user, password)
    start_display()
    with (HOME / "strawberry.log").open("wb") as log:
        subprocess.Popen(["strawberry"], stdout=log, stderr=log)
    wait_until(lambda: find_window() and status() == "Stopped", "the window", LOAD_SECONDS)
    shape = xdotool("getwindowgeometry", "--shell", find_window())
    width, height = (int(number) for number in re.findall(r"(?:WIDTH|HEIGHT)=(\d+)", shape))

    def play_first_artist() -> None:
        click(*FIRST_ARTIST, times=2)
        wait_until(lambda: status() == "Playing", "playing", LOAD_SECONDS)

    click(*FIRST_ARTIST)  # while the list is empty: "Click here to retrieve music"
    wait_until(collection, "the collection", LOAD_SECONDS)
    time.sleep(SETTLE_SECONDS)
    play_first_artist()
    print("playing", flush=True)
    wait_until(lambda: status() == "Stopped", "the end", PLAY_SECONDS)
    print("played", flush=True)

    play_first_artist()
    time.sleep(SETTLE_SECONDS)
    click(width * 7 // 10, height - 12)  # on the slider
    version = subprocess.run(["strawberry", "--version"], check=True, capture_output=True, text=True).stdout
    return {"version": version.split()[1], "collection": collection()}


if __name__ == "__main__":
    print(json.dumps(play(*sys.argv[1:4])))
