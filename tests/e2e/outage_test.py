"""Postgres goes away and comes back under load: every text that is only stored is taken meanwhile,
and is there once. One that changes a consent waits for Postgres (gateway/intake/service.cpp)."""

import json
import os
import unittest
from unittest import mock

import canary
import load
import system
from kannel import until

MAID, BEGGING = "the maid next door is never paid", "children are forced to beg at the bus station"


class Outage(unittest.TestCase):
    def setUp(self):
        self.deployment = system.shared()
        self.ledger = load.Ledger(self.deployment)

    def until_it_spools(self):
        until(lambda: self.deployment.readiness() == "ok, spooling", "it spools")

    def under_load(self, seed, now_and_then):
        """Three outages; `now_and_then` happens in each while texts are spooled, and again while they
        are drained."""
        sender = load.Load(self.deployment.kannel, seed=seed)

        def taken(count):
            good = sender.statuses[200]
            until(lambda: sender.statuses[200] > good + count, "texts are taken")

        try:
            for how in (["stop"], ["stop", "--now"], ["stop"]):
                taken(50)
                self.deployment.postgres(*how)
                self.until_it_spools()
                taken(50)
                now_and_then()
                taken(50)
                self.deployment.postgres("start")
                until(lambda: self.deployment.readiness() in ("ok, draining", "ok"), "it drains")
                now_and_then()
            taken(50)
        finally:
            sender.stop()
        return sender

    def test_every_text_is_taken_and_the_gateway_goes_on(self):
        gateway = self.deployment.gateway.process.pid
        sender = self.under_load(51, lambda: None)
        self.assertEqual(self.deployment.gateway.process.pid, gateway, "it went on without a restart")
        self.assertEqual(set(sender.statuses), {200})
        self.ledger.prove(self, sender)

    def test_the_gateway_is_killed_and_starts_without_postgres(self):
        def kill():
            self.deployment.gateway.kill()
            self.deployment.gateway.start()

        sender = self.under_load(52, kill)
        self.assertEqual(set(sender.statuses) - {0}, {200})
        self.assertGreater(sender.statuses[0], 0, "no request was hit by a kill")
        self.ledger.prove(self, sender)

    def test_a_full_spool_is_a_clear_503_and_nothing_is_torn(self):
        def restart():
            self.deployment.gateway.kill()
            self.deployment.gateway.start()

        with mock.patch.dict(os.environ, {"ISHARA_GATEWAY_SPOOL_MEBIBYTES": "1"}):
            restart()
        self.addCleanup(restart)
        sender = load.Load(self.deployment.kannel, seed=53)
        try:
            self.deployment.postgres("stop")
            try:
                until(lambda: sender.statuses[503] > 50, "the spool is full")
                readiness = self.deployment.readiness()
            finally:
                self.deployment.postgres("start")
            self.assertEqual(readiness, "not ready")
            good = sender.statuses[200]
            until(lambda: sender.statuses[200] > good + 50, "texts are taken again")
        finally:
            sender.stop()
        self.assertEqual(set(sender.statuses), {200, 503})
        self.ledger.prove(self, sender)

    def test_a_webhook_that_comes_twice_is_stored_once_and_doctor_tells_what_waits(self):
        number = canary.Number("250788000531", "250")
        token = canary.Token("outagetwicemn")
        request = self.deployment.kannel.text(number, f"twice {token.letters}", "outage-twice")
        self.deployment.postgres("stop")
        try:
            self.until_it_spools()
            first = self.deployment.kannel.send(request)
            again = self.deployment.kannel.send(request)
            self.deployment.gateway.kill()
            self.deployment.gateway.start()
            after_restart = self.deployment.kannel.send(request)
            doctor = self.deployment.ishara("doctor", check=False).stdout
        finally:
            self.deployment.postgres("start")
        self.assertEqual([first.status, again.status, after_restart.status], [200] * 3)
        self.assertEqual(first.body, again.body)
        self.assertIn("texts that wait for the database: 1", doctor)
        until(lambda: self.deployment.readiness() == "ok", "the spool is empty")
        self.assertEqual(self.deployment.kannel.send(request).status, 200)
        self.assertEqual(self.deployment.text_count() - self.ledger.before, 1)
        self.deployment.plant([(number, token)])

    def sql(self, query):
        return system.run(*self.deployment.psql, "-XAtc", query).stdout.split()

    def show(self, report):
        key = self.deployment.demo / "users" / "demo-ngo-caseworker.key"
        done = self.deployment.ishara("queue", "show", report, "--json", "--key", key,
                                      "--passphrase-file", key.with_suffix(".passphrase"))
        return json.loads(done.stdout)

    def test_two_reports_of_one_phone_are_told_of_each_other_if_their_owner_is_the_same(self):
        # Each phone writes twice; the gateway is killed in between, and with it the sittings.
        phones = [("541", [MAID, MAID]), ("542", [MAID, BEGGING])]
        before = set(self.sql("SELECT report_id FROM report"))
        tokens = {}
        self.deployment.postgres("stop")
        try:
            self.until_it_spools()
            for turn in range(2):
                for end, words in phones:
                    number, token = canary.Number(f"250788000{end}", "250"), canary.random_token()
                    self.deployment.plant([(number, token)])
                    tokens[end, turn] = token
                    answer = self.deployment.kannel.send(self.deployment.kannel.text(
                        number, f"{words[turn]} {token.letters}", f"outage-same-{end}-{turn}"))
                    self.assertEqual(answer.status, 200)
                self.deployment.gateway.kill()
                self.deployment.gateway.start()
        finally:
            self.deployment.postgres("start")
        until(lambda: self.deployment.readiness() == "ok", "the spool is empty")
        until(lambda: self.sql("SELECT count(*) FROM retaddr_inbox") == ["0"],
              "the relay has read its inbox")
        reports = [row.replace("-", "")
                   for row in set(self.sql("SELECT report_id FROM report")) - before]
        self.addCleanup(self.forget, reports)
        self.assertEqual(len(reports), 4, "each text is a report of its own")

        opened = [self.show(report) for report in reports]
        of = {which: report for which, token in tokens.items() for report in opened
              if token.letters in report["texts"][0]["text"]}
        self.assertEqual(of["541", 1]["same_sender"], [of["541", 0]["id"]])
        self.assertEqual(of["541", 0]["same_sender"], [of["541", 1]["id"]])
        self.assertNotEqual(of["542", 0]["queue"], of["542", 1]["queue"])
        self.assertEqual([of["542", turn]["same_sender"] for turn in range(2)], [[], []])
        self.assertEqual([report["flagged"] for report in opened], [[]] * 4)
        self.assertEqual(self.sql("SELECT count(*) FROM same_sender"), ["1"])

        # What either of them ends is told no longer.
        stop = self.deployment.kannel.text(canary.Number("250788000541", "250"), "STOP",
                                           "outage-same-stop")
        self.assertEqual(self.deployment.kannel.send(stop).status, 200)
        self.assertEqual(self.show(of["541", 1]["id"])["same_sender"], [])

    def forget(self, reports):
        # The other tests of this run pull reports of one text each.
        for report in reports:
            for table in ("statement", "text", "report"):
                self.sql(f"DELETE FROM {table} WHERE report_id = '{report}'")
