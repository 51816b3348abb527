"""Workers on other machines: a real Celery worker reaches Redis through the worker proxy, and nothing else of it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.events import EventReceiver
from kombu import Queue
from redis.exceptions import NoPermissionError

from soniquebay.authority import AUTHORITY_FILE, WORKER_FILE, WORKER_KEY_FILE, Authority, make_request
from soniquebay.overrides import priorities
from soniquebay.settings import from_environment
from soniquebay.worker.config import NODES_OF_THIS_MACHINE, celery_settings
from soniquebay.worker_proxy.commands import CONTROL_CHANNEL, EVENT_CHANNELS, REDIS_USER, REPLY_SUFFIX
from soniquebay.worker_proxy.relay import EVENT_BYTES_A_MINUTE
from tests.support.kombu_messages import heartbeat, message
from tests.support.stack import wait_until
from tests.support.worker_proxies import WorkerProxyBench

REPLIES = f"soniquebay:01234567-89ab-cdef-0123-456789abcdef{REPLY_SUFFIX}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProxyBench]:
    made = WorkerProxyBench(tmp_path_factory.mktemp("worker-proxy"))
    try:
        made.join("laptop")
        made.start_proxy()
        made.start_worker("laptop")
        yield made
    finally:
        made.stop()


@pytest.fixture
def app(bench: WorkerProxyBench) -> Iterator[Celery]:
    """Return the Celery application of the API and of Flower."""
    priorities.install()
    made = Celery("test", set_as_current=False)
    made.conf.update(celery_settings(from_environment(bench.environment)))
    yield made
    made.close()


def client(bench: WorkerProxyBench, folder: Path, **options: Any) -> redis.Redis:
    """Return a client with the credentials in a folder, as somebody has it who has stolen them."""
    return redis.Redis(
        port=bench.port, ssl=True, ssl_ca_certs=str(bench.folder / "authority" / AUTHORITY_FILE),
        ssl_certfile=str(folder / WORKER_FILE), ssl_keyfile=str(folder / WORKER_KEY_FILE), ssl_check_hostname=False,
        driver_info=None, retry=None, socket_timeout=5, **options,
    )  # fmt: skip


def test_a_worker_elsewhere_is_a_celery_worker(bench: WorkerProxyBench, app: Celery) -> None:
    seen: list[dict[str, Any]] = []

    def receive() -> None:
        with suppress(TimeoutError), app.connection() as connection:
            receiver = EventReceiver(connection, handlers={"*": seen.append}, app=app)  # as Flower receives events
            receiver.capture(limit=None, timeout=10, wakeup=False)

    receiving = threading.Thread(target=receive)
    receiving.start()
    wait_until(lambda: bench.redis.pubsub_numpat() == 2)  # remote control of the worker, and the receiver
    for number in range(20):
        app.send_task("vector.calculate", kwargs={"track_id": number}, queue=Queue("vector@laptop"), declare=())
    wait_until(lambda: sum(event["type"] == "task-succeeded" for event in seen) == 20)
    receiving.join(20)
    assert {event["hostname"] for event in seen} == {"remote@laptop"}
    notes = Path(bench.environment["SONIQUEBAY_TEST_NOTES"]).read_text().split()
    assert sorted(map(int, notes)) == list(range(20))
    assert app.control.ping(timeout=5) == [{"remote@laptop": {"ok": "pong"}}]
    assert app.control.ping(timeout=2, **NODES_OF_THIS_MACHINE) == []  # the health is that of this machine
    inspect = app.control.inspect(timeout=5)
    assert [queue["name"] for queue in inspect.active_queues()["remote@laptop"]] == ["vector@laptop"]
    assert inspect.stats()["remote@laptop"]["pool"]["max-concurrency"] == 2


def test_a_worker_elsewhere_leaves_nothing_in_redis(bench: WorkerProxyBench, app: Celery) -> None:
    app.control.ping(timeout=1)
    left = {key.decode() for key in bench.redis.scan_iter("*")}
    of_the_asker = {key for key in left if "_kombu.binding" in key or key.endswith(REPLY_SUFFIX)}
    assert left == of_the_asker
    assert not any("laptop" in key for key in left)


FORBIDDEN: tuple[tuple[Any, ...], ...] = (
    # another user, or none
    ("AUTH", "default", "x"), ("AUTH", "x"), ("HELLO", "3"), ("HELLO", "2", "AUTH", "default", "x"), ("RESET",),
    # the queues of others
    ("BRPOP", "soniquebay:vector", "1"), ("BRPOP", "soniquebay:insert", "1"), ("BRPOP", "soniquebay:vector@other", "1"),
    ("BRPOP", "soniquebay:vector@laptop", "soniquebay:scan", "1"), ("BRPOP", "soniquebay:vector@laptop2", "1"),
    ("RPOP", "soniquebay:vector"), ("LRANGE", "soniquebay:vector@laptop", "0", "9"), ("LLEN", "soniquebay:vector"),
    ("BRPOP", "soniquebay:vector@laptop", "0"), ("BRPOP", "1"), ("BRPOP",),
    # tasks for others, and for itself
    ("LPUSH", "soniquebay:insert", "x"), ("LPUSH", "soniquebay:vector", "x"),
    ("LPUSH", "soniquebay:vector@laptop", "x"),
    ("LPUSH", f"soniquebay:insert{REPLY_SUFFIX}", "x"), ("LPUSH", REPLIES, "x", "y"),
    ("RPUSH", REPLIES, "x"), ("SADD", "soniquebay:_kombu.binding.jobs", "x"),
    # what others have not acknowledged, and everything else
    ("HGETALL", "soniquebay:unacked.1"), ("HDEL", "soniquebay:unacked.1", "x"), ("SET", "x", "y"), ("GET", "x"),
    ("DEL", "soniquebay:vector"), ("SCAN", "0"), ("KEYS", "*"), ("XADD", "soniquebay:progress", "*", "a", "b"),
    # remote control of others, their events, and events in their name
    ("PUBLISH", CONTROL_CHANNEL, "x"), ("PUBLISH", f"{CONTROL_CHANNEL}/x", "x"),
    ("PUBLISH", f"{EVENT_CHANNELS}worker.heartbeat", message(heartbeat("worker@pi"))),
    ("PUBLISH", f"{EVENT_CHANNELS}worker.x", "x"), ("LPUSH", REPLIES, "x"),
    ("LPUSH", REPLIES, message({"worker1@pi": {"ok": "pong"}})),
    ("PSUBSCRIBE", "*"), ("PSUBSCRIBE", f"{EVENT_CHANNELS}*"), ("SUBSCRIBE", CONTROL_CHANNEL),
    ("PSUBSCRIBE", CONTROL_CHANNEL, "*"),
    # administration, scripts and transactions
    ("CONFIG", "GET", "*"), ("ACL", "WHOAMI"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "TYPE", "normal"),
    ("EVAL", "return 1", "0"), ("EVALSHA", "x", "0"), ("FCALL", "x", "0"), ("MULTI",), ("EXEC",), ("SELECT", "1"),
    ("SHUTDOWN",), ("FLUSHALL",), ("MONITOR",), ("INFO",), ("DEBUG", "SLEEP", "9"), ("REPLICAOF", "NO", "ONE"),
    ("PING", "x", "y"), ("", "x"), ("PING\r\nAUTH default x\r\n",),
)  # fmt: skip


@pytest.mark.parametrize("words", FORBIDDEN, ids=lambda words: " ".join(words)[:60].encode("unicode_escape").decode())
def test_a_worker_elsewhere_may_do_nothing_else(bench: WorkerProxyBench, words: tuple[str, ...]) -> None:
    before = set(bench.redis.scan_iter("*"))
    with client(bench, bench.folder / "laptop", single_connection_client=True) as thief:
        assert thief.ping()
        with pytest.raises((NoPermissionError, redis.ConnectionError), match=r"remote worker|closed|reset"):
            thief.execute_command(*words)
        connection = thief.connection
        assert connection is not None
        with pytest.raises(redis.ConnectionError):  # it was closed
            connection.send_command("PING")
            connection.read_response()
    assert set(bench.redis.scan_iter("*")) <= before


@pytest.mark.parametrize(
    "raw",
    [b"PING\r\n", b"AUTH default x\r\n", b"*1\r\n$300000\r\n", b"*1\r\n$-1\r\n", b"*9\r\n", b"*-1\r\n",
     b"*" + b"1" * 9000, b"*1\r\n$4\r\nPINGxx",
     b"*2\r\n$200000\r\n" + b"x" * 200_000 + b"\r\n$200000\r\n", b"*2\r\n$4\r\nPING\r\n*1\r\n", b"\x00\xff\r\n"],
)  # fmt: skip
def test_bytes_that_are_no_command_end_the_connection(bench: WorkerProxyBench, raw: bytes) -> None:
    with client(bench, bench.folder / "laptop", single_connection_client=True) as thief:
        thief.ping()
        sock = thief.connection._sock  # type: ignore[union-attr]
        sock.settimeout(5)
        sock.sendall(raw)
        assert sock.recv(100) in {b"", b"-NOPERM a remote worker may not do this\r\n"}


def test_answers_to_remote_control_end_by_themselves_and_are_limited(bench: WorkerProxyBench) -> None:
    bench.join("talker")
    with client(bench, bench.folder / "talker", single_connection_client=True) as talker:
        assert talker.lpush(REPLIES, message({"remote@talker": {"ok": "pong"}})) == 1
        assert 0 < bench.redis.pttl(REPLIES) <= 60_000
        with pytest.raises((NoPermissionError, redis.ConnectionError)):
            for _ in range(40):
                talker.lpush(REPLIES, message({"remote@talker": "x" * 150_000}))
    assert bench.redis.llen(REPLIES) <= 25
    bench.redis.delete(REPLIES)


def test_events_are_limited(bench: WorkerProxyBench) -> None:
    bench.join("chatterer")
    chatter = message(heartbeat("remote@chatterer", sw_ident="x" * 180_000))
    taken = 0
    with (
        client(bench, bench.folder / "chatterer", single_connection_client=True) as chatterer,
        pytest.raises((NoPermissionError, redis.ConnectionError)),
    ):
        while taken * len(chatter) < 2 * EVENT_BYTES_A_MINUTE:
            chatterer.publish(f"{EVENT_CHANNELS}worker.heartbeat", chatter)
            taken += 1
    assert taken * len(chatter) > EVENT_BYTES_A_MINUTE // 2


@pytest.mark.parametrize("first", [("BRPOP", "soniquebay:vector@flooder", "5"), ("PING",)], ids=["waiting", "unread"])
def test_commands_that_wait_and_answers_that_nobody_reads_are_not_kept(
    bench: WorkerProxyBench, first: tuple[str, ...]
) -> None:
    folder = bench.folder / "flooder"
    if not folder.exists():
        bench.join("flooder")
    before = bench.redis.info("memory")["used_memory"]
    with client(bench, folder, single_connection_client=True) as flooder:
        flooder.ping()
        connection = flooder.connection
        assert connection is not None
        connection.send_command(*first)
        sock = connection._sock
        sock.settimeout(3)  # until nothing is taken any more
        with pytest.raises(TimeoutError):
            for _ in range(100):
                sock.sendall(b"*2\r\n$4\r\nPING\r\n$200000\r\n" + b"x" * 200_000 + b"\r\n")
        assert bench.redis.info("memory")["used_memory"] - before < 2 << 20


def test_only_who_is_on_the_allow_list_is_let_in(bench: WorkerProxyBench, tmp_path: Path) -> None:
    folder = bench.join("desk")
    with client(bench, folder, single_connection_client=True) as desk:
        assert desk.ping()
        del bench.workers["desk"]
        bench.write_allow_list()

        def is_closed() -> bool:
            try:
                return not desk.ping()
            except redis.ConnectionError:
                return True

        wait_until(is_closed, 5)
    with pytest.raises(redis.ConnectionError):
        client(bench, folder).ping()
    # The same name again is another certificate.
    renamed = bench.folder / "desk-old"
    folder.rename(renamed)
    bench.join("desk")
    with pytest.raises(redis.ConnectionError):
        client(bench, renamed).ping()
    assert client(bench, bench.folder / "desk").ping()
    # A certificate of another authority, with the same name and even the same number.
    other = Authority(tmp_path / "authority")
    other.ensure()
    signed = other.sign(make_request(tmp_path / WORKER_KEY_FILE), "laptop")
    (tmp_path / WORKER_FILE).write_text(signed.certificate)
    bench.workers["stranger"] = signed.serial
    bench.write_allow_list()
    with pytest.raises(redis.ConnectionError):
        client(bench, tmp_path).ping()
    with pytest.raises((redis.ConnectionError, ssl.SSLError)):
        redis.Redis(port=bench.port, ssl=True, ssl_cert_reqs="none", retry=None).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=bench.port, retry=None, socket_timeout=5).ping()


def test_a_worker_cannot_pretend_to_be_the_proxy(bench: WorkerProxyBench) -> None:
    folder = bench.folder / "laptop"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / WORKER_FILE, folder / WORKER_KEY_FILE)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            sock, _ = listening.accept()
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(sock, server_side=True).recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        fake = client(bench, folder)
        fake.connection_pool.connection_kwargs["port"] = listening.getsockname()[1]
        with pytest.raises(
            redis.ConnectionError, match=r"unsuitable certificate purpose|unsupported certificate purpose"
        ):
            fake.ping()
        thread.join(10)


def test_where_nothing_starts_the_proxy_it_waits_for_a_worker(tmp_path: Path) -> None:
    """As in a container."""
    bench = WorkerProxyBench(tmp_path)
    try:
        proxy = bench.start_proxy("--wait", sign="until a worker has joined")
        for round_ in (1, 2):
            assert proxy.poll() is None and not is_listening(bench)
            folder = bench.join(f"laptop{round_}")
            wait_until(lambda: is_listening(bench), 10)
            assert client(bench, folder).ping()
            bench.workers.clear()
            bench.write_allow_list()
            wait_until(lambda: not is_listening(bench), 10)
        proxy.terminate()
        assert proxy.wait(10) == 0
    finally:
        bench.stop()


def is_listening(bench: WorkerProxyBench) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", bench.port), timeout=1):
        return True
    return False


def test_the_rules_of_redis_alone_would_not_do(bench: WorkerProxyBench) -> None:
    """Why there is a worker proxy: whoever speaks to Redis itself becomes its default user."""
    with redis.Redis(
        unix_socket_path=str(bench.socket),
        username=REDIS_USER,
        password="-",  # noqa: S106
        driver_info=None,
        single_connection_client=True,
    ) as remote:
        assert remote.ping()
        with pytest.raises(NoPermissionError):
            remote.lpush("soniquebay:insert", "x")
        for escape in (("AUTH", "default", "x"), ("RESET",)):
            remote.execute_command(*escape)
            assert remote.execute_command("LLEN", "soniquebay:insert") == 0
            remote.execute_command("AUTH", REDIS_USER, "-")
