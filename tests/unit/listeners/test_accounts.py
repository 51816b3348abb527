"""Users, sessions, app passwords and the claim, without HTTP."""

import hashlib
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from soniquebay.listeners import app_passwords, device_key, passwords, users, web_sessions
from soniquebay.listeners.accounts import Accounts, TooManyAttemptsError, WrongPasswordError
from soniquebay.listeners.app_passwords import UnacceptableAppPasswordError
from soniquebay.listeners.claim_code import ClaimCode, qr_code
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.passwords import UnacceptablePasswordError, hash_password, verify_password
from soniquebay.listeners.users import ClaimedError, UnacceptableNameError
from soniquebay.storage_faults import StorageFaultError

PASSWORD = "correct horse"  # noqa: S105
HOME, AWAY = "192.168.1.2", "10.1.2.3"


def opened(folder: Path) -> Accounts:
    key = device_key.read_or_make(folder / "device.key")
    code = ClaimCode(folder / "claim", "http://pi.local/claim")
    found = Accounts(ListenersDatabase(folder / "listeners.db"), key, code)
    found.open()
    return found


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return opened(tmp_path)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def claim(accounts: Accounts, name: str = "Ada", password: str = PASSWORD) -> users.User:
    assert accounts.claim_code.code
    return accounts.claim(accounts.claim_code.code, name, password, HOME, "browser")[0]


