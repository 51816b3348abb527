"""Make the pictures of the documents, all of one running `soniquebay serve`.

    python docs/pictures/make.py PYTHON MUSIC_FOLDER

Needs redis-server, Chromium, curl and jq; `playwright`, `pyte`, `pillow` and `rich` in this Python; and SoniqueBay in
`PYTHON`.
"""

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pyte
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
PYTHON = sys.argv[1]
COLUMNS = 100
PORT, FLOWER_PORT = 8090, 5565
URL, FLOWER_URL = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{FLOWER_PORT}"
ENVIRONMENT = {**os.environ, "SONIQUEBAY_URL": URL, "SONIQUEBAY_ONLINE": "off", "TERM": "xterm-256color"}
SIMILAR = '.items[] | "\\(.similarity)  \\(.artist) - \\(.title)"'
TERMINAL = """<pre style="font: 14px/1.17 'DejaVu Sans Mono', monospace; color: {foreground}; background: {background};
padding: 12px 16px; margin: 0; display: inline-block; border-radius: 6px">{code}</pre>"""
CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def main() -> None:
    """Make all of them."""
    music = Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-m", "soniquebay.cli", "serve", "--music", str(music), "--data", f"{folder}/data"]
        command += ["--port", str(PORT), "--flower-port", str(FLOWER_PORT), "--no-login"]
        serve = subprocess.Popen(command, env={**ENVIRONMENT, "SONIQUEBAY_WATCH": "off"})
        try:
            wait_for_api()
            pages()
        finally:
            serve.send_signal(signal.SIGINT)
            serve.wait()


def wait_for_api() -> None:
    """Wait until the appliance is healthy."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{URL}/api/health", timeout=10):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("no API answers")


def pages() -> None:
    """Scan, and take the pictures on the way."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM.split())
        wide = {"width": 1100, "height": 560}
        flower = browser.new_page(viewport=wide)
        api = browser.new_page(viewport={"width": 1100, "height": 700})
        shell = browser.new_page(device_scale_factor=2)
        terminal(shell, "scan", "soniquebay scan --wait-vectors", midway=half_analysed)
        terminal(shell, "status", "soniquebay status")
        terminal(shell, "similar", f"curl -s '{URL}/api/tracks/2/similar?limit=5' | jq -r '{SIMILAR}'")
        screenshot(flower, f"{FLOWER_URL}/workers", "flower")
        screenshot(api, f"{URL}/docs", "api")
        browser.close()


def screenshot(page: Page, url: str, name: str) -> None:
    """Save a page as PNG in 64 colours."""
    page.goto(url, wait_until="networkidle")
    page.wait_for_timeout(2000)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(64).save(HERE / f"{name}.png", optimize=True)


def half_analysed(screen: str) -> bool:
    """Tell whether a progress bar shows that half of the analysis is done."""
    found = re.search(r"analysing .* (\d+)%", screen)
    return found is not None and int(found[1]) >= 50


def terminal(page: Page, name: str, command: str, midway: Callable[[str], bool] | None = None) -> None:
    """Run a command in a terminal and save what it shows at the end; above it the first screen that is `midway`."""
    screen = pyte.Screen(COLUMNS, 40)
    stream = pyte.ByteStream(screen)
    pid, handle = pty.fork()
    if pid == 0:
        line = command.replace("soniquebay", f"exec {PYTHON} -m soniquebay.cli", 1)
        os.execvpe("sh", ["sh", "-c", line], ENVIRONMENT)  # noqa: S606 - a child of the terminal
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    shown = Text.assemble(("$ ", "bright_black"), command, "\n")
    while True:
        select.select([handle], [], [])
        try:
            data = os.read(handle, 65536)
        except OSError:  # the command has ended
            break
        stream.feed(data)
        if midway is not None and midway("\n".join(screen.display)):
            shown.append_text(picture(screen)).append("\n…\n")
            midway = None
    os.waitpid(pid, 0)
    save(page, shown.append_text(picture(screen)), name)


def picture(screen: pyte.Screen) -> Text:
    """Return what a screen shows, without the empty lines at its end."""
    text = Text()
    for row in range(len(screen.display)):
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            text.append(cell.data, f"{'bold ' if cell.bold else ''}{colour(cell.fg)}".strip())
        text.append("\n")
    text.rstrip()
    return text


def colour(name: str) -> str:
    """Return a colour of pyte as rich names it."""
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return {"default": "", "brown": "yellow"}.get(name, name.replace("bright", "bright_"))


def save(page: Page, text: Text, name: str) -> None:
    """Save a terminal's text as PNG, as Chromium draws it."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in text.split("\n"):
        line.rstrip()
        console.print(line, soft_wrap=True)
    page.set_content(console.export_html(inline_styles=True, theme=MONOKAI, code_format=TERMINAL))
    Image.open(io.BytesIO(page.locator("pre").screenshot())).convert("RGB").quantize(32).save(
        HERE / f"{name}.png", optimize=True
    )


if __name__ == "__main__":
    main()
