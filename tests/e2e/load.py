"""A provider under load: every message is sent until it is acknowledged, as an aggregator would."""

import http.client
import random
import threading
import time
from collections import Counter

import canary
from kannel import until


class Load:
    """`threads` connections that send one text after the other, each from a number of its own, with
    `pause` seconds between an answer and the next text."""

    def __init__(self, channel, seed, threads=8, pause=0):
        self.channel = channel
        self.pause = pause
        self.seed = seed
        self.statuses = Counter()  # answers by status; 0: no answer
        self.acknowledged = []     # (Number, Token, request), each once
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for each in self.threads:
            each.start()

    def _run(self, thread):
        source = random.Random(f"{self.seed} {thread}")
        connection = None
        count = 0
        while not self.stopping.is_set():
            count += 1
            number = canary.Number(f"999{self.seed:02d}{thread:02d}{1_234_567 + count}", "999")
            token = canary.random_token(source)
            request = self.channel.text(number, f"load {token.letters}", f"{self.seed}-{thread}-{count}")
            status = 0
            while status != 200:  # also after `stop`: what was begun is delivered
                try:
                    connection = connection or self.channel.connect()
                    connection.request(*request)
                    answer = connection.getresponse()
                    answer.read()
                    status = answer.status
                    if answer.will_close:
                        connection = None
                except (OSError, http.client.HTTPException):
                    connection, status = None, 0
                self.statuses[status] += 1
                if status != 200:
                    time.sleep(0.02)  # a provider waits a little before it comes again
            self.acknowledged.append((number, token, request))
            self.stopping.wait(self.pause)

    def stop(self):
        """Ends the load once every message that was begun has been acknowledged."""
        self.stopping.set()
        for each in self.threads:
            each.join(60)
            if each.is_alive():
                raise AssertionError(f"a text was not accepted within 60 s; answers: {self.statuses}")


class Ledger:
    """Proves that what was acknowledged since its construction is stored exactly once."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.before = deployment.text_count()

    def prove(self, test, load):
        until(lambda: self.deployment.readiness() == "ok", "nothing waits in the spool")
        test.assertEqual(self.deployment.text_count() - self.before, len(load.acknowledged))
        # A message and the hash of its id are stored together. So if each of them is recognised
        # when it comes again, each of them is there, and none twice.
        connection = load.channel.connect()
        for _, _, request in load.acknowledged:
            connection.request(*request)
            answer = connection.getresponse()
            answer.read()
            test.assertEqual(answer.status, 200)
            if answer.will_close:
                connection = load.channel.connect()
        test.assertEqual(self.deployment.text_count() - self.before, len(load.acknowledged))
        # A few hundred of them are enough to look for at the end of the run.
        step = len(load.acknowledged) // 200 + 1
        self.deployment.plant((number, token) for number, token, _ in load.acknowledged[::step])
        # The order within an hour is random, so these are a sample of all that was loaded so far.
        self.deployment.loaded.update(f"load {token.letters}" for _, token, _ in load.acknowledged)
        for text in self.deployment.take(10):
            test.assertIn(text, self.deployment.loaded)
