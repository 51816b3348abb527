"""Passwords on the command line: typed without an echo, or read from standard input.

There is no option for them: every user of the machine sees the arguments of a program, and a shell keeps them.
"""

import sys

import click


def read_password(*, confirm: bool) -> str:
    """Ask for a password, twice with `confirm`; without a terminal, return the next line of standard input."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
        return asked
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("standard input has no password: type it at a terminal, or send it as a line")
    return password
