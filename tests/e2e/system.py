"""One private deployment for all tests: Postgres, keys, demo pack and users, gateway and desk.

It is set up as scripts/quickstart does it, in a folder below TMPDIR that goes when all is green.
"""

import datetime
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kannel import free_ports, until
from record import Record, Wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Sealed texts that the desk hands to one user in an hour (privacy.md section 10).
FETCH_LIMIT = 200
POSTGRES = ROOT / "scripts" / "postgres_cluster"


def binary():
    candidates = [os.environ.get("ISHARA_BINARY"), ROOT / "build/dev/ishara", ROOT / "build/release/ishara"]
    for path in candidates:
        if path and pathlib.Path(path).is_file():
            return str(path)
    raise AssertionError("no ishara: cmake --workflow --preset dev builds one")


@dataclass
class Answer:
    status: int
    body: bytes


class Channel:
    """One channel of the deployment, as its provider calls it."""

    def __init__(self, address, path):
        self.address, self.path = address, path
        self.url = "http://%s:%d%s" % (*address, path)

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=30)

    def text(self, number, text, message_id):
        """The request that Kannel would make, ready for `send` or HTTPConnection.request."""
        query = urllib.parse.urlencode({"id": message_id, "to": "2020"})
        return ("POST", f"{self.path}?{query}", text.encode(),
                {"Content-Type": 'text/plain; charset="UTF-8"', "X-Kannel-From": number.digits})

    def send(self, request):
        connection = self.connect()
        try:
            connection.request(*request)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        finally:
            connection.close()


