"""The type of a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .card import Card

Rule = Callable[[Card], Iterable[str]]
"""Yields a sentence for each problem of a card."""
