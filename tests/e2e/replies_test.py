"""A conversation: a text, a yes, a caseworker's answer that arrives once, STATUS, and STOP; and what
people see of it: whether the answer was delivered, and how the channel does."""

import json
import re
import unittest
import urllib.request

import canary
import system
from kannel import until
from provider import Provider


class Conversation(unittest.TestCase):
    """One phone on a channel of its own."""

    def begin(self, digits, name, *more):
        self.name = name
        self.system = system.shared()
        self.provider = Provider()
        self.addCleanup(self.provider.stop)
        self.channel = self.provider.channel(self.system, name, *more)
        self.number = canary.Number(digits, "250")
        self.token, self.answer = canary.random_token(), canary.random_token()
        self.system.plant([(self.number, self.token.letters, self.token),
                           (self.number, self.answer.letters, self.answer)])
        self.sent = 0

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtc", query).stdout.split()

    def text(self, words):
        self.sent += 1
        answer = self.channel.send(self.channel.text(self.number, words, f"{self.name}-{self.sent}"))
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def said(self, command, *more, stdin=""):
        return self.system.ishara("queue", command, self.report, *more, "--key", self.key,
                                  "--passphrase-file", self.key.with_suffix(".passphrase"), text=stdin).stdout

    def queue(self, command, *more, stdin=""):
        return json.loads(self.said(command, *more, "--json", stdin=stdin))

    def states(self):
        # As the desk asks; her own client may only open 200 texts an hour.
        names = {"1": "waiting", "2": "sending", "3": "sent", "4": "unknown", "5": "kept",
                 "6": "fetched", "7": "refused", "": "submitted"}
        self.seen = self.sql(f"SELECT coalesce(state::text, '') || ':' || coalesce(reason::text, '')"
                             f" FROM replies_of('{self.report}')")
        return sorted(names[each.split(":")[0]] for each in self.seen)

    def becomes(self, *states):
        try:
            until(lambda: self.states() == sorted(states), f"the replies are {states}")
        except AssertionError as error:
            raise AssertionError(f"{error}; they are {self.seen}") from None

    def forget(self):
        # The other tests of this run pull reports of one text each.
        for table in ("reply_outbox", "reply_state", "note", "statement", "text", "report"):
            self.sql(f"DELETE FROM {table} WHERE report_id = '{self.report}'")

    def ask(self, words):
        """A text and a yes; returns the ref. The first caseworker whose queue has it opens it."""
        before = set(self.sql("SELECT report_id FROM report"))
        asked = self.text(words)
        self.assertRegex(asked, r"\d{10}.* 1 Yes")
        self.text("1")
        (found,) = set(self.sql("SELECT report_id FROM report")) - before
        self.report = found.replace("-", "")
        self.addCleanup(self.forget)
        until(lambda: self.sql("SELECT count(*) FROM retaddr_inbox") == ["0"],
              "the relay has read the yes")
        for self.key in sorted((self.system.demo / "users").glob("*-caseworker.key")):
            try:
                opened = self.queue("show")
                break
            except AssertionError:
                continue
        self.assertEqual(opened["texts"][0]["text"], words)
        return re.search(r"\d{10}", asked)[0]


class Replies(Conversation):
    def setUp(self):
        self.begin("250788009201", "answers")

    def test_an_answer_arrives_once_and_after_stop_nothing_does(self):
        ref = self.ask(f"the maid next door is never paid {self.token.letters}")

        # The window of the sitting is open: the answer leaves by itself, once.
        ways = self.queue("reply", stdin=f"{self.answer.letters}\n")
        self.assertTrue(ways["by_sms"])
        self.becomes("sent")
        self.assertEqual(self.provider.texts, [("+250788009201", self.answer.letters)])

        # What is only to be fetched comes with the ref.
        self.queue("reply", "--fetch-only", stdin="We read it.")
        self.becomes("sent", "kept")
        self.assertEqual(self.text(f"STATUS {ref}"), "We read it.")
        self.becomes("sent", "fetched")

        # After STOP nobody's number is left to write to.
        self.text("STOP")
        self.queue("reply", stdin="Still there?")
        self.becomes("sent", "fetched", "kept")
        self.assertEqual(len(self.provider.texts), 1)
        self.assertEqual(sorted(reply["state"] for reply in self.queue("show")["replies"]),
                         ["fetched", "kept", "sent"])


class Deliveries(Conversation):
    def setUp(self):
        self.begin("250788021001", "delivered", "--delivery-reports")

    def deliver(self, status, reply_id=None):
        """As Kannel calls the URL that it was given, whatever the channel takes texts by."""
        url = self.provider.report_urls[0].replace("%d", str(status))
        if reply_id:
            url = re.sub(r"\bid=\w+", f"id={reply_id}", url)
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()

    def delivery(self):
        return self.sql(f"SELECT coalesce(delivery_state, 0) FROM replies_of('{self.report}')")

    def test_a_caseworker_sees_that_her_answer_was_delivered(self):
        self.ask(f"they took my passport {self.token.letters}")
        self.queue("reply", stdin=f"{self.answer.letters}\n")
        self.becomes("sent")
        self.assertEqual(len(self.provider.report_urls), 1)

        # What nobody has sent changes nothing, and is answered as what somebody has.
        forged = self.deliver(1, "0123456789abcdef")
        known = self.deliver(8)
        self.assertEqual(forged, known)
        self.assertEqual(known, (200, b""))
        until(lambda: self.delivery() == ["2"], "the provider has passed it on")
        self.assertNotIn("delivered", self.said("show"))

        self.deliver(1)
        until(lambda: self.delivery() == ["3"], "it has arrived")
        # What comes late or again takes nothing back.
        for status in (8, 2, 1):
            self.deliver(status)
        self.assertEqual([reply["delivery"] for reply in self.queue("show")["replies"]], ["delivered"])
        self.assertIn("sent, and delivered to the phone", self.said("show"))
        self.assertEqual(self.delivery(), ["3"])


class Health(Conversation):
    def setUp(self):
        self.begin("250788021002", "watched", "--silent-after", "26h")

    def listed(self):
        lines = self.system.ishara("channel", "list", "--json").stdout.splitlines()
        (mine,) = (line for line in map(json.loads, lines) if line["name"] == self.name)
        return mine["health"]

    def test_a_channel_tells_how_it_does(self):
        before = set(self.sql("SELECT report_id FROM report"))
        self.text(f"they took my passport {self.token.letters}")
        (self.report,) = set(self.sql("SELECT report_id FROM report")) - before
        self.addCleanup(self.forget)
        nobody = ("POST", self.channel.path, b"text without a phone", {"Content-Type": "text/plain"})
        for _ in range(3):
            self.assertEqual(self.channel.send(nobody).status, 400)

        # The gateway sums up once a minute.
        until(lambda: (self.listed() or {}).get("refused") == 3, "the figures of this minute", 90)
        health = self.listed()
        self.assertGreaterEqual(health["texts"], 1)
        self.assertEqual(health["failed_last_hour"], 3)
        self.assertIs(health["silent"], False)
        self.assertRegex(health["last_text_hour"], r"^\d{4}-\d\d-\d\dT\d\d:00:00Z$")
        self.assertRegex(self.system.ishara("channel", "list").stdout,
                         f"{self.name} .* 3 of \\d+ failed in the last hour.* 3 refused")
        findings = self.system.ishara("doctor", "--json", check=False).stdout
        self.assertIn(f"channel {self.name} failed 3 of", findings)
