"""Who may join as a worker on another machine, and by what."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from soniquebay import allowed_workers, joining, sqlite
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.authority import WORKER_KEY_FILE, Authority, AuthorityError, make_request
from soniquebay.listeners.accounts import TooManyAttemptsError, WrongPasswordError
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.remote_workers import (
    CODE_LIFETIME_SECONDS,
    MAX_CODES,
    JoinRefusedError,
    JoinRequest,
    RemoteWorkers,
)

ADDRESS = "192.168.1.9"


class Clock:
    """A clock that stands still unless it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers(tmp_path: Path, clock: Clock) -> RemoteWorkers:
    database = ListenersDatabase(tmp_path / "listeners.db")
    database.migrate()
    return RemoteWorkers(database, Authority(tmp_path / "authority"), tmp_path / "allowed-workers", 6380, clock)


@pytest.fixture(scope="module")
def certificate_request(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_request(tmp_path_factory.mktemp("key") / WORKER_KEY_FILE)


def asked(code: str, request: str, name: str = "laptop", feature_version: int = FEATURE_VERSION) -> JoinRequest:
    proof = joining.request_proof(code, name, "1.0", feature_version, request)
    return JoinRequest(name, "1.0", feature_version, request, proof)


def test_a_code_lets_one_worker_join(workers: RemoteWorkers, certificate_request: str, tmp_path: Path) -> None:
    assert not (tmp_path / "authority").exists()  # nothing is made before the first join
    code = workers.offer_code()
    assert not (tmp_path / "authority").exists()
    joined = workers.join(asked(code.upper().replace("-", " "), certificate_request), ADDRESS)
    assert joined.proof == joining.answer_proof(
        code, certificate_request, joined.certificate, joined.authority, joined.port
    )
    (listed,) = workers.all()
    assert (listed["name"], listed["version"], listed["seen_at"]) == ("laptop", "1.0", None)
    assert set(allowed_workers.read(tmp_path / "allowed-workers")) == {"laptop"}
    # The key of the authority, and of the worker proxy, is for the user of the API alone.
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "authority").iterdir()}
    assert modes == {"authority.pem": 0o600, "authority-key.pem": 0o600, "worker-proxy.pem": 0o600}
    assert (tmp_path / "authority").stat().st_mode & 0o777 == 0o700
    with pytest.raises(WrongPasswordError, match="soniquebay join-code"):
        workers.join(asked(code, certificate_request, "another"), ADDRESS)


def test_the_token_is_known_to_both_sides_and_not_stored(
    workers: RemoteWorkers, certificate_request: str, tmp_path: Path
) -> None:
    code = workers.offer_code()
    joined = workers.join(asked(code, certificate_request), ADDRESS)
    token = joining.token_of(code, certificate_request)
    with sqlite3.connect(tmp_path / "listeners.db") as db:
        ((stored,),) = db.execute("SELECT token_hash FROM remote_workers").fetchall()
    assert stored == joining.token_hash(token)
    assert token not in repr(joined)
    assert code not in repr(joined)


@pytest.mark.parametrize(
    "change",
    [{"name": "other"}, {"version": "2.0"}, {"feature_version": FEATURE_VERSION + 1}, {"certificate_request": "x"},
     {"proof": "0" * 64}],
)  # fmt: skip
def test_nobody_between_the_two_can_change_what_is_asked(
    workers: RemoteWorkers, certificate_request: str, change: dict[str, object]
) -> None:
    request = asked(workers.offer_code(), certificate_request)
    with pytest.raises(WrongPasswordError):
        workers.join(replace(request, **change), ADDRESS)
    assert workers.all() == []


def test_an_answer_of_somebody_else_is_noticed(certificate_request: str) -> None:
    right = joining.answer_proof("abcd", certificate_request, "certificate", "authority", 6380)
    for parts in (
        ("abce", certificate_request, "certificate", "authority", 6380),
        ("abcd", certificate_request, "another", "authority", 6380),
        ("abcd", certificate_request, "certificate", "another", 6380),
        ("abcd", certificate_request, "certificate", "authority", 6381),
        ("abcd", f"{certificate_request}c", "ertificate", "authority", 6380),
    ):
        assert not joining.is_equal(joining.answer_proof(*parts), right)