def test_of_many_claims_at_once_one_is_made(accounts: Accounts) -> None:
    code, owners, refused = accounts.claim_code.code or "", [], []

    def try_it(n: int) -> None:
        try:
            owners.append(accounts.claim(code, f"user {n}", "long enough", HOME, "")[0])
        except (ClaimedError, WrongPasswordError) as error:
            refused.append(error)

    threads = [threading.Thread(target=try_it, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(owners), len(refused)) == (1, 7)
    assert [user.is_owner for user in users.all_users(accounts.database.reader())] == [True]


def test_a_code_is_shown_and_stays_until_it_is_used(accounts: Accounts, tmp_path: Path) -> None:
    code, notice = accounts.claim_code.code, tmp_path / "claim" / "notice"
    assert code
    assert notice.read_text().endswith(f"Open http://pi.local/claim and enter the code {code}\n")
    console = notice.with_name("console").read_text()
    assert console.startswith(notice.read_text())
    assert console.endswith(f"{qr_code(f'http://pi.local/claim?code={code}')}\n")
    assert (notice.stat().st_mode & 0o777, (tmp_path / "claim" / "code").stat().st_mode & 0o777) == (0o644, 0o600)
    assert opened(tmp_path).claim_code.code == code
    (tmp_path / "claim" / "code").write_bytes(b"\xff damaged")
    assert opened(tmp_path).claim_code.code not in {code, None}


def test_the_code_is_of_no_use_after_a_restart_with_an_owner(accounts: Accounts, tmp_path: Path) -> None:
    code = accounts.claim_code.code or ""
    claim(accounts)
    again = opened(tmp_path)
    assert (again.claim_code.code, list((tmp_path / "claim").iterdir())) == (None, [])
    with pytest.raises(ClaimedError):
        again.claim(code, "Eve", "long enough", AWAY, "")


def test_a_refused_name_or_password_uses_up_no_claim(accounts: Accounts) -> None:
    for name, password, error in [
        ("", "long enough", UnacceptableNameError), ("Ada", "short", UnacceptablePasswordError),
        ("a:b", "long enough", UnacceptableNameError), ("a\nb", "long enough", UnacceptableNameError),
        ("\ud800", "long enough", UnacceptableNameError), ("x" * 65, "long enough", UnacceptableNameError),
        ("Ada", "x" * 1001, UnacceptablePasswordError),
    ]:  # fmt: skip
        with pytest.raises(error):
            claim(accounts, name, password)
    assert claim(accounts).is_owner


def test_guessing_the_code_has_to_wait(accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(WrongPasswordError):
            accounts.claim("AAAA-AAAA", "Eve", "long enough", AWAY, "")
    with pytest.raises(TooManyAttemptsError):
        accounts.claim("AAAA-AAAA", "Eve", "long enough", AWAY, "")
    for n in range(30):  # nor do many addresses together keep the owner out
        with pytest.raises(WrongPasswordError):
            accounts.claim("AAAA-AAAA", "Eve", "long enough", f"10.0.0.{n}", "")
    assert claim(accounts).is_owner


def test_guesses_in_the_same_ipv6_network_do_not_keep_the_owner_out(accounts: Accounts) -> None:
    claim(accounts)
    accounts.sign_in("Ada", PASSWORD, "fe80::1", "")
    for n in range(30):
        with pytest.raises((WrongPasswordError, TooManyAttemptsError)):
            accounts.sign_in(f"Ada{n}" if n % 2 else "Ada", "guess", "fe80::666", "")
    assert accounts.sign_in("Ada", PASSWORD, "fe80::1", "")[0].name == "Ada"


def test_only_the_same_password_matches() -> None:
    hashed = hash_password("pässword \N{SNOWMAN}")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashed != hash_password("pässword \N{SNOWMAN}")
    assert verify_password("pässword \N{SNOWMAN}", hashed)
    assert not verify_password("passwort", hashed)
    assert not verify_password("x", None)  # the password of the hash that stands in for a user's
    assert not verify_password("x" * 10_000, hashed)


def test_a_name_is_found_in_any_case_and_form(accounts: Accounts) -> None:
    claim(accounts, "Zoë")
    for name in ("zoë", " ZOË ", "Zoe\N{COMBINING DIAERESIS}"):
        assert accounts.sign_in(name, "correct horse", HOME, "")[0].name == "Zoë"
    with accounts.change() as db, pytest.raises(UnacceptableNameError):
        users.add(db, "ZOË", "long enough", "listen")
    for name in ("", "\ud800", "zoe", "x" * 100_000):
        with pytest.raises(WrongPasswordError):
            accounts.sign_in(name, "correct horse", AWAY, "")


def test_a_name_of_any_length_takes_no_time_and_no_memory(accounts: Accounts) -> None:
    claim(accounts, "Zo" + "e\N{COMBINING DIAERESIS}" * 62)  # 126 characters as typed
    assert accounts.sign_in("zo" + "E\N{COMBINING DIAERESIS}" * 62, PASSWORD, HOME, "")[0].name == "Zo" + "ë" * 62
    started = time.thread_time()
    for name in ("a" + "\u0301\u0323" * 100_000, "\ufdfa" * 300_000):
        with pytest.raises(WrongPasswordError):
            accounts.sign_in(name, PASSWORD, AWAY, "")
        with accounts.change() as db, pytest.raises(UnacceptableNameError):
            users.add(db, name, "long enough", "listen")
    assert time.thread_time() - started < 5
    assert all(len(str(counter)) < 1000 for counter in accounts.attempts._full_at)


def test_attempts_elsewhere_do_not_keep_the_owner_out(accounts: Accounts) -> None:
    claim(accounts)
    accounts.sign_in("Ada", "correct horse", HOME, "")
    for n in range(30):
        with pytest.raises((WrongPasswordError, TooManyAttemptsError)):
            accounts.sign_in("Ada", "guess", f"10.0.0.{n}", "")
    with pytest.raises(TooManyAttemptsError):
        accounts.sign_in("Ada", "correct horse", "10.0.1.1", "")
    assert accounts.sign_in("Ada", "correct horse", HOME, "")[0].name == "Ada"


def test_a_session_ends_when_it_is_not_used_for_long(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(accounts)
    _, token = accounts.sign_in("Ada", "correct horse", HOME, "")
    assert accounts.visitor_of_session(token)[1] is False
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60 * 86400)
    assert accounts.visitor_of_session(token)[1] is True  # noted as a use
    monkeypatch.setattr(time, "time", lambda: now + 120 * 86400)
    assert accounts.visitor_of_session(token)[0]
    monkeypatch.setattr(time, "time", lambda: now + 120 * 86400 + web_sessions.LIFETIME_SECONDS + 1)
    assert accounts.visitor_of_session(token) == (None, False)


def test_the_oldest_sessions_of_a_user_end(accounts: Accounts) -> None:
    claim(accounts)
    tokens = [accounts.sign_in("Ada", "correct horse", HOME, str(n))[1] for n in range(3)]
    for n in range(web_sessions.MAX_SESSIONS_OF_USER - 2):
        with accounts.database.transaction() as db:
            web_sessions.begin(db, 1, HOME, f"other {n}")
    assert accounts.visitor_of_session(tokens[1])[0]
    accounts.sign_in("Ada", "correct horse", HOME, "the last")
    assert accounts.cached_visitor(tokens[1]) is None
    assert [bool(accounts.visitor_of_session(token)[0]) for token in tokens] == [False, False, True]
    assert len(web_sessions.of_user(accounts.database.reader(), 1)) == web_sessions.MAX_SESSIONS_OF_USER


def test_what_was_read_before_a_change_is_not_kept(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(accounts)
    _, token = accounts.sign_in("Ada", "correct horse", HOME, "")
    by_id = users.by_id

    def signed_out_meanwhile(db: sqlite3.Connection, user_id: int) -> users.User | None:
        found = by_id(db, user_id)
        with accounts.change() as writer:
            writer.execute("DELETE FROM web_sessions")
        return found

    monkeypatch.setattr(users, "by_id", signed_out_meanwhile)
    assert accounts.visitor_of_session(token)[0]
    assert accounts.cached_visitor(token) is None
    monkeypatch.setattr(users, "by_id", by_id)
    assert accounts.visitor_of_session(token) == (None, False)


def test_an_app_password_works_in_every_form(accounts: Accounts) -> None:
    claim(accounts)
    with accounts.change() as db:
        _, password = app_passwords.make(db, accounts.key, 1, "Phone", "listen")
        app_passwords.make(db, accounts.key, 1, "Other", "listen")
    assert [len(group) for group in password.split("-")] == [4, 4, 4, 4]
    assert accounts.visitor_of_app_password(password, "app", HOME).user == users.by_id(accounts.database.reader(), 1)
    token = md5(f"{password}salt")
    assert accounts.visitor_of_token("ada", token.upper(), "salt", "app", HOME).role == "listen"
    for name, wrong in [("ada", "0" * 32), ("eve", token), ("ada", "\ud800"), ("ada", "")]:
        with pytest.raises(WrongPasswordError):
            accounts.visitor_of_token(name, wrong, "salt", "app", AWAY)
    with accounts.change() as db, pytest.raises(UnacceptableAppPasswordError):
        app_passwords.make(db, accounts.key, 1, "Phone", "listen")


def test_wrong_app_passwords_slow_nobody_else_down(accounts: Accounts) -> None:
    claim(accounts)
    with accounts.change() as db:
        _, password = app_passwords.make(db, accounts.key, 1, "Phone", "listen")
    answers = []
    for _ in range(10):
        with pytest.raises((WrongPasswordError, TooManyAttemptsError)) as refused:
            accounts.visitor_of_app_password("revoked", "app", HOME)
        answers.append(refused.type)
    assert (answers[0], answers[-1]) == (WrongPasswordError, TooManyAttemptsError)
    assert accounts.visitor_of_app_password(password, "app", HOME).user
    assert accounts.sign_in("Ada", "correct horse", HOME, "")[0].name == "Ada"


def test_an_app_may_not_do_more_than_its_user(accounts: Accounts) -> None:
    claim(accounts)
    with accounts.change() as db:
        user = users.add(db, "Bob", "long enough", "manage")
        _, password = app_passwords.make(db, accounts.key, user.id, "Script", "manage")
    assert accounts.visitor_of_app_password(password, "", HOME).role == "manage"
    with accounts.change() as db:
        users.set_role(db, user.id, "listen")
    assert accounts.visitor_of_app_password(password, "", HOME).role == "listen"
    with accounts.change() as db:
        users.set_role(db, user.id, "manage")  # the app does not rise with its user
    assert accounts.visitor_of_app_password(password, "", HOME).role == "listen"


def test_without_its_key_nothing_is_let_in_and_nothing_breaks(accounts: Accounts, tmp_path: Path) -> None:
    claim(accounts)
    with accounts.change() as db:
        _, password = app_passwords.make(db, accounts.key, 1, "Phone", "listen")
    (tmp_path / "device.key").unlink()
    other = opened(tmp_path)
    with pytest.raises(WrongPasswordError):
        other.visitor_of_app_password(password, "", HOME)
    with pytest.raises(WrongPasswordError):
        other.visitor_of_token("Ada", md5(f"{password}s"), "s", "", HOME)
    assert other.sign_in("Ada", "correct horse", HOME, "")[0].name == "Ada"


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "device.key").write_bytes(b"half")
    with pytest.raises(StorageFaultError, match="has 4 bytes in place of 32"):
        device_key.read_or_make(tmp_path / "device.key")


def test_a_user_that_is_gone_leaves_nothing(accounts: Accounts) -> None:
    claim(accounts)
    with accounts.change() as db:
        user = users.add(db, "Bob", "long enough", "listen")
        app_passwords.make(db, accounts.key, user.id, "Phone", "listen")
    accounts.sign_in("Bob", "long enough", HOME, "")
    with accounts.change() as db:
        users.remove(db, user.id)
        new = users.add(db, "Bob", "long enough", "listen")
    db = accounts.database.reader()
    assert new.id > user.id
    for table in ("web_sessions", "app_passwords", "known_addresses"):
        assert db.execute(f"SELECT count(*) FROM {table} WHERE user_id IN (?, ?)", (user.id, new.id)).fetchone()[0] == 0


def test_passwords_are_checked_with_the_memory_that_is_said() -> None:
    assert passwords.MEMORY_LIMIT_BYTES == 19456 * 1024


MACHINES_HASHES = {  # of "raspberry", made by mkpasswd
    "yescrypt": "$y$j9T$abcdefghijklmnopqrstu1$uVY5b2GkHtvLy/fVINW9d01W9WzPzLXjo.o.ABzFClB",
    "sha512": "$6$saltsaltsalt$iGLAVL3c2GYpilE8N67NS71.UcI2GugQki/yMJQsX9.vb74q1QJPvY6rYLd4xyyDPQuNxYYd34FsY4Fr836Ns.",
    "sha256": "$5$saltsaltsalt$oVpwEQM9ZMKTZ22Lbuyb6iCmcoI3rtNo3Oht7o7ANuB",
}


@pytest.mark.parametrize("kind", MACHINES_HASHES)
def test_a_user_of_the_machine_is_the_owner_with_the_same_password(accounts: Accounts, kind: str) -> None:
    owner = accounts.adopt("pi", MACHINES_HASHES[kind])
    assert (owner.is_owner, accounts.claim_code.code) == (True, None)
    for wrong in ("raspberr", "", "raspberry\0", "x" * 2000):
        with pytest.raises(WrongPasswordError):
            accounts.sign_in("pi", wrong, HOME, "")
    accounts.attempts.record_success(HOME, "pi")
    assert accounts.sign_in("pi", "raspberry", HOME, "")[0] == owner
    (stored,) = accounts.database.reader().execute("SELECT password FROM users").fetchone()
    assert stored.startswith("$argon2id$")
    assert accounts.sign_in("pi", "raspberry", HOME, "")[0] == owner
    with pytest.raises(ClaimedError):
        accounts.adopt("eve", MACHINES_HASHES[kind])


@pytest.mark.parametrize(
    "hashed", ["", "!", "*", "!$6$abc$def", "x", "$1$old$hash", "$6$", "$6$a\nb", "$argon2id$v=19$"]
)
def test_what_is_no_password_of_the_machine_makes_no_owner(accounts: Accounts, hashed: str) -> None:
    with pytest.raises(UnacceptablePasswordError):
        accounts.adopt("pi", hashed)
    assert not accounts.is_claimed()


@pytest.mark.parametrize("name", ["pi", "Bob", "nobody"])
def test_the_time_of_an_answer_does_not_tell_who_has_a_hash_of_the_machine(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    accounts.adopt("pi", MACHINES_HASHES["sha512"])
    with accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    computed = []

    def spied(password: str, hashed: str | None) -> bool:
        computed.append("crypt" if hashed is not None and passwords.is_crypt_hash(hashed) else "argon2")
        return passwords.verify_password(password, hashed)

    monkeypatch.setattr(users, "verify_password", spied)
    with pytest.raises(WrongPasswordError):
        accounts.sign_in(name, "wrong password", HOME, "")
    assert sorted(computed) == ["argon2", "crypt"]


def test_another_password_forgets_no_address(accounts: Accounts) -> None:
    claim(accounts)
    accounts.sign_in("Ada", "correct horse", HOME, "")
    with accounts.change() as db:
        users.set_password(db, 1, "another password")
    assert web_sessions.is_known_address(accounts.database.reader(), 1, HOME)


def test_a_browser_of_a_user_is_let_in_while_others_guess(accounts: Accounts) -> None:
    owner = claim(accounts)
    with accounts.change() as db:
        bob = users.add(db, "Bob", "long enough", "listen")
    mine, bobs = accounts.device_of(owner, ""), accounts.device_of(bob, "")
    assert accounts.device_of(owner, mine) == mine
    for n in range(40):  # somebody with many addresses
        with pytest.raises((WrongPasswordError, TooManyAttemptsError)):
            accounts.sign_in("Ada", "guess", f"10.0.{n}.1", "")
    for worthless in ("", bobs, mine[:-1] + ("0" if mine[-1] != "0" else "1"), f"x{mine}", ".", "\udce9.\udce9"):
        with pytest.raises(TooManyAttemptsError):
            accounts.sign_in("Ada", "correct horse", "10.9.9.9", "", worthless)
    assert accounts.sign_in("Ada", "correct horse", "10.9.9.9", "", mine)[0] == owner
    # A stolen one is worth no more than an address.
    for n in range(10):
        with pytest.raises(WrongPasswordError if n < 5 else TooManyAttemptsError):
            accounts.sign_in("Ada", "guess", f"10.8.{n}.1", "", mine)
