"""Aggregators that Ishara has no source for: a description each, from `channel add` to the caseworker
and back to the phone."""

import hashlib
import hmac
import http.server
import json
import threading
import time
import unittest
import urllib.parse

import canary
import system
from kannel import until

SECRET = "secret-of-this-test"
EXAMPLES = system.ROOT / "ops/external"
SIGNED_FORM = """from_field = "msisdn"
text_field = "message"
id_field = "uid"
hmac = ["header X-At", "text .", "body"]
hmac_field = "header X-Signature"
hmac_prefix = "sha256="
hmac_time_field = "header X-At"
answer_type = "application/json"
answer = '{"ok":true}'
answer_reply = '{"ok":true,"reply":{{text}}}'
"""


class Api:
    """The send API of ops/external/example-json.sending.toml."""

    def __init__(self):
        self.requests = []
        requests = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append((self.path, self.headers["Authorization"], json.loads(body)))
                answer = b'{"result":{"state":"queued","uid":"o1"}}'
                self.send_response(202)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class External(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.address = self.system.kannel.address
        self.origin = "http://%s:%d" % self.address

    def add(self, name, description, *more, check=True):
        return self.system.ishara(
            "channel", "add", name, "--provider", "external", "--country", "RW", "--language", "en",
            "--url", self.origin, "--description", description, "--json", *more, check=check)

    def channel(self, name, description, *more):
        path = urllib.parse.urlsplit(json.loads(self.add(name, description, *more).stdout)["url"]).path
        channel = system.Channel(self.address, path)
        until(lambda: channel.send(("POST", path, b"", {})).status != 404, "the gateway knows the channel")
        return channel

    def phone(self, place):
        number, token = canary.Number(f"25078802{place:04d}", "250"), canary.random_token()
        self.system.plant([(number, token)])
        return number, token

    def file(self, text):
        path = self.system.elsewhere("description.toml")
        path.write_text(text)
        return path

    def test_a_signed_form_is_taken_and_its_answer_has_the_reply(self):
        description = self.file(SIGNED_FORM)
        channel = self.channel("signed-form", description, "--secret", SECRET)
        number, token = self.phone(1)
        words = f"they keep our papers & {{{{text}}}} {token.letters}"
        body = urllib.parse.urlencode({"msisdn": number.digits, "message": words, "uid": "u1"}).encode()

        def post(secret=SECRET, at=None):
            at = str(int(at or time.time()))
            signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            return channel.send(("POST", channel.path, body, {
                "Content-Type": "application/x-www-form-urlencoded", "X-At": at,
                "X-Signature": f"sha256={signature}"}))

        self.assertEqual(post("wrong").status, 403)
        self.assertEqual(post(at=time.time() - 3600).status, 403)
        answer = post()
        self.assertEqual(answer.status, 200)
        said = json.loads(answer.body)
        self.assertRegex(said["reply"], r"\b\d{10}\b")
        self.assertEqual(post().body, answer.body)

        # The same through the commands that play the aggregator.
        number, token = self.phone(2)
        shown = self.system.ishara(
            "simulate", "sms", "--provider", "external", "--url", channel.url, "--description",
            description, "--secret", SECRET, "--from", f"+{number.digits}", "--post", "--text",
            f"they keep us {token.letters}", "--json")
        self.assertRegex(json.loads(shown.stdout)["reply"], r"\b\d{10}\b")
        number, token = self.phone(3)
        tried = self.system.ishara(
            "channel", "test", "signed-form", "--json", "--from", f"+{number.digits}", "--text",
            f"a test {token.letters}", text=channel.url + "\n")
        self.assertEqual([line for line in map(json.loads, tried.stdout.splitlines())
                          if not line["good"]], [])
        texts = self.system.take_all()
        self.assertEqual([text for text in texts if "our papers" in text], [words])
        self.assertIn(f"they keep us {token.letters}"[:12], " ".join(texts))

    def test_a_dialogue_in_xml_becomes_a_report(self):
        channel = self.channel("xml-dialogue", EXAMPLES / "example-ussd.toml")
        number, token = self.phone(4)
        done = self.system.ishara(
            "simulate", "ussd", "--provider", "external", "--url", channel.url, "--description",
            EXAMPLES / "example-ussd.toml", "--from", f"+{number.digits}", "--json",
            *(word for answer in ("1", "1#", "1", "1#", "2", "2#", "1", "0", "3",
                                  f"they beat us <hard> & {token.letters}", "1", "1#", "1")
              for word in ("--answer", answer)))
        first, *_, last = (json.loads(line) for line in done.stdout.splitlines())
        self.assertEqual([first["end"], last["end"]], [False, True])
        self.assertRegex(last["screen"], r"^Saved\. Number \d{10}\.")
        texts = self.system.take_all()
        self.assertEqual([text for text in texts if token.letters in text],
                         [f"they beat us <hard> & {token.letters}"])

    def test_a_reply_goes_out_through_a_described_api(self):
        api = Api()
        self.addCleanup(api.stop)
        channel = self.channel(
            "json-api", EXAMPLES / "example-json.toml", "--secret", SECRET, "--account", "AC 1",
            "--token", "token-of-this-test", "--from", "2020", "--send-origin", api.origin,
            "--sending-description", EXAMPLES / "example-json.sending.toml")
        number, token = self.phone(5)
        body = json.dumps({"events": [
            {"kind": "sms.in", "data": {"sender": {"number": f"tel:+{number.digits}"}, "uid": "i1",
                                        "recipient": "2020", "at": int(time.time() * 1000),
                                        "body": f"my brother is hidden {token.letters}"}},
            {"kind": "sms.status", "data": {"uid": "o9", "state": "DELIVERED"}}]}).encode()
        at = str(int(time.time()))
        signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        answer = channel.send(("POST", channel.path, body, {
            "Content-Type": "application/json", "X-Acme-Time": at,
            "X-Acme-Signature": f"v1={signature}"}))
        self.assertEqual((answer.status, answer.body), (200, b'{"ok":true}'))
        until(lambda: api.requests, "the relay has sent the line", 60)
        (path, login, sent), = api.requests
        self.assertEqual(path, "/v2/accounts/AC%201/sms")
        self.assertEqual(login, "Bearer token-of-this-test")
        self.assertEqual((sent["to"], sent["from"]), (f"+{number.digits}", "2020"))
        self.assertRegex(sent["body"], r"\b\d{10}\b")
        self.assertIn(token.letters, " ".join(self.system.take_all()))

    def test_a_description_with_mistakes_makes_no_channel(self):
        wrong = self.file('from_field = ""\nscreen_end = "{{txt}}"\nform = 1\n')
        done = self.add("mistaken", wrong, check=False)
        self.assertEqual(done.returncode, 2)
        for place in (":1:14: ", ":2:14: ", ":3:1: unknown key 'form'"):
            self.assertIn(f"{wrong}{place}", done.stderr)
        done = self.add("unsigned", EXAMPLES / "example-json.toml", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("'hmac' needs the key 'secret'", done.stderr)
        self.assertEqual([file for name in ("mistaken", "unsigned")
                          for file in self.system.folder.rglob(f"{name}.toml")], [])


if __name__ == "__main__":
    unittest.main()
