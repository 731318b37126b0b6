"""A phone, a real Kannel, the gateway, a caseworker: every text arrives as it was written."""

import contextlib
import re
import unittest
from collections import Counter

import kannel
import system
import texts

def first_answers():
    """The first answers of a sitting, in the language of a text or of its channel. The group is the
    ref, which is each one's own."""
    lines = set()
    for catalogue in (system.ROOT / "i18n/packs").glob("*/messages.po"):
        for answer in ("ack.first", "ack.urgent", "ack.urgent.place"):
            lines.add(re.search(rf'^msgctxt "{re.escape(answer)}"\nmsgid .*\nmsgstr "(.+)"$',
                                catalogue.read_text(), re.M).group(1))
    return [re.compile(re.escape(line).replace(r"\{ref\}", "([2-9][0-9]{9})")
                       .replace(r"\{tel\}", "000[0-9]{3}")) for line in lines]


class Kannel(unittest.TestCase):
    def setUp(self):
        system.shared().take_all()  # what other tests have left

    def texts_arrive(self, rows, service, channel, during=lambda *_: contextlib.nullcontext(),
                     joins=True):
        deployment = system.shared()
        deployment.plant(rows)
        gateway = kannel.Kannel(deployment.elsewhere("kannel"), channel.url, service, joins=joins)
        self.addCleanup(gateway.stop)
        phones = kannel.Phones(gateway.port)
        self.addCleanup(phones.close)

        with during(gateway, phones):
            for n, (number, text, _) in enumerate(rows):
                phone = number.digits if n % 2 else "+" + number.digits
                phones.send(phone, "2020", text, binary=joins and n % 7 == 0)
        kannel.until(lambda: len(phones.answers) == len(rows), "every phone has got an answer", 60)

        received = Counter(deployment.take_all())
        self.assertEqual(received - Counter(text for _, text, _ in rows), Counter())
        self.assertEqual(Counter(text for _, text, _ in rows) - received, Counter())
        # Exactly one line a phone, and it is the gateway's own answer, not one of Kannel's texts.
        known, refs = first_answers(), set()
        for number, _, _ in rows:
            lines = phones.answers[number.digits] + phones.answers["+" + number.digits]
            self.assertEqual(len(lines), 1)
            kind, line = lines[0]
            (match,) = filter(None, (answer.fullmatch(line) for answer in known))
            self.assertEqual(kind, "text" if set(line) <= kannel.GSM_BASIC else "ucs-2")
            refs.add(match.group(1))
        self.assertEqual(len(refs), len(rows), "every report has a ref of its own")

    def test_500_texts_by_post_come_out_of_the_queue_byte_for_byte(self):
        self.texts_arrive(texts.make(500, seed=1), kannel.BY_POST, system.shared().kannel)

    def test_texts_by_get_do_too(self):
        self.texts_arrive(texts.make(60, seed=2), kannel.BY_GET, system.shared().kannel_by_get)

    def test_long_texts_whose_parts_nobody_joined_arrive_whole(self):
        rows = [row for row in texts.make(500, seed=5) if len(kannel.gsm_parts(row[1])) > 1
                and set(row[1]) <= kannel.GSM_BASIC | kannel.GSM_EXTENDED - {"\n"}]
        self.assertGreater(len(rows), 20)
        half = len(rows) // 2
        self.texts_arrive(rows[:half], kannel.BY_POST, system.shared().kannel, joins=False)
        self.texts_arrive(rows[half:], kannel.BY_GET, system.shared().kannel_by_get, joins=False)

    def test_texts_sent_while_the_gateway_is_away_arrive_once_when_it_is_back(self):
        deployment = system.shared()

        @contextlib.contextmanager
        def away(gateway, phones):
            deployment.gateway.stop()
            try:
                yield
                kannel.until(lambda: gateway.retries() >= 2, "smsbox has offered them again", 60)
                self.assertEqual(dict(phones.answers), {})
            finally:
                deployment.gateway.start()

        self.texts_arrive(texts.make(2, 3), kannel.BY_POST, deployment.kannel, away)

    def test_texts_sent_while_postgres_is_away_are_answered_and_arrive_once_when_it_is_back(self):
        deployment = system.shared()

        @contextlib.contextmanager
        def away(gateway, phones):
            deployment.postgres("stop")
            try:
                yield
                kannel.until(lambda: len(phones.answers) == 2, "both phones have an answer", 60)
                self.assertEqual(gateway.retries(), 0)
            finally:
                deployment.postgres("start")
            kannel.until(lambda: deployment.readiness() == "ok", "the spool is empty")

        self.texts_arrive(texts.make(2, 4), kannel.BY_POST, deployment.kannel, away)
