"""The commands for users, by an administrator of the machine itself."""

import json
from pathlib import Path
from typing import Any

import click

from soniquebay.cli import client
from soniquebay.cli.passwords import read_password
from soniquebay.foreign_file import read_foreign
from soniquebay.settings import settings

IMPORT_TIMEOUT_SECONDS = 600  # for some 100,000 rated tracks on a slow card
MAX_CODE_BYTES = 64
PERSONS = range(1000, 60_000)  # Debian's user ids of people


@click.command("claim-code")
def claim_code() -> None:
    """Print the code that makes the owner of this machine on its page."""
    try:
        code = read_foreign(settings().claim_folder / "code", MAX_CODE_BYTES)
        click.echo(code.decode("ascii", "replace").strip())
    except FileNotFoundError:
        if client.get("/api/session")["claimed"]:
            raise click.ClickException(
                "this machine has an owner already; to set the owner's password anew: sudo soniquebay user reset NAME"
            ) from None
        raise click.ClickException("there is no code yet: the API is still starting") from None
    except PermissionError:
        raise click.ClickException("only administrators may read the code: sudo soniquebay claim-code") from None
    except OSError as error:
        raise click.ClickException(f"the code cannot be read: {error}") from None


@click.group()
def user() -> None:
    """Add, list and remove users, and set their passwords anew."""


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_users(as_json: bool) -> None:
    """List the users, the owner first."""
    found = _users()
    if as_json:
        click.echo(json.dumps({"users": found}))
        return
    for one in found:
        click.echo(f"{one['name']}: {'owner' if one['is_owner'] else one['role']}")
    if not found:
        click.echo("nobody yet: sudo soniquebay claim-code prints the code for the page", err=True)


@user.command()
@click.argument("name")
@click.option("--manage", is_flag=True, help="The user may also scan, and add and remove users.")
def add(name: str, *, manage: bool) -> None:
    """Add the user NAME; the password is asked for, or read from standard input. The first user is the owner."""
    password = read_password(confirm=True)
    if client.get("/api/session")["claimed"]:
        role = "manage" if manage else "listen"
        added = _send("POST", "/api/users", {"name": name, "password": password, "role": role})
    else:
        added = _send("POST", "/api/claim", {"code": "", "name": name, "password": password})
    click.echo(f"{added['name']} is added as {'owner' if added['is_owner'] else added['role']}")


@user.command()
@click.argument("name", required=False)
def adopt(name: str | None) -> None:
    """Make NAME, a user of this machine, the owner, with the machine's password.

    Without NAME it is the first person who has a password. On a machine that has an owner nothing happens.
    """
    if client.get("/api/session")["claimed"]:
        return
    try:
        found = machine_user(Path("/etc/passwd").read_text("utf-8"), Path("/etc/shadow").read_text("utf-8"), name)
    except PermissionError:
        raise click.ClickException("only root may read the machine's passwords: sudo soniquebay user adopt") from None
    if found is None:
        click.echo("no person of this machine has a password: the owner is made by the code (soniquebay claim-code)")
        return
    owner = _send("POST", "/api/claim/machine", {"name": found[0], "machines_hash": found[1]})
    click.echo(f"{owner['name']} is the owner, with the password of this machine")


def machine_user(passwd: str, shadow: str, name: str | None = None) -> tuple[str, str] | None:
    """Return name and password hash of a person of the machine; without `name`, of the first who has a password.

    `passwd` and `shadow` are the contents of the files of these names (passwd(5), shadow(5)).
    """
    hashes = dict(line.split(":")[:2] for line in shadow.splitlines() if line.count(":") > 1)
    people = [line.split(":") for line in passwd.splitlines() if line.count(":") > 5]
    for user_name, _, uid, *_ in sorted(people, key=lambda fields: int(fields[2])):
        if int(uid) in PERSONS and name in {None, user_name} and hashes.get(user_name, "").startswith("$"):
            return user_name, hashes[user_name]
    return None


@user.command()
@click.argument("name")
def reset(name: str) -> None:
    """Give the user NAME another password, sign the user out everywhere, and revoke the user's app passwords.

    The password is asked for, or read from standard input.
    """
    user_id = _id_of(name)
    changed = _send("PATCH", f"/api/users/{user_id}", {"password": read_password(confirm=True)})
    click.echo(f"{changed['name']} has another password; apps need new app passwords")


@user.command()
@click.argument("name")
@click.confirmation_option(prompt="Remove the user with all that the user has kept?")
def remove(name: str) -> None:
    """Remove the user NAME, with all that the user has kept."""
    client.request("DELETE", f"/api/users/{_id_of(name)}", expect=(204,))
    click.echo(f"{name} is removed")


@user.command("import-ratings")
@click.argument("name", required=False)
def import_ratings(name: str | None) -> None:
    """Take over the ratings, play counts and loved tracks in the tags of the files for the user NAME.

    What the user has rated, played or starred stays as it is. Without NAME it is for the user who has signed in
    elsewhere (soniquebay login).
    """
    path = f"/api/users/{_id_of(name)}/marks/import" if name else "/api/marks/import"
    _, done = client.request("POST", path, expect=(200,), timeout=IMPORT_TIMEOUT_SECONDS)
    click.echo(
        f"ratings of {done['ratings']} tracks, play counts of {done['play_counts']} and stars of {done['stars']} "
        "are taken over"
    )


def _users() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/users")["items"]
    return found


def _id_of(name: str) -> int:
    for one in _users():
        if one["name"].casefold() == name.casefold():
            return int(one["id"])
    raise click.ClickException(f"there is no user {name}; soniquebay user list names all")


def _send(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    _, answer = client.request(method, path, expect=(200, 201, 409, 422), json=body)
    if isinstance(answer.get("detail"), str):
        raise click.ClickException(answer["detail"])
    return answer