def test_a_code_ends_and_few_are_valid_at_once(workers: RemoteWorkers, certificate_request: str, clock: Clock) -> None:
    first = workers.offer_code()
    codes = [workers.offer_code() for _ in range(MAX_CODES)]
    assert len({first, *codes}) == MAX_CODES + 1
    with pytest.raises(WrongPasswordError):
        workers.join(asked(first, certificate_request), ADDRESS)
    workers.join(asked(codes[0], certificate_request), ADDRESS)
    clock.now += CODE_LIFETIME_SECONDS + 1
    with pytest.raises(WrongPasswordError):
        workers.join(asked(codes[1], certificate_request, "another"), ADDRESS)


def test_wrong_codes_are_limited_for_each_address(workers: RemoteWorkers, certificate_request: str) -> None:
    code = workers.offer_code()
    for _ in range(5):
        with pytest.raises(WrongPasswordError):
            workers.join(asked("wrong", certificate_request), ADDRESS)
    with pytest.raises(TooManyAttemptsError):
        workers.join(asked(code, certificate_request), ADDRESS)
    workers.join(asked(code, certificate_request), "192.168.1.10")


def test_a_worker_that_may_not_join_is_told_why_and_keeps_its_code(
    workers: RemoteWorkers, certificate_request: str
) -> None:
    code = workers.offer_code()
    for name in ("", "Laptop", "-x", "x-", "a b", "../x", "x" * 33, "ä"):
        with pytest.raises(JoinRefusedError, match="lower-case"):
            workers.join(asked(code, certificate_request, name), ADDRESS)
    with pytest.raises(JoinRefusedError, match="install the same release"):
        workers.join(asked(code, certificate_request, feature_version=FEATURE_VERSION - 1), ADDRESS)
    for request in ("", "x", "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n", "ä" * 9999):
        with pytest.raises(AuthorityError):
            workers.join(asked(code, request), ADDRESS)
    assert workers.all() == []
    workers.join(asked(code, certificate_request), ADDRESS)
    with pytest.raises(JoinRefusedError, match="workers revoke laptop"):
        workers.join(asked(workers.offer_code(), certificate_request), ADDRESS)