class Process:
    """A role of ishara that the tests start, stop and kill."""

    def __init__(self, command, log, address, ready):
        self.command, self.log, self.address = command, log, address
        self.ready = ready  # host, port, path and the status that says so; or the path of a socket
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        until(self._ready, f"{self.log.name} says that it is ready")

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}:\n{self.log.read_text()}")
        if isinstance(self.ready, pathlib.Path):
            return self.ready.is_socket()
        return self.says(self.ready[-1])

    def says(self, status):
        try:
            *address, path, _ = self.ready
            connection = http.client.HTTPConnection(*address, timeout=5)
            connection.request("GET", path)
            return connection.getresponse().status == status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(30) != 0:
            raise AssertionError(f"it stopped with {self.process.returncode}:\n{self.log.read_text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()


class System:
    """The deployment. `planted` are the canaries that no file of it may hold afterwards. `said` is
    all that commands have printed, and `answered` what the desk has answered them."""

    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="ishara-e2e-"))
        self.base.chmod(0o711)  # Postgres may run as another user
        self.folder = self.base / "deployment"
        self.folder.mkdir()
        self.planted = set()
        self.loaded = set()  # texts that load tests have sent
        self.others = 0
        self.guard = None
        self.roles = []
        self.wire = None
        self.said = Record(self.elsewhere("said"))
        self.answered = Record(self.elsewhere("answered"))

    def set_up(self):
        self.postgres("start")
        self.guard = subprocess.Popen([POSTGRES, "guard", self.folder / "postgres"],
                                      stdin=subprocess.PIPE)
        self.psql = ["psql", "-d", self.database_url("postgres")]
        gateway, private, desk = (("127.0.0.1", port) for port in free_ports(3))
        self.wire = Wire(desk, self.answered)
        self.demo = self.folder / "demo"
        self.configuration = self.demo / "ishara.toml"
        pack = self.country_pack()
        run(binary(), "init", "--custody", "demo", "--name", "e2e", "--directory", self.demo,
            "--country-pack", pack, "--listen", "%s:%d" % gateway,
            "--private-listen", "%s:%d" % private, "--desk-listen", "%s:%d" % desk,
            "--owner-url", self.database_url("ishara_owner"), "--gateway-url", self.database_url("ishara_gateway"),
            "--relay-url", self.database_url("ishara_relay"), "--desk-url", self.database_url("ishara_desk"))
        (self.sendsms,) = free_ports(1)
        self.kannel = self.add_channel(gateway, "kannel", "post", "--from", "2020", "--account", "ishara",
                                    "--password", "sendsms-of-this-test", "--utc-offset", "+02:00",
                                    "--send-origin", f"http://127.0.0.1:{self.sendsms}")
        self.kannel_by_get = self.add_channel(gateway, "kannel", "get", "--allow-get")
        self.kenya = self.add_channel(gateway, "kannel", "kenya", country="KE")
        self.twilio = self.add_channel(gateway, "twilio", "twilio", "--token", "token-of-this-test")
        self.gateway = self._role("gateway", gateway, (*private, "/readyz", 200))
        self.relay = self._role("relay", None, self.demo / "state/relay.sock")
        self.desk = self._role("desk", desk, (*desk, "/readyz", 200))
        self.relay.start()
        self.gateway.start()
        self.desk.start()

    def country_pack(self):
        """The demo pack, and lines that nobody may be told: one that nobody has verified lately, for
        Kenya and for the north of Rwanda, and one for its west that is closed today and tomorrow."""
        pack = self.folder / "rw-demo"
        run(ROOT / "scripts/demo_pack", pack)
        closed = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=4)).strftime("%a")
        with (pack / "helplines.csv").open("a") as lines:
            lines.write("RW-03,000 333,general,yes,always,,en,2020-01-31,nobody\n"
                        "KE,000 444,general,yes,always,,en,2020-01-31,nobody\n"
                        f"RW-04,000 666,general,yes,{closed} 08:00-17:00,UTC+2,en,"
                        f"{datetime.date.today()},nobody\n")
        return pack

    def database_url(self, role):
        return run(POSTGRES, "url", self.folder / "postgres", role).stdout.strip()

    def add_channel(self, address, provider, name="post", *more, country="RW"):
        done = self.ishara("channel", "add", name, "--provider", provider, "--country", country,
                           "--language", "en", "--url", "http://%s:%d" % address, "--json", *more)
        return Channel(address, urllib.parse.urlsplit(json.loads(done.stdout)["url"]).path)

    def _role(self, name, address, ready):
        command = [binary(), name, "--config", str(self.configuration)]
        self.roles.append(Process(command, self.folder / f"{name}.log", address, ready))
        return self.roles[-1]

    def ishara(self, *arguments, configuration=None, check=True, text=None):
        """One command of ishara, as a user would give it; `text` is what she types or pipes in."""
        through = {} if configuration else {"ISHARA_DESK": self.wire.url}
        return run(binary(), *arguments, "--config", configuration or self.configuration,
                   check=check, text=text, env={**os.environ, **through})

    def postgres(self, *command):
        """start, stop, stop --now."""
        run(POSTGRES, *command, self.folder / "postgres")

    def readiness(self):
        """What the gateway says of itself: "ok", "ok, spooling", "ok, draining", "not ready"."""
        *address, path, _ = self.gateway.ready
        connection = http.client.HTTPConnection(*address, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode().strip()
        finally:
            connection.close()

    def report_count(self):
        return int(run(*self.psql, "-XAtc", "SELECT count(*) FROM report").stdout)

    def text_count(self):
        """First and later texts."""
        later = run(*self.psql, "-XAtc", "SELECT count(*) FROM text").stdout
        return self.report_count() + int(later)

    def take(self, count):
        """About `count` texts of reports, as their caseworkers pull and open these."""
        return [text["text"] for text in self.take_opened(count)]

    def take_opened(self, count):
        """As `take`, with all that the caseworkers' client tells of each text."""
        texts = []
        while len(texts) < count:
            self.desk.stop()  # a new desk has not yet counted what anybody has fetched
            self.desk.start()
            wanted = min(count - len(texts), FETCH_LIMIT)
            with ThreadPoolExecutor(2) as caseworkers:
                halves = caseworkers.map(self.pull_opened, (wanted // 2, wanted - wanted // 2))
                opened = [text for half in halves for text in half]
            texts += opened
            if len(opened) < wanted:
                break
        return texts

    def take_all(self):
        # Never so few that a report stays behind because another has many texts.
        return self.take(self.text_count() + 1)

    def pull(self, count):
        """As `take`, at the desk as it is."""
        return [text["text"] for text in self.pull_opened(count)]

    def pull_opened(self, count):
        """As `take_opened`, at the desk as it is."""
        texts = []
        for key in sorted((self.demo / "users").glob("*-caseworker.key")):
            while len(texts) < count:
                done = self.ishara("queue", "pull", "--json", "--key", key,
                                   "--passphrase-file", key.with_suffix(".passphrase"))
                report = json.loads(done.stdout)
                if report is None:
                    break
                texts += report["texts"]
        return texts

    def plant(self, rows):
        """Notes (number, text, token) or (number, token): none may be found after the run."""
        for number, *_, token in rows:
            self.planted.update((number, token))

    def elsewhere(self, name):
        """A path that is not the deployment's, for what the tests' own peers write."""
        self.others += 1
        return self.base / f"{self.others}-{name}"

    def remove(self, keep):
        for role in self.roles:
            if role.process and role.process.poll() is None:
                role.kill()
        if self.wire:
            self.wire.stop()
        self.said.close()
        self.answered.close()
        if keep:
            self.postgres("stop")
            print(f"what is left of the run: {self.base}", flush=True)
            self.guard.kill()
        elif self.guard:
            self.guard.communicate()
            shutil.rmtree(self.base, ignore_errors=True)


def run(*command, check=True, text=None, **how):
    """`how`: as subprocess.run takes it."""
    command = [str(word) for word in command]
    done = subprocess.run(command, input=text or "", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", **how)
    keep_said(command, done.stdout + done.stderr)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[0]} {command[1]} ended with {done.returncode}:\n{done.stderr}")
    return done


def keep_said(command, text):
    """Keeps what a command has printed, by its first words. What psql shows is no command of ours."""
    if _shared and command[0] != "psql":
        words = (pathlib.Path(command[0]).name, *command[1:3])
        _shared[0].said.add(" ".join(words), text.encode())


_shared = []


def shared():
    """The deployment of this run, set up when it is first asked for."""
    if not _shared:
        _shared.append(System())
        _shared[0].set_up()
    return _shared[0]


def remove(keep):
    """Ends everything that `shared` has started. `keep` leaves the files to look at."""
    while _shared:
        _shared.pop().remove(keep)
