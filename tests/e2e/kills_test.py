"""Every role is killed at any moment under load, and Postgres stopped and killed among them: what was
acknowledged is there exactly once, and no reply of a caseworker is sent twice.

ISHARA_KILLS=1000 makes the long run of it."""

import http.client
import itertools
import json
import os
import random
import threading
import time
import unittest
from collections import Counter

import canary
import load
import system
from kannel import until
from provider import Provider

KILLS = int(os.environ.get("ISHARA_KILLS", "40"))


class Conversations:
    """Phones that report and say yes, one after the other, and a caseworker who answers each. What a
    kill breaks off is not begun again, but for the texts: those come until they are taken."""

    def __init__(self, deployment, channel):
        self.deployment, self.channel = deployment, channel
        self.key = deployment.demo / "users" / "demo-ngo-caseworker.key"
        self.acknowledged = []  # (Number, Token, request)
        self.replies = []       # the tokens of all that she has tried to send
        self.source = random.Random(77)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        for count in itertools.takewhile(lambda _: not self.stopping.is_set(), itertools.count(1)):
            number = canary.Number(f"25078877{1000 + count:04d}", "250")
            token = canary.random_token(self.source)
            words = f"child labour in the mine {token.letters}"
            self.deployment.loaded.update((words, "1"))
            # A yes whose sitting a kill has ended is stored too, as a text of a new one.
            for text in (words, "1"):
                request = self.channel.text(number, text, f"kills-{count}-{text[0]}")
                self._deliver(request)
                self.acknowledged.append((number, token, request))
            self._answer()

    def _deliver(self, request):
        while True:
            try:
                if self.channel.send(request).status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.02)  # as a provider waits before it comes again

    def _answer(self):
        """The report is hers alone: no other text of the load goes to this queue."""
        pulled = self._queue("pull", "demo-children")
        report = json.loads(pulled.stdout) if pulled.returncode == 0 else None
        if report is None:
            return
        token = canary.random_token(self.source)
        self.replies.append(token)
        self._queue("reply", report["id"], text=token.letters)
        self._queue("close", report["id"])

    def _queue(self, *words, text=None):
        return self.deployment.ishara("queue", *words, "--json", "--key", self.key,
                                      "--passphrase-file", self.key.with_suffix(".passphrase"),
                                      check=False, text=text)

    def stop(self):
        self.stopping.set()
        self.thread.join(120)
        if self.thread.is_alive():
            raise AssertionError("a text was not accepted within two minutes")


class Kills(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.provider = Provider()
        self.addCleanup(self.provider.stop)
        self.channel = self.provider.channel(self.system, "killed")

    def gateway(self):
        self.system.gateway.kill()
        self.system.gateway.start()

    def relay(self):
        self.system.relay.kill()
        self.system.relay.start()

    def desk(self):
        self.system.desk.kill()
        self.system.desk.start()

    def postgres(self):
        """Stopped or killed; half the time the gateway dies meanwhile and starts without it."""
        self.system.postgres("stop", *self.moments.choice(([], ["--now"])))
        time.sleep(self.moments.uniform(0.01, 0.3))
        if self.moments.random() < 0.5:
            self.gateway()
        self.system.postgres("start")

    def answered(self):
        """How many replies there are of each state, as the desk is told."""
        rows = canary.run(self.system.psql, "SELECT coalesce(s.state::text, '') FROM reply_outbox o "
                          "LEFT JOIN reply_state s USING (reply_id)").decode().splitlines()
        return Counter(rows)

    def test_what_was_acknowledged_is_there_once_and_no_reply_is_sent_twice(self):
        self.moments = random.Random(12)
        ledger = load.Ledger(self.system)
        known = self.answered().total()
        # Not so many that the relay, which reads addresses when it has time, never gets to a yes.
        sender = load.Load(self.system.kannel, seed=61, threads=4, pause=0.05)
        conversations = Conversations(self.system, self.channel)
        kills = Counter()
        try:
            while kills.total() < KILLS:
                time.sleep(self.moments.uniform(0.01, 0.6))  # the moment is what is tested
                victim = self.moments.choices((self.gateway, self.relay, self.desk, self.postgres),
                                              (5, 5, 3, 2))[0]
                victim()
                kills[victim.__name__] += 1
            # A reply needs a second or two without a kill.
            until(lambda: self.provider.texts, "a reply is sent", 60)
        finally:
            sender.stop()
            conversations.stop()
        until(lambda: self.system.readiness() == "ok", "nothing waits in the spool")
        until(lambda: self.answered()[""] == 0 and self.answered()["2"] == 0,
              "the relay has looked at every reply", 120)
        states = self.answered()
        sent = Counter(text for _, text in self.provider.texts)
        print(f"      {dict(kills)}: {len(sender.acknowledged)} texts, {sender.statuses[0]} requests cut"
              f" off; {len(conversations.replies)} replies tried, {states.total() - known} stored,"
              f" {len(sent)} sent, {states['4']} unknown", flush=True)
        self.assertEqual({text: times for text, times in sent.items() if times > 1}, {})
        self.assertLessEqual(set(sent), {token.letters for token in conversations.replies})
        self.system.plant((number, token) for number, token, _ in conversations.acknowledged)
        self.system.planted.update(conversations.replies)
        sender.acknowledged += conversations.acknowledged
        ledger.prove(self, sender)
