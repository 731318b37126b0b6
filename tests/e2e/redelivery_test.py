"""Providers deliver a message again when they are in doubt: it stays one report."""

import threading
import unittest

import canary
import system
from kannel import until


class Redelivery(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.channel = self.system.kannel
        self.before = self.system.report_count()

    def message(self, n):
        number, token = canary.Number(f"2507880090{n:02d}", "250"), canary.random_token()
        self.system.plant([(number, token.letters, token)])
        return self.channel.text(number, f"again {token.letters}", f"redelivery-{n}")

    def new_reports(self):
        return self.system.report_count() - self.before

    def test_the_same_webhook_twice_is_one_report_and_one_answer(self):
        request = self.message(1)
        first, second = self.channel.send(request), self.channel.send(request)
        self.assertEqual(first.status, 200)
        self.assertEqual((first.status, first.body), (second.status, second.body))
        self.assertEqual(self.new_reports(), 1)

    def test_ten_at_once_are_one_report(self):
        request = self.message(2)
        together = threading.Barrier(10)
        answers = []

        def deliver():
            together.wait()
            answers.append(self.channel.send(request))

        threads = [threading.Thread(target=deliver) for _ in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual([answer.status for answer in answers], [200] * 10)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(self.new_reports(), 1)

    def test_after_a_restart_it_is_still_one_report(self):
        request = self.message(3)
        self.channel.send(request)
        self.system.gateway.stop()
        self.system.gateway.start()
        second = self.channel.send(request)
        # What the first answer was is forgotten with the sitting, its ref too.
        self.assertEqual((second.status, second.body),
                         (200, b"Message received. You can write again at any time."))
        self.assertEqual(self.new_reports(), 1)

    def test_another_message_id_is_another_report(self):
        one, other = self.message(4), self.message(5)
        self.assertEqual([self.channel.send(one).status, self.channel.send(other).status], [200] * 2)
        self.assertEqual(self.new_reports(), 2)

    def test_hashes_older_than_two_days_are_forgotten_and_younger_ones_kept(self):
        def count(condition):
            sql = f"SELECT count(*) FROM dedupe WHERE {condition}"
            return int(canary.run(self.system.psql, sql).decode())

        kept = count("day > 1")
        canary.run(self.system.psql,
                   "INSERT INTO dedupe SELECT gen_random_uuid(), 1, 0 FROM generate_series(1, 2500)")
        self.system.gateway.stop()
        self.system.gateway.start()  # the chores begin at once, then go on every minute
        until(lambda: count("day = 1") == 0, "the old hashes are gone")
        self.assertEqual(count("day > 1"), kept)
