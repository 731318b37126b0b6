"""Keys of others in the rosters: by somebody who writes the database, by a desk that lies, and by one
who also has stolen the key of an organisation."""

import base64
import hashlib
import http.client
import http.server
import json
import pathlib
import re
import subprocess
import threading
import unittest
from dataclasses import dataclass, replace

import canary
import system
from kannel import until

SIGN = pathlib.Path(system.binary()).parent / "sign_roster"
STOLEN = "7a" * 31  # the keys of whoever would like to read the texts, but for the first byte


@dataclass(frozen=True)
class Roster:
    """A row of the table, or an entry in the desk's answer."""
    issuer: str
    version: int
    bytes: bytes
    signature: bytes


@dataclass(frozen=True)
class Forgery:
    what: str
    roster: Roster  # in the place of the organisation's true one; None: there is none
    code: int       # in the logs
    says: str       # the client
    gateway_code: int = None  # in its log, if it is another


class Lies:
    """A desk between a client and the true one. What it shows as rosters is `rosters`."""

    def __init__(self, desk):
        self.rosters, self.asked = [], []
        lies = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                lies.asked.append(f"{self.command} {self.path}")
                true = http.client.HTTPConnection(*desk, timeout=30)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                true.request(self.command, self.path, body, dict(self.headers))
                answer = true.getresponse()
                body = answer.read()
                true.close()
                if self.path == "/api/v1/rosters":
                    body = json.dumps({"rosters": [
                        {"issuer": roster.issuer, "version": roster.version,
                         "bytes": base64.b64encode(roster.bytes).decode(),
                         "signature": base64.b64encode(roster.signature).decode()}
                        for roster in lies.rosters]}).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Substitution(unittest.TestCase):
    texts = 0  # of all tests: each comes from a phone of its own

    def setUp(self):
        self.system = system.shared()
        self.key = self.system.demo / "users" / "demo-ngo-caseworker.key"
        self.older = self.rosters()
        self.ngo = next(roster.issuer for roster in self.older if b'"demo-helpers"' in roster.bytes)
        # The deployment goes on by one version, so that there is an older one.
        before = self.of_the_ngo(self.older)
        self.true = self.with_ngo(self.signed(before, version=before.version + 1))
        self.put(self.true)
        self.addCleanup(self.put, self.true)
        self.kid = self.queue_key("demo-helpers")["kid"]

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query).stdout.split()

    # --- Rosters

    def rosters(self):
        """The newest of each issuer."""
        rows = self.sql("SELECT DISTINCT ON (issuer) replace(issuer::text, '-', '') || ':' || version"
                        " || ':' || encode(bytes, 'hex') || ':' || encode(signature, 'hex')"
                        " FROM roster ORDER BY issuer, version DESC")
        return [Roster(issuer, int(version), bytes.fromhex(content), bytes.fromhex(signature))
                for issuer, version, content, signature in (row.split(":") for row in rows)]

    def put(self, rosters):
        """Makes them all that the table holds, and has everybody look."""
        values = ", ".join(f"('{each.issuer}', {each.version}, '\\x{each.bytes.hex()}',"
                           f" '\\x{each.signature.hex()}')" for each in rosters)
        self.sql(f"BEGIN; DELETE FROM roster; INSERT INTO roster VALUES {values}; NOTIFY routing; COMMIT")

    def of_the_ngo(self, rosters):
        return next(roster for roster in rosters if roster.issuer == self.ngo)

    def with_ngo(self, roster):
        others = [each for each in self.older if each.issuer != self.ngo]
        return others + [roster] if roster else others

    def changed(self, roster, change=lambda content: None, **fields):
        """Other fields, under the signature that was there."""
        content = json.loads(roster.bytes)
        content.update(fields)
        if "version" in fields:
            content["prev"] = hashlib.blake2b(roster.bytes, digest_size=32).hexdigest()
        change(content)
        return replace(roster, version=content["version"], bytes=json.dumps(content).encode())

    def signed(self, roster, change=lambda content: None, by="demo-ngo", **fields):
        roster = self.changed(roster, change, **fields)
        key = self.system.demo / "custody" / f"organisation-{by}.key"
        done = subprocess.run([SIGN, key, key.with_suffix(".passphrase")], input=roster.bytes,
                              stdout=subprocess.PIPE, check=True)
        return replace(roster, signature=bytes.fromhex(done.stdout.decode()))

    def forgeries(self):
        true, older = self.of_the_ngo(self.true), self.of_the_ngo(self.older)
        following = true.version + 1

        def steal(content):
            for n, queue in enumerate(content["queues"]):
                queue["box_pk"] = f"{n:02x}{STOLEN}"

        elsewhere = self.signed(true, steal, version=following, deployment="5d" * 16)
        unsigned = self.changed(true, steal, version=following)
        of_others = self.signed(true, steal, version=following, by="demo-police-org")
        is_older = "the desk shows older rosters than it did before"
        return [
            Forgery("altered", self.changed(true, steal), 3, "is not signed by the expected key"),
            Forgery("of another deployment", elsewhere, 4, "belongs to another deployment"),
            Forgery("unsigned", replace(unsigned, signature=bytes(64)), 3,
                    "is not signed by the expected key"),
            Forgery("older", older, 5, is_older),
            Forgery("signed by another organisation", of_others, 6,
                    "names a queue or organisation that does not exist"),
            # The gateway first misses the queues that its routing names.
            Forgery("gone", None, 5, is_older, gateway_code=1),
            Forgery("older, stored as newer", replace(older, version=following), 10,
                    "is stored as another issuer's or version than it is signed"),
        ]

    # --- People

    def lead(self, *words, check=True, **how):
        return self.system.ishara(*words, "--key", self.key, "--passphrase-file",
                                  self.key.with_suffix(".passphrase"), check=check, **how)

    def queue_key(self, name):
        shown = until(lambda: self.lead("org", "show", "--json", check=False).stdout,
                      "the desk shows the rosters")
        return next(queue for queue in json.loads(shown)["queues"] if queue["name"] == name)

    def text(self):
        """A first text of a new phone."""
        Substitution.texts += 1
        number = canary.Number(f"2507880195{self.texts:02d}", "250")
        token = canary.random_token()
        self.system.plant([(number, token.letters, token)])
        return self.system.kannel.send(self.system.kannel.text(
            number, f"the maid next door is never paid {token.letters}",
            f"substitution-{self.texts}"))

    def assert_it_seals_to_the_true_key(self):
        before = self.sql("SELECT report_id FROM report")
        self.assertEqual(self.text().status, 200)
        (report,) = set(self.sql("SELECT report_id FROM report")) - set(before)
        (kid,) = self.sql("SELECT encode(substr(wraps, 41, 16), 'hex') FROM report"
                          f" WHERE report_id = '{report}'")
        # The other tests of this run pull reports of one text each.
        self.sql(f"DELETE FROM report WHERE report_id = '{report}'")
        self.assertEqual(kid, self.kid)

    def told(self, role, event):
        """How often the log of a role tells of an event."""
        return len(re.findall(event + "$", role.log.read_text(), re.M))

    def tells(self, role, event, act):
        """Does what makes a role tell of an event."""
        before = self.told(role, event)
        act()
        until(lambda: self.told(role, event) > before, f"{role.log.name} tells of {event}")

    def test_who_writes_the_database_makes_no_role_take_other_keys(self):
        gateway = self.system.gateway
        last = self.system.demo / "state/knowledge.last"
        unready = system.Process(gateway.command, gateway.log, None, (*gateway.ready[:3], 503))
        for forgery in self.forgeries():
            with self.subTest(forgery.what):
                forged = self.with_ngo(forgery.roster)
                refused = f"knowledge_refused code={forgery.gateway_code or forgery.code}"
                refused_there = f"roster_refused code={forgery.code}"
                others = [(role, self.told(role, refused_there))
                          for role in (self.system.relay, self.system.desk)]
                try:
                    # One that runs goes on with what it has.
                    self.tells(gateway, refused, lambda: self.put(forged))
                    self.assertEqual(self.system.readiness(), "ok")
                    self.assert_it_seals_to_the_true_key()
                    # One that starts has that from its disk, and a new one has nothing.
                    gateway.stop()
                    self.tells(gateway, refused, gateway.start)
                    self.assert_it_seals_to_the_true_key()
                    gateway.stop()
                    last.unlink()
                    self.tells(gateway, refused, unready.start)
                    gateway.process = unready.process
                    self.assertEqual(self.system.readiness(), "not ready")
                    self.assertEqual(self.text().status, 503)
                    for role, before in others:
                        until(lambda: self.told(role, refused_there) > before,
                              f"{role.log.name} tells of it")
                    self.assertNotEqual(self.lead("queue", "list", check=False).returncode, 0)
                finally:
                    self.tells(gateway, r"knowledge_loaded .*", lambda: self.put(self.true))
                    self.queue_key("demo-helpers")
        self.assert_it_seals_to_the_true_key()

    def test_a_client_takes_no_other_keys_from_its_desk(self):
        before = self.sql("SELECT report_id FROM report")
        self.assertEqual(self.text().status, 200)
        (report,) = set(self.sql("SELECT report_id FROM report")) - set(before)
        self.addCleanup(self.sql, f"DELETE FROM report WHERE report_id = '{report}'")
        lies = Lies(self.system.desk.address)
        self.addCleanup(lies.stop)
        note = ("queue", "note", report.replace("-", ""), "--desk", lies.url)

        def steal_her_place(content):
            for member in content["members"]:
                if "caseworker" in member["roles"]:
                    member["box_pk"] = f"ff{STOLEN}"

        true = self.of_the_ngo(self.true)
        swapped = Forgery("a key of hers, rightly signed",
                          self.signed(true, steal_her_place, version=true.version + 1), 0,
                          "the rosters hold another key for you than yours")
        for forgery in (*self.forgeries(), swapped):
            with self.subTest(forgery.what):
                lies.rosters, lies.asked = self.with_ngo(forgery.roster), []
                done = self.lead(*note, check=False, text="She sounds afraid.")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(forgery.says, done.stderr)
                self.assertEqual(lies.asked, ["GET /api/v1/rosters"], "it went on")
        # The same desk, as long as it tells the truth.
        lies.rosters = self.true
        self.lead(*note, text="She sounds afraid.")
        self.assertEqual(self.sql(f"SELECT count(*) FROM note WHERE report_id = '{report}'"), ["1"])
        self.sql(f"DELETE FROM note WHERE report_id = '{report}'")


if __name__ == "__main__":
    unittest.main()
