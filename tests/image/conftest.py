"""Boots the built image once for all tests of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra

from .appliance import Appliance
from .card import Card
from .disk import MusicDisk, make
