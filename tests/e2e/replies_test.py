"""A conversation: a text, a yes, a caseworker's answer that arrives once, STATUS, and STOP."""

import json
import re
import unittest

import canary
import system
from kannel import until
from provider import Provider


class Replies(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.provider = Provider()
        self.addCleanup(self.provider.stop)
        self.channel = self.provider.channel(self.system, "answers")
        self.number = canary.Number("250788009201", "250")
        self.token, self.answer = canary.random_token(), canary.random_token()
        self.system.plant([(self.number, self.token.letters, self.token),
                           (self.number, self.answer.letters, self.answer)])
        self.sent = 0

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtc", query).stdout.split()

    def text(self, words):
        self.sent += 1
        answer = self.channel.send(self.channel.text(self.number, words, f"replies-{self.sent}"))
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def queue(self, command, *more, stdin=""):
        done = self.system.ishara("queue", command, self.report, *more, "--json", "--key", self.key,
                                  "--passphrase-file", self.key.with_suffix(".passphrase"), text=stdin)
        return json.loads(done.stdout)

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

    def test_an_answer_arrives_once_and_after_stop_nothing_does(self):
        before = set(self.sql("SELECT report_id FROM report"))
        asked = self.text(f"the maid next door is never paid {self.token.letters}")
        self.assertRegex(asked, r"\d{10}.* 1 Yes")
        ref = re.search(r"\d{10}", asked)[0]
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
        self.assertEqual(opened["texts"][0]["text"], f"the maid next door is never paid {self.token.letters}")

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
