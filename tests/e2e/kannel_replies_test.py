"""A caseworker's answer through a real Kannel: the phone reads what was written, and Kannel's
delivery reports say what became of it."""

import http.client
import http.server
import json
import re
import threading
import unittest
import urllib.parse

import canary
import kannel
import system
from kannel import until


class Between:
    """Stands between Kannel and the gateway, and keeps what Kannel asks by GET and is answered."""

    def __init__(self, gateway):
        self.seen = []
        seen = self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection(*gateway, timeout=30)
                connection.request(self.command, self.path, body or None, dict(self.headers))
                answer = connection.getresponse()
                said = answer.read()
                connection.close()
                if self.command == "GET":
                    lines = [self.requestline, *(f"{k}: {v}" for k, v in self.headers.items()), "", ""]
                    seen.append((self.path, "\r\n".join(lines), answer.status))
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = ("127.0.0.1", self.server.server_port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class KannelReplies(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.between = Between(self.system.kannel.address)
        self.addCleanup(self.between.stop)
        (sendsms,) = kannel.free_ports(1)
        channel = self.system.add_channel(
            self.between.address, "kannel", "kannel-replies", "--allow-get", "--delivery-reports",
            "--from", "2020", "--account", "ishara", "--password", "sendsms-of-this-test",
            "--utc-offset", "+02:00", "--send-origin", f"http://127.0.0.1:{sendsms}")
        ping = ("POST", channel.path, b"", {})
        until(lambda: channel.send(ping).status != 404, "the gateway knows the channel")
        gateway = kannel.Kannel(self.system.elsewhere("kannel-replies"), channel.url, sendsms=sendsms)
        self.addCleanup(gateway.stop)
        self.phones = kannel.Phones(gateway.port)
        self.addCleanup(self.phones.close)

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtc", query).stdout.split()

    def text(self, words):
        """The line that the phone gets for a text."""
        before = len(self.lines())
        self.phones.send(self.phone, "2020", words)
        until(lambda: len(self.lines()) > before, "the phone has got an answer")
        return self.lines()[-1]

    def lines(self):
        return self.phones.answers[self.phone]

    def answer(self, phone, words):
        """Has a caseworker answer a text of this phone; the line that the phone gets."""
        self.phone = "+" + phone
        token, answer = canary.random_token(), canary.random_token()
        number = canary.Number(phone, "250")
        words = f"{words} {answer.letters}"
        self.system.plant([(number, token.letters, token), (number, answer.letters, answer)])
        before = set(self.sql("SELECT report_id FROM report"))
        asked = self.text(f"the maid next door is never paid \u0645 {token.letters}")
        self.assertRegex(asked[1], r"\d{10}.* 1 Yes")
        self.text("1")
        (found,) = set(self.sql("SELECT report_id FROM report")) - before
        report = found.replace("-", "")
        self.addCleanup(self.forget, report)
        until(lambda: self.sql("SELECT count(*) FROM retaddr_inbox") == ["0"],
              "the relay has read the yes")
        heard = len(self.lines())
        for key in sorted((self.system.demo / "users").glob("*-caseworker.key")):
            done = self.system.ishara("queue", "reply", report, "--json", "--key", key,
                                      "--passphrase-file", key.with_suffix(".passphrase"),
                                      text=words + "\n", check=False)
            if done.returncode == 0:
                break
        self.assertTrue(json.loads(done.stdout)["by_sms"], done.stderr)
        # A relay that has not read the channel yet looks again after half a minute.
        def arrived():
            self.state = self.sql(f"SELECT state, reason FROM replies_of('{report}')")
            return len(self.lines()) > heard

        try:
            until(arrived, "the phone has got the answer", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; the answer is {self.state}") from None
        return words, self.lines()[-1]

    def forget(self, report):
        # The other tests of this run pull reports of one text each.
        for table in ("reply_outbox", "reply_state", "note", "statement", "text", "report"):
            self.sql(f"DELETE FROM {table} WHERE report_id = '{report}'")

    def reported(self):
        """By id: what Kannel has reported, as the gateway reads it."""
        out = {}
        for path, request, status in list(self.between.seen):
            self.assertRegex(path, r"/dlr\?")
            self.assertEqual(status, 200)
            done = self.system.ishara("channel", "parse", "--provider", "kannel", "--kind", "dlr",
                                      text=request)
            event = json.loads(done.stdout.splitlines()[0])
            (sent_id,) = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)["id"]
            self.assertEqual((event["event"], event["id"]), ("delivery", sent_id))
            out.setdefault(sent_id, []).append(event["status"])
        return out

    def test_an_answer_reads_as_it_was_written_and_its_delivery_is_reported(self):
        words, (kind, line) = self.answer("250788023001", "Murakoze. We can talk at 6 & 7, \u20ac~\u00e9?")
        self.assertEqual((kind, urllib.parse.unquote_plus(line)), ("text", words))

        words, answer = self.answer("250788023002", "\u0645\u0631\u062d\u0628\u0627 \u00e9+%")
        self.assertEqual(answer, ("ucs-2", words))
        # From the network and from the phone, whichever comes first.
        until(lambda: [sorted(all_of_it) for all_of_it in self.reported().values()]
              == [["delivered", "sent"]] * 2, "both answers are reported, twice each")
