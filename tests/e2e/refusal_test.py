"""Bad input of every kind: a clear answer, nothing stored, nothing of it in a log."""

import pathlib
import re
import shutil
import socket
import unittest
import urllib.parse

import canary
import system


HERE = pathlib.Path(__file__).resolve().parent
HOSTILE = 100_000
LINE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z (info|warning|error)"
                  r" [a-z][a-z0-9_]*( [a-z][a-z0-9_]*=(-?[0-9]+|[a-z0-9_]+))*")


class Refusals(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.number, self.token = canary.Number("250788009900", "250"), canary.random_token()
        self.system.plant([(self.number, self.token.letters, self.token)])
        self.before = self.system.report_count()

    def form(self, **fields):
        return urllib.parse.urlencode({name.rstrip("_"): value for name, value in fields.items()})

    def refused(self, channel, status, body, path=None, words="", **headers):
        headers = {"Content-Type": "application/x-www-form-urlencoded",
                   **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = channel.send(("POST", path or channel.path, body, headers))
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn(words.encode(), answer.body)
        for secret in (self.number.digits.encode(), self.token.letters.encode()):
            self.assertNotIn(secret, answer.body)
        self.assertEqual(self.system.report_count(), self.before)

    def fields(self, **changed):
        return {"id": "refusal", "from": self.number.digits, "to": "2020",
                "text": f"bad {self.token.letters}", **changed}

    def test_a_wrong_secret_is_not_found(self):
        path = self.system.kannel.path[:-3] + "AAA"
        self.refused(self.system.kannel, 404, self.form(**self.fields()), path)

    def test_an_unknown_provider_is_not_found(self):
        path = self.system.kannel.path.replace("kannel", "nobody")
        self.refused(self.system.kannel, 404, self.form(**self.fields()), path)

    def test_a_missing_field_is_named(self):
        fields = self.fields()
        del fields["from"]
        self.refused(self.system.kannel, 400, self.form(**fields), words="field 'from' is missing")

    def test_a_sender_that_is_no_number_is_refused(self):
        self.refused(self.system.kannel, 400, self.form(**self.fields(**{"from": "+"})))

    def test_a_body_of_a_megabyte_is_too_large(self):
        body = self.form(**self.fields(text=self.token.letters + "x" * 1_000_000))
        self.refused(self.system.kannel, 413, body)

    def test_a_wrong_content_type_is_refused(self):
        body = f'{{"from": "{self.number.digits}", "text": "{self.token.letters}"}}'
        self.refused(self.system.kannel, 415, body, Content_Type="application/json")

    def test_a_wrong_signature_is_forbidden(self):
        body = self.form(From="+" + self.number.digits, To="+15005550006", Body=self.token.letters,
                         MessageSid="SM00000000000000000000000000000000", AccountSid="AC0")
        self.refused(self.system.twilio, 403, body, X_Twilio_Signature="AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        self.refused(self.system.twilio, 403, body)

    def test_a_request_that_breaks_off_leaves_nothing(self):
        body = self.form(**self.fields()).encode()
        head = (f"POST {self.system.kannel.path} HTTP/1.1\r\nHost: x\r\nContent-Length: "
                f"{len(body) + 10}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n").encode()
        for cut in (10, len(head) - 3, len(head), len(head) + len(body) // 2, len(head) + len(body)):
            with socket.create_connection(self.system.gateway.address) as connection:
                connection.sendall((head + body)[:cut])
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(4096)
                self.assertNotIn(b" 200 ", answer[:20])
        self.assertEqual(self.system.report_count(), self.before)

    def test_broken_utf8_and_nul_are_repaired_and_stored(self):
        self.system.take_all()
        text = b"repaired \xff\x00" + self.token.letters.encode()
        body = "&".join(f"{name}={urllib.parse.quote_from_bytes(value)}" for name, value in
                        (("id", b"repair"), ("from", self.number.digits.encode()), ("to", b"2020"),
                         ("charset", b"UTF-8"), ("coding", b"0"), ("text", text)))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.system.kannel.send(("POST", self.system.kannel.path, body, headers))
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.system.take_all(),
                         [f"repaired \ufffd{self.token.letters}"])

    def test_100000_hostile_requests_leave_events_and_integers_in_the_logs_and_nothing_else(self):
        roles = (self.system.gateway, self.system.desk, self.system.relay)
        before = {role: role.log.stat().st_size for role in roles}
        channels = (self.system.kannel, self.system.kannel_by_get, self.system.twilio)
        gateway = ["%s:%d" % self.system.kannel.address, *(channel.path for channel in channels)]
        desk = ["%s:%d" % self.system.desk.address, "/api/v1/queues", "/api/v1/reports/", "/api/v1/pull"]
        for address, *paths in (gateway, desk):
            sent = 0
            while sent < HOSTILE // 2:
                done = system.run("wrk", "-t1", "-c32", "-d2s", "-s", HERE / "hostile.lua",
                                  f"http://{address}", "--", self.number.digits, self.token.letters, *paths)
                sent += int(re.search(r"^RESULT (\d+)$", done.stdout, re.M)[1])
                self.assertGreater(sent, 0, done.stdout)
        self.assertEqual(self.system.report_count(), self.before)
        for role in roles:
            with role.log.open("rb") as log:
                log.seek(before[role])
                lines = log.read().decode("utf-8", "replace").splitlines()
            self.assertEqual([line for line in lines if not LINE.fullmatch(line)], [], role.log.name)
            self.assertIsNone(role.process.poll(), f"{role.log.stem} has ended")


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()

    def test_channel_add_names_the_providers_on_offer(self):
        done = self.system.ishara("channel", "add", "new", "--provider", "nobody",
                                  "--country", "RW", "--language", "en", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("kannel", done.stderr)
        self.assertFalse(list(self.system.folder.rglob("new.toml")))

    def test_a_broken_configuration_is_reported_with_every_mistake(self):
        broken = self.system.elsewhere("broken.toml")
        broken.write_text('[gateway]\nlisten = "nowhere"\nlissen = 1\n[dask]\n')
        done = self.system.ishara("gateway", configuration=broken, check=False)
        self.assertNotEqual(done.returncode, 0)
        for place in (f"{broken}:2:", f"{broken}:3:", f"{broken}:4:"):
            self.assertIn(place, done.stderr)

    def test_a_file_that_is_no_toml_is_reported_with_its_line(self):
        broken = self.system.elsewhere("torn.toml")
        broken.write_text("[gateway]\nlisten = \n")
        done = self.system.ishara("gateway", configuration=broken, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{broken}:2:", done.stderr)

    def test_a_pack_with_mistakes_is_reported_with_every_place(self):
        pack = self.system.elsewhere("torn-pack")
        shutil.copytree(system.ROOT / "ops" / "packs" / "rw-demo", pack)
        queues, routes = pack / "queues.csv", pack / "routes.csv"
        queues.write_text(queues.read_text() + "odd,ngo,demo-ngo,nobody\n")
        routes.write_text(routes.read_text().replace("BEG,,,,demo-children", "BEGG,,,,demo-childern"))
        done = self.system.ishara("pack", "check", str(pack), check=False)
        self.assertEqual(done.returncode, 1)
        said = done.stdout + done.stderr
        for part in ("queues.csv:5:18:", "routes.csv:5:11:", "did you mean 'BEG'",
                     "routes.csv:5:19:", "did you mean 'demo-children'"):
            self.assertIn(part, said)
