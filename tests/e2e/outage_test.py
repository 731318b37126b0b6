"""Postgres goes away and comes back under load: 503 meanwhile, and nothing acknowledged is lost."""

import unittest

import load
import system
from kannel import until


class Outage(unittest.TestCase):
    def outage(self, seed, how):
        deployment = system.shared()
        ledger = load.Ledger(deployment)
        gateway = deployment.gateway.process.pid
        sender = load.Load(deployment.kannel, seed=seed)
        try:
            for _ in range(3):
                good = sender.statuses[200]
                until(lambda: sender.statuses[200] > good + 50, "texts are accepted")
                away = sender.statuses[503]
                deployment.postgres(*how)
                until(lambda: sender.statuses[503] > away + 20, "the gateway says 503")
                deployment.postgres("start")
            good = sender.statuses[200]
            until(lambda: sender.statuses[200] > good + 50, "texts are accepted again")
        finally:
            sender.stop()
        self.assertEqual(deployment.gateway.process.pid, gateway, "it went on without a restart")
        self.assertEqual(set(sender.statuses) - {0}, {200, 503})
        ledger.prove(self, sender)

    def test_postgres_is_stopped_and_started(self):
        self.outage(51, ["stop"])

    def test_postgres_dies_and_recovers(self):
        self.outage(52, ["stop", "--now"])
