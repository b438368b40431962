"""What a survey owes its hosts: a rate, patience, a name; and what it keeps to itself."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
import pytest
from faults import LOGIN, Handler, faulty
from keyring.core import load_keyring
from survey_wheels import TAG
from test_survey import rows

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.survey.shard import Settings
from cxxrt_toolchain.web.client import Client, _asked_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cxxrt_toolchain.web.client import Reply

Served = tuple[str, type[Handler]]
SECRET = "secret-word"  # noqa: S105 - of the test's server


@pytest.fixture
def served(wheels: Path) -> Iterator[Served]:
    with faulty(wheels / f"p1-1.0-{TAG}.whl") as found:
        yield found


@pytest.fixture(autouse=True)
def _nobody_knows_a_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def planned(tmp_path: Path, base: str, count: int) -> Path:
    """The plan of one wheel under so many names, each in a shard of its own."""
    lines = [f"{base}/p1-1.0-{number}-{TAG}.whl\n" for number in range(1, count + 1)]
    (tmp_path / "list").write_text("".join(lines))
    folder = tmp_path / "rows"
    assert main(["survey", "plan", str(tmp_path / "list"), "-o", str(folder), "--per", "1"]) == 0
    return folder


def asked(client: Client, url: str) -> None:
    def status(reply: Reply) -> int:
        return reply.status

    client.get(url, status)


def test_a_rate_holds_for_all_workers_and_from_shard_to_shard(
    served: Served, tmp_path: Path
) -> None:
    url, handler = served
    folder = planned(tmp_path, f"{url}/none", 10)
    run = ["survey", "run", str(folder), "--rate", "20", "-j", "2", "--contact", "me@example.org"]
    assert main(run) == 0
    assert [row["error"] for row in rows(folder)] == [None] * 10
    count = len(handler.moments)
    assert count == sum(row["requests"] for row in rows(folder))
    # Whoever of the two has more of them waits a tenth of a second between any two. Half of that
    # may be lost where its first request comes late.
    assert max(handler.moments) - min(handler.moments) >= (count / 2 - 1) / 10 / 2
    assert all("me@example.org" in each["User-Agent"] for each in handler.headers_seen)


def test_the_parts_of_a_survey_share_its_rate() -> None:
    third = Settings(level="names", rate=6, contact="me@example.org").shared_by(3).client()
    third._pace.wait("index.example")
    assert third._pace._next["index.example"] - time.monotonic() == pytest.approx(0.5, abs=0.1)


def test_who_gives_no_contact_asks_others_once_a_second_wherever_a_redirect_leads() -> None:
    """A plan of this machine's index may have any rate; its files may lie elsewhere."""
    assert Settings(level="names", rate=50).client()._pace._other == 1
    assert Settings(level="names", rate=0.2).client()._pace._other == 0.2
    assert Settings(level="names").client()._pace._other == 1
    assert Settings(level="names", contact="me@example.org").client()._pace._other == 5
    assert Settings(level="names", rate=50, contact="me@example.org").client()._pace._other == 50


@pytest.mark.parametrize("step", ["plan", "run"])
def test_nothing_is_asked_before_the_contact_is_given(
    step: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planned(tmp_path, "https://index.invalid", 1)
    options = {"plan": ["https://index.invalid/", "-o", str(folder)], "run": [str(folder)]}
    assert main(["survey", step, *options[step], "--rate", "2"]) == 2
    assert "index.invalid needs --contact MAIL" in capsys.readouterr().err
    assert not list(folder.glob("names-*"))


def test_a_date_of_retry_after_is_waited_for(served: Served) -> None:
    url, handler = served
    asked(Client("test"), f"{url}/date/x")
    first, second = handler.moments
    assert second - first >= 1  # HTTP's dates have whole seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("Mon, 30 Nov 2020 10:00:00 GMT", 0),
        *((text, 0) for text in ("", "-3", "soon", "1.5", "\N{SUPERSCRIPT TWO}", "Mon, 99 Nov")),
    ],
)
def test_what_a_server_may_ask_for(text: str, seconds: float) -> None:
    assert _asked_wait(text) == seconds