def test_revoking_takes_a_worker_off_the_allow_list(
    workers: RemoteWorkers, certificate_request: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        workers.join(asked(workers.offer_code(), certificate_request, name), ADDRESS)
    before = allowed_workers.read(tmp_path / "allowed-workers")
    assert workers.revoke("a") and not workers.revoke("a")
    assert allowed_workers.read(tmp_path / "allowed-workers") == {"b": before["b"]}
    workers.join(asked(workers.offer_code(), certificate_request, "a"), ADDRESS)
    assert allowed_workers.read(tmp_path / "allowed-workers")["a"] != before["a"]
    for name in ("a", "b"):
        workers.revoke(name)
    assert not (tmp_path / "allowed-workers" / allowed_workers.FILE_NAME).exists()


def test_the_allow_list_is_written_again_when_the_machine_starts(
    workers: RemoteWorkers, certificate_request: str, tmp_path: Path
) -> None:
    workers.open()
    assert not (tmp_path / "allowed-workers" / allowed_workers.FILE_NAME).exists()
    workers.join(asked(workers.offer_code(), certificate_request), ADDRESS)
    expected = allowed_workers.read(tmp_path / "allowed-workers")
    (tmp_path / "allowed-workers" / allowed_workers.FILE_NAME).unlink()
    workers.open()
    assert allowed_workers.read(tmp_path / "allowed-workers") == expected
    (tmp_path / "allowed-workers" / allowed_workers.FILE_NAME).unlink()
    (tmp_path / "authority").rename(tmp_path / "elsewhere")
    workers.open()  # nobody could connect, so the worker proxy is not started
    assert not (tmp_path / "allowed-workers" / allowed_workers.FILE_NAME).exists()
    (tmp_path / "elsewhere").rename(tmp_path / "authority")
    (tmp_path / "allowed-workers").rmdir()
    (tmp_path / "allowed-workers").touch()
    workers.open()  # it is told in the log, and the API starts all the same


def test_a_suspended_worker_is_let_in_when_it_joins_again(
    workers: RemoteWorkers, certificate_request: str, tmp_path: Path, clock: Clock
) -> None:
    codes = {name: workers.offer_code() for name in ("a", "b")}
    for name, code in codes.items():
        workers.join(asked(code, certificate_request, name), ADDRESS)
    tokens = {name: joining.token_of(code, certificate_request) for name, code in codes.items()}
    workers.note_seen("a", 2)
    before = allowed_workers.read(tmp_path / "allowed-workers")
    assert workers.suspend("a", "its vector is wrong") and not workers.suspend("a", "again")
    assert not workers.suspend("nobody", "x")
    assert allowed_workers.read(tmp_path / "allowed-workers") == {"b": before["b"]}
    assert workers.name_of(tokens["a"]) is None
    assert workers.name_of(tokens["b"]) == "b"
    assert workers.present() == {} and workers.present_or_unknown() == {"b"}
    first, second = workers.all()
    assert (first["name"], first["suspended_because"]) == ("a", "its vector is wrong") and first["suspended_at"]
    assert (second["name"], second["suspended_at"], second["suspended_because"]) == ("b", None, None)
    workers.open()  # after a start of the machine
    assert set(allowed_workers.read(tmp_path / "allowed-workers")) == {"b"}
    code = workers.offer_code()
    workers.join(asked(code, certificate_request, "a"), ADDRESS)
    assert workers.name_of(joining.token_of(code, certificate_request)) == "a"
    assert workers.name_of(tokens["a"]) is None
    assert [one["suspended_at"] for one in workers.all()] == [None, None]
    assert set(allowed_workers.read(tmp_path / "allowed-workers")) == {"a", "b"}


def test_the_worker_proxy_is_handed_what_it_needs(
    workers: RemoteWorkers, certificate_request: str, tmp_path: Path
) -> None:
    handed = tmp_path / "handed"
    own, folder = tmp_path / "authority", tmp_path / "allowed-workers"
    workers = RemoteWorkers(workers._database, Authority(own, handed), folder, 6380, Clock())
    workers.open()
    assert not handed.exists()
    workers.join(asked(workers.offer_code(), certificate_request), ADDRESS)
    # For its group, and without the key that signs.
    expected = {name: ((own / name).read_bytes(), 0o640) for name in ("authority.pem", "worker-proxy.pem")}
    assert {file.name: (file.read_bytes(), file.stat().st_mode & 0o777) for file in handed.iterdir()} == expected
    shutil.rmtree(handed)
    workers.open()  # after a start of the machine
    assert {file.name for file in handed.iterdir()} == expected.keys()


def test_without_the_authority_nobody_may_connect(
    workers: RemoteWorkers, certificate_request: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workers.join(asked(workers.offer_code(), certificate_request), ADDRESS)
    shutil.rmtree(tmp_path / "authority")
    workers.open()
    assert allowed_workers.read(tmp_path / "allowed-workers") == {}
    assert "have to join again: laptop" in caplog.text


def test_workers_that_joined_with_an_earlier_release_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = sqlite.migrations("soniquebay.listeners")
    monkeypatch.setattr(sqlite, "migrations", lambda _: scripts[:6])
    database = ListenersDatabase(tmp_path / "listeners.db")
    database.migrate()
    with database.transaction() as db:
        db.execute("INSERT INTO remote_workers VALUES ('a', '1', x'00', '1', 0, NULL)")
    monkeypatch.setattr(sqlite, "migrations", lambda _: scripts)
    database.migrate()
    workers = RemoteWorkers(database, Authority(tmp_path / "authority"), tmp_path / "allowed-workers", 6380, Clock())
    assert [(one["name"], one["suspended_at"]) for one in workers.all()] == [("a", None)]
    assert workers.present_or_unknown() == {"a"}
