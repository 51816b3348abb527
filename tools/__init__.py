"""What keeps this repository in order: its documentation site, changelog, test results and commit messages."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