BACKEND = """
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

class Backend(KeyringBackend):
    priority = 1

    def get_credential(self, service, username):
        return SimpleCredential("guest", "{word}") if service == "{host}" else None

    def get_password(self, service, username):
        return None

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


@pytest.fixture
def knowing(
    request: pytest.FixtureRequest, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Somebody knows the password, or a wrong one; the server's address as it is to be given."""
    url, _ = served
    host = url.partition("//")[2]
    before = keyring.get_keyring()
    word = f"{SECRET}-wrong" if request.param.startswith("wrong") else SECRET
    if request.param == "keyring":
        (tmp_path / "ring.py").write_text(BACKEND.format(word=word, host=host))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "ring.Backend")  # of the workers
        monkeypatch.delitem(sys.modules, "ring", raising=False)
        keyring.set_keyring(load_keyring("ring.Backend"))
    elif request.param.endswith("netrc"):
        key = "passwort" if request.param == "broken netrc" else "password"
        (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login guest {key} {word}\n")
        (tmp_path / "netrc").chmod(0o600)
    yield f"http://guest:{word}@{host}" if request.param.endswith("address") else url
    keyring.set_keyring(before)


@pytest.mark.parametrize(
    "knowing", ["keyring", "netrc", "wrong netrc", "address", "wrong address"], indirect=True
)
def test_a_password_is_in_no_row_plan_or_message(
    served: Served,
    knowing: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    _, handler = served
    name = f"p1-1.0-{TAG}.whl"
    shown = main(["show", f"{knowing}/auth/{name}?token={SECRET}"])
    known = "wrong" not in request.node.callspec.id
    assert shown == (0 if known else 2)
    assert (LOGIN in [each.get("Authorization") for each in handler.headers_seen]) is known
    plan = ["survey", "plan", f"{knowing}/auth/", "-o", str(tmp_path / "index")]
    assert main(plan) == (0 if known else 2)
    folder = planned(tmp_path, f"{knowing}/auth", 2)
    assert main(["survey", "run", str(folder), "-j", "1"]) == 0
    # An address is kept without its user: a run has only netrc and keyring.
    expected = None if request.node.callspec.id in ("netrc", "keyring") else "denied: 401"
    assert [row["error"] for row in rows(folder)] == [expected] * 2
    assert main(["survey", "report", str(folder)]) == 0
    kept = [path for name in ("rows", "index") for path in (tmp_path / name).rglob("*")]
    for path in kept:
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize("knowing", ["broken netrc"], indirect=True)
def test_a_netrc_that_cannot_be_read_is_not_shown(
    knowing: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", f"{knowing}/auth/p1-1.0-{TAG}.whl"]) == 2
    said = "".join(capfd.readouterr())
    assert "netrc" in said
    assert SECRET not in said


def test_a_password_for_tls_is_not_sent_in_plain_text(served: Served) -> None:
    url, handler = served
    client = Client("test")
    client._known["https", url.partition("//")[2]] = LOGIN
    asked(client, f"{url}/none/x")
    assert [each.get("Authorization") for each in handler.headers_seen] == [None]
    client._known["http", url.partition("//")[2]] = LOGIN
    asked(client, f"{url}/none/x")
    assert handler.headers_seen[-1]["Authorization"] == LOGIN


def test_a_proxy_gets_the_user_of_its_address_and_the_server_does_not(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server plays the proxy: it sees what a proxy would be sent."""
    url, handler = served
    monkeypatch.setenv("http_proxy", url.replace("//", "//guest:secret%2Dword@"))
    monkeypatch.delenv("no_proxy", raising=False)
    asked(Client("test"), "http://index.invalid/none/x")
    (seen,) = handler.headers_seen
    assert seen["Host"] == "index.invalid"
    assert seen["proxy-authorization"] == LOGIN
    assert "Authorization" not in seen
