"""Where Flower asks who a visitor is, and where it sends one who has to sign in."""

from urllib.parse import parse_qs, urlsplit

import pytest

from soniquebay.api.sign_in import own_page
from soniquebay.flower import api_url, sign_in_address
from soniquebay.settings import from_environment


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104
        ("::", "http://[::1]:8080"),
        ("192.168.1.2", "http://192.168.1.2:8080"),
    ],
)
def test_the_api_is_asked_on_this_machine(host: str, url: str) -> None:
    assert api_url(from_environment({"SONIQUEBAY_HTTP_HOST": host, "SONIQUEBAY_HTTP_PORT": "8080"})) == url


@pytest.mark.parametrize(
    ("page", "settings", "expected"),
    [("http://soniquebay.local:5555/tasks?a=b", {}, "http://soniquebay.local/sign-in"),
     ("http://192.168.1.2:5555/", {"HTTP_PORT": "8080"}, "http://192.168.1.2:8080/sign-in"),
     ("http://[fe80::1]:5555/", {}, "http://[fe80::1]/sign-in"),
     ("https://soniquebay.local:5555/", {"TLS": "self-signed"}, "https://soniquebay.local/sign-in")],
)  # fmt: skip
def test_signing_in_leads_back_to_flower(page: str, settings: dict[str, str], expected: str) -> None:
    address = sign_in_address(page, from_environment({f"SONIQUEBAY_{key}": value for key, value in settings.items()}))
    assert address.partition("?")[0] == expected
    target = parse_qs(urlsplit(address).query)["next"][0]
    assert own_page(target, urlsplit(address).netloc) == page
