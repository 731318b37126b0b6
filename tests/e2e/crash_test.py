"""The gateway is killed at any moment under load: what it acknowledged is there, exactly once."""

import random
import time
import unittest

import load
import system

KILLS = 50


class Crash(unittest.TestCase):
    def test_every_200_survives_50_kills_exactly_once(self):
        deployment = system.shared()
        ledger = load.Ledger(deployment)
        moments = random.Random(4)
        sender = load.Load(deployment.kannel, seed=41)
        try:
            for _ in range(KILLS):
                time.sleep(moments.uniform(0.01, 0.3))  # the moment of the kill is what is tested
                deployment.gateway.kill()
                deployment.gateway.start()
        finally:
            sender.stop()
        self.assertGreater(sender.statuses[0], 0, "no request was hit by a kill")
        print(f"      {len(sender.acknowledged)} texts, {sender.statuses[0]} requests cut off",
              flush=True)
        ledger.prove(self, sender)
