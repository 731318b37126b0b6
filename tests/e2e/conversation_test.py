"""A whole conversation over a real Kannel: a phone, a caseworker who never learns its number."""

import datetime
import json
import re
import time
import unittest

import canary
import kannel
import system

ACK = re.compile(r"^Message received\. Ref ([2-9][0-9]{9})\. OK to write to this phone\?")
WAITING, SENT, KEPT = 1, 3, 5  # storage::ReplyState
NO_NUMBER, NO_WINDOW = 12, 16  # relay::Verdict


class Phone:
    def __init__(self, phones, number):
        self.phones, self.number, self.seen = phones, number, 0

    def send(self, text):
        self.phones.send("+" + self.number.digits, "2020", text)

    def lines(self):
        return [text for _, text in (self.phones.answers[self.number.digits]
                                     + self.phones.answers["+" + self.number.digits])]

    def hears(self, what, seconds=30):
        """The next line that it gets."""
        kannel.until(lambda: len(self.lines()) > self.seen, what, seconds)
        self.seen += 1
        return self.lines()[self.seen - 1]


class Conversation(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.kannel = kannel.Kannel(self.system.elsewhere("kannel"), self.system.kannel.url,
                                    sendsms=self.system.sendsms)
        self.addCleanup(self.kannel.stop)
        self.phones = kannel.Phones(self.kannel.port)
        self.addCleanup(self.phones.close)

    def phone(self, n):
        number, self.token = canary.Number(f"2507880170{n:02d}", "250"), canary.random_token()
        self.system.plant([(number, self.token)])
        return Phone(self.phones, number)

    def sql(self, query):
        return canary.run(self.system.psql, query).decode().strip()

    def relays_met(self):
        """How often the gateway has connected to a relay."""
        return self.system.gateway.log.read_text().count(" relay_connected")

    def relay_has_read(self):
        kannel.until(lambda: self.sql("SELECT count(*) FROM retaddr_inbox") == "0",
                     "the relay has read its inbox")

    def pull(self, token):
        """The caseworker who gets the report with this token, and the report."""
        for key in sorted((self.system.demo / "users").glob("*-caseworker.key")):
            self.key = key
            while (report := json.loads(self.queue("pull", "--json"))) is not None:
                if token.letters in report["texts"][0]["text"]:
                    return report
        raise AssertionError("nobody has got the report")

    def queue(self, *words, text=None):
        return self.system.ishara("queue", *words, "--key", self.key, "--passphrase-file",
                                  self.key.with_suffix(".passphrase"), text=text).stdout

    def reply(self, report, text):
        known = self.replies(report)
        self.queue("reply", report["id"], text=text)
        return kannel.until(lambda: set(self.replies(report)) - set(known),
                            "the relay has looked at the reply").pop()

    def replies(self, report):
        rows = self.sql("SELECT reply_id, state, reason FROM reply_state"
                        f" WHERE report_id = '{report['id']}'").splitlines()
        return {row.split("|")[0]: tuple(map(int, row.split("|")[1:])) for row in rows}

    def texts(self, report, count):
        """The texts of the report, as its caseworker opens them, when there are so many."""
        sql = f"SELECT count(*) + 1 FROM text WHERE report_id = '{report['id']}'"
        kannel.until(lambda: int(self.sql(sql)) >= count, "the texts have joined the report")
        shown = json.loads(self.queue("show", report["id"], "--json"))
        return [text["text"] for text in shown["texts"]]

    def test_a_question_waits_for_a_window_arrives_once_and_its_answer_joins_the_report(self):
        phone = self.phone(1)
        first = f"they took my passport {self.token.letters}"
        phone.send(first)
        ref = ACK.match(phone.hears("the acknowledgement")).group(1)
        phone.send("1")
        self.assertTrue(phone.hears("the next question").startswith("Thank you."))
        self.relay_has_read()
        report = self.pull(self.token)

        # Windows live in the relay's memory: a new relay has none open.
        known = self.relays_met()
        self.system.relay.stop()
        self.system.relay.start()
        kannel.until(lambda: self.relays_met() > known, "the gateway has found the new relay")
        question = self.reply(report, "Can you say which street?")
        self.assertEqual(self.replies(report)[question], (WAITING, NO_WINDOW))
        self.assertEqual(len(phone.lines()), 2)

        place = f"near the old market {self.token.letters}"
        phone.send(place)
        heard = sorted([phone.hears("an answer"), phone.hears("the question")])
        self.assertIn("Can you say which street?", heard[0] + heard[1])
        kannel.until(lambda: self.replies(report)[question][0] == SENT, "the question is sent")
        self.assertCountEqual(self.texts(report, 3), [first, "1", place])

        phone.send("STOP")
        kannel.until(lambda: self.sql("SELECT count(*) FROM thread WHERE kind = 'n' AND"
                                      f" report_id = '{report['id']}'") == "0",
                     "the relay has forgotten the number")
        late = self.reply(report, "Are you there?")
        self.assertEqual(self.replies(report)[late], (KEPT, NO_NUMBER))

        # Nothing more has come, and what waits can be fetched by whoever has the ref.
        other = self.phone(2)
        other.send(f"STATUS {ref}")
        self.assertIn("Are you there?", other.hears("what waits"))
        self.assertEqual(len(phone.lines()), 4)

    def test_an_hour_later_nothing_shows_and_the_text_joins_unverified(self):
        phone = self.phone(3)
        first = f"they took my passport {self.token.letters}"
        phone.send(first)
        line = phone.hears("the acknowledgement")
        self.relay_has_read()
        # A sitting ends with its gateway too.
        self.system.gateway.stop()
        self.system.gateway.start()
        phone.send("and they do not pay us")
        again = phone.hears("the acknowledgement of the second sitting", 90)
        self.assertEqual(ACK.sub("", line), ACK.sub("", again))
        self.assertNotEqual(ACK.match(line).group(1), ACK.match(again).group(1))
        report = self.pull(self.token)
        self.assertEqual([text["text"] for text in report["texts"]],
                         [first, "and they do not pay us"])

    def test_delete_takes_the_report_back_at_once_and_by_number_alone_hides_it(self):
        phone = self.phone(4)
        phone.send(f"they took my passport {self.token.letters}")
        phone.hears("the acknowledgement")
        phone.send("near the old market")
        report = self.pull(self.token)
        self.texts(report, 2)
        self.queue("note", report["id"], text="call her sister")
        self.assertEqual(self.content(report), "1|1|1")
        phone.send("DELETE")
        kannel.until(lambda: self.content(report) == "0|0|0", "all of the report is gone", 60)
        kannel.until(lambda: "Done." in phone.lines()[-1], "the phone is told so")
        gone = self.show(report)
        self.assertIn("has taken this report back", gone.stderr)
        self.assertIn("Do not go on with it.", gone.stderr)

        # Whoever has the phone an hour later may be somebody else.
        phone = self.phone(5)
        phone.send(f"they hold us here {self.token.letters}")
        phone.hears("the acknowledgement")
        self.relay_has_read()
        report = self.pull(self.token)
        self.system.gateway.stop()
        self.system.gateway.start()
        phone.send("DELETE")
        self.assertEqual(phone.hears("the answer", 90), "Done. Removed.")
        hidden = f"SELECT hidden_until FROM report WHERE report_id = '{report['id']}'"
        until = int(kannel.until(lambda: self.sql(hidden), "the report is hidden", 60))
        self.assertIn(until - 72 - int(time.time()) // 3600, (-1, 0))
        self.assertEqual(self.content(report), "1|0|0")
        self.assertIn("has taken this report back", self.show(report).stderr)

        # A lead sees that it is there and no more, and keeps it, hidden as it is.
        line = f"{report['id']}  {report['queue']}  withdrawn by number, "
        self.assertRegex(self.queue("list"), re.escape(line) + "deleted in 7[12] h unless held\n")
        self.assertIn("It stays hidden", self.queue("hold", report["id"]))
        self.assertIn(line + "held, and stays hidden\n", self.queue("list", report["queue"]))
        self.assertEqual(self.sql(hidden), str(until))
        self.assertIn("has taken this report back", self.show(report).stderr)

    def test_who_is_in_danger_is_told_a_verified_line_that_is_open_and_no_other(self):
        def answer(text, channel=None):
            number = canary.Number(f"2507880170{self.next_number:02d}", "250")
            self.next_number += 1
            token = canary.random_token()
            self.system.plant([(number, token)])
            channel = channel or self.system.kannel
            answer = channel.send(channel.text(number, f"{text} {token.letters}", token.letters))
            self.assertEqual(answer.status, 200)
            return answer.body.decode()
        self.next_number = 6
        told = {
            "in Nyamata they lock us in and beat us": "000222",  # of the east
            "they lock us in and beat us": "000111",             # of the country
            "in Musanze they lock us in and beat us": "000111",  # nobody has verified that of the north
            "in Rubavu they lock us in and beat us": "000111",   # that of the west is closed
            "I want to die": "000999",                           # the crisis line
            "i Nyamata badufungiranye mu nzu, mutabare": "000222"}
        for text, number in told.items():
            with self.subTest(text=text):
                self.assertIn(number, answer(text))
        # In Kenya there is one line alone, and nobody has verified it.
        self.assertRegex(answer("they lock us in and beat us", self.system.kenya),
                         r"^Message received and put first\. Ref [2-9][0-9]{9}\.$")

        # Somebody calls the line of the north and writes it down; a mistake changes nothing.
        pack, lines = self.system.folder / "rw-demo", self.system.folder / "rw-demo/helplines.csv"
        written = lines.read_text()
        lines.write_text(written.replace("2020-01-31", "31.1.2020", 1))
        refused = self.put_in_use(pack, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("helplines.csv:6:38: a date is written 2026-11-30", refused.stderr)
        self.assertIn("nothing was changed", refused.stderr)
        loaded = self.tables_learnt()
        lines.write_text(written.replace("2020-01-31", str(datetime.date.today()), 1))
        self.assertRegex(self.put_in_use(pack).stdout, r"^version [0-9]+ is in use$")
        kannel.until(lambda: self.tables_learnt() > loaded, "the gateway has learnt of it")
        self.assertIn("000333", answer("in Musanze they lock us in and beat us"))
        self.assertRegex(self.system.ishara("doctor", check=False).stdout,
                         r"warning +helplines +rw-demo/helplines\.csv:7: nobody has verified")

    def put_in_use(self, pack, **how):
        return self.system.ishara("pack", "import", pack, "--who", "amina", "--why", "called it",
                                  **how)

    def tables_learnt(self):
        return self.system.gateway.log.read_text().count(" knowledge_loaded")

    def test_a_name_of_several_places_is_asked_about_and_the_answer_goes_to_the_caseworker(self):
        number, token = canary.Number("250788017020", "250"), canary.random_token()
        self.system.plant([(number, token)])
        channel = self.system.kannel

        def answer(text):
            return channel.send(channel.text(number, text, canary.random_token().letters)).body.decode()
        self.assertRegex(answer(f"they took my passport in Remera {token.letters}"), ACK)
        self.assertEqual(answer("1"), "Which place? 1 Kigali 2 Eastern Province 3 Northern Province 0 Other")
        self.assertTrue(answer("2").startswith("Who may read it?"))
        report = self.pull(token)
        # Texts of one minute come in any order.
        first, said = (next(text for text in report["texts"] if words in text["text"])
                       for words in (token.letters, "2"))
        self.assertEqual(first["candidates"], ["RW-01.gasabo.remera", "RW-02", "RW-03.musanze.remera"])
        self.assertEqual((said["region"], said["candidates"]), ("RW-02", []))
        self.assertIn("RW  perhaps RW-01.gasabo.remera or RW-02 or RW-03.musanze.remera",
                      self.queue("show", report["id"]))

    def content(self, report):
        """How many rows of a report, its texts and its notes there are."""
        return self.sql("SELECT " + ", ".join(
            f"(SELECT count(*) FROM {table} WHERE report_id = '{report['id']}')"
            for table in ("report", "text", "note")))

    def show(self, report):
        return self.system.ishara("queue", "show", report["id"], "--key", self.key,
                                  "--passphrase-file", self.key.with_suffix(".passphrase"),
                                  check=False)
