"""People come and go, and the keys of queues with them: no step trusts the desk for a key."""

import json
import pathlib
import re
import subprocess
import unittest

import canary
import system
from kannel import until
from provider import Provider

OPEN_WITH = pathlib.Path(system.binary()).parent / "open_with"
KEY_WRAP, MESSAGE, QUEUE_GRANT = "type-1", "type-2", "type-6"
NOT_THE_OWNER = 2  # why a reply is refused
HEX = re.compile(r"^[0-9a-f]{32}$")


class People(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.folder = self.system.elsewhere("people")
        self.folder.mkdir(mode=0o700)
        self.users = self.system.demo / "users"
        self.custody = self.system.demo / "custody"
        self.texts = 0

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtc", query).stdout.split()

    def ishara(self, *words, refused=None, text=None):
        """What the command prints; or, if it must be refused, what it complains of."""
        done = self.system.ishara(*words, check=False, text=text)
        if refused is None:
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        self.assertNotEqual(done.returncode, 0, f"{words} was not refused")
        self.assertIn(refused, done.stderr)
        return done.stderr

    def as_person(self, key, *words, refused=None, text=None):
        out = self.ishara(*words, "--json", "--key", key, "--passphrase-file",
                          key.with_suffix(".passphrase"), refused=refused, text=text)
        return out if refused else [json.loads(line) for line in out.splitlines()]

    def admin(self, *words, refused=None):
        return self.as_person(self.users / "demo-ngo-admin.key", *words, refused=refused)

    def lead(self, *words, refused=None, text=None):
        return self.as_person(self.users / "demo-ngo-caseworker.key", *words, refused=refused, text=text)

    def signing(self):
        return ("--yes", "--organisation-key", self.custody / "organisation-demo-ngo.key",
                "--organisation-passphrase-file", self.custody / "organisation-demo-ngo.passphrase")

    def decide(self, *words):
        """What an admin signs and a lead confirms."""
        (proposed,) = self.admin(*words, *self.signing())
        self.assertFalse(proposed["in_force"])
        (published,) = self.lead("org", "confirm", "--yes")
        self.assertEqual((published["in_force"], published["version"]), (True, proposed["version"]))
        return published["version"]

    def listed_transfers(self):
        (found,) = self.sql("SELECT encode(bytes, 'hex') FROM roster WHERE issuer ="
                             f" '{self.organisation()}' ORDER BY version DESC LIMIT 1")
        return json.loads(bytes.fromhex(found)).get("transfers", [])

    def enrol(self, name):
        """Somebody new: her id, her key file and the words that she reads to the admin."""
        (invitation,) = self.admin("user", "invite")
        key = self.folder / f"{name}.key"
        done = self.ishara("user", "enrol", "--json", "--user", invitation["user"], "--code",
                           invitation["code"], "--desk", invitation["desk"], "--root-key",
                           invitation["root_key"], "--key", key, "--new-passphrase-file",
                           key.with_suffix(".passphrase"))
        return invitation["user"], key, json.loads(done)["words"]

    def number(self, n):
        number, token = canary.Number(f"2507880194{n:02d}", "250"), canary.random_token()
        self.system.plant([(number, token.letters, token)])
        return number, token

    def report(self, number, token, channel=None):
        """A new report; returns its id."""
        before = set(self.sql("SELECT report_id FROM report"))
        self.text(number, f"the maid next door is never paid {token.letters}", channel)
        (found,) = set(self.sql("SELECT report_id FROM report")) - before
        self.addCleanup(self.forget, found)
        return found.replace("-", "")

    def text(self, number, words, channel=None):
        self.texts += 1
        channel = channel or self.system.kannel
        answer = channel.send(channel.text(number, words, f"people-{self.id()}-{self.texts}"))
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def forget(self, report):
        # The other tests of this run pull reports of one text each.
        for table in ("reply_outbox", "reply_state", "note", "statement", "former_wrap", "text",
                      "report"):
            self.sql(f"DELETE FROM {table} WHERE report_id = '{report}'")

    def organisation(self):
        (shown,) = self.lead("org", "show")
        return next(row["id"] for row in shown["organisations"] if row["name"] == "demo-ngo")

    def queue_key(self, name):
        (shown,) = self.lead("org", "show")
        return next(queue for queue in shown["queues"] if queue["name"] == name)

    def rotate(self, queue, words=None):
        """A new key, which a lead makes and an admin puts into the roster."""
        (next_key,) = self.lead("org", "rotate", queue)
        self.decide("org", "rotate", queue, "--public-key", next_key["public_key"], "--words",
                    next_key["words"])
        self.lead("user", "grant")

    def finish_rotation(self, queue, former, meanwhile=lambda: None):
        """The former key goes as soon as nothing is sealed to it any more, and what was sealed anew
        opens; returns what the lead was told of that."""
        doctor = self.system.ishara("doctor", check=False).stdout
        self.assertRegex(doctor, r"warning +keys +\d+ texts and notes, the oldest of .* UTC, are"
                         f" still sealed to generation {former['generation']} of the queue {queue}")
        key = self.users / "demo-ngo-caseworker.key"
        looked = self.system.ishara("queue", "list", "--key", key, "--passphrase-file",
                                    key.with_suffix(".passphrase"))
        self.assertRegex(looked.stderr, r"\d+ texts? sealed anew for the present key of")
        until(lambda: (self.lead("queue", "list"), self.sealed_to(former["kid"]))[1] == 0,
              "all is sealed anew")
        self.assertNotIn("still sealed to", self.system.ishara("doctor", check=False).stdout)
        self.let_a_week_pass()
        meanwhile()
        compared, forgotten = self.lead("org", "rotate", queue, "--finish")
        self.assertEqual(forgotten["forgotten"], 1)
        self.decide("org", "rotate", queue, "--finish")
        return compared

    def let_a_week_pass(self):
        self.sql(f"UPDATE roster SET since = since - {8 * 24}")

    def of_report(self, report):
        """What the database has of a report and its texts, one envelope a line of hexadecimal."""
        return [row for table in ("report", "text") for column in ("message", "wraps")
                for row in self.envelopes(table, column, f"report_id = '{report}'")]

    def envelopes(self, table, column, which):
        wrap = 2 * 192
        rows = self.sql(f"SELECT encode({column}, 'hex') FROM {table} WHERE {which}")
        return [part for row in rows for part in
                (re.findall(f".{{{wrap}}}", row) if column == "wraps" else [row])]

    def opened(self, key, envelopes):
        """How many envelopes of each type her key opens, and whatever these hold."""
        done = subprocess.run([OPEN_WITH, key], check=True, stdout=subprocess.PIPE, encoding="ascii",
                              input="".join(f"envelope {envelope}\n" for envelope in envelopes))
        found = {what: int(count) for what, count in map(str.split, done.stdout.splitlines())}
        del found["keys"]
        return found

    def sealed_to(self, kid):
        return int(self.sql("SELECT count(*) FROM report WHERE position("
                            f"decode('{kid}', 'hex') IN wraps) > 0")[0])

    def test_a_person_comes_works_and_leaves(self):
        user, key, words = self.enrol("new")
        waiting = {row["user"]: row["has_keys"] for row in self.admin("user", "waiting")}
        self.assertTrue(waiting[user])
        admit = ("user", "admit", user, "--roles", "caseworker", "--queues",
                 "demo-helpers,demo-children", "--words")

        # Words of other keys, and a desk that shows other keys than hers.
        self.admin(*admit, "abacus abdomen abdominal abide abiding ability ablaze able",
                   *self.signing(), refused="these are not the words of the keys that the desk shows")
        (box,) = self.sql(f"SELECT encode(box_pk, 'hex') FROM enrolment WHERE user_id = '{user}'")
        other = "".join(reversed(box))
        for value in (other, box):
            self.sql(f"UPDATE enrolment SET box_pk = decode('{value}', 'hex') WHERE user_id = '{user}'")
            if value == other:
                self.admin(*admit, words, *self.signing(),
                           refused="these are not the words of the keys that the desk shows")

        # It takes two, and a lead hands out the keys.
        (proposed,) = self.admin(*admit, words, *self.signing())
        self.assertFalse(proposed["in_force"])
        self.admin("org", "confirm", "--yes", refused="somebody else confirms it")
        self.as_person(key, "queue", "list", refused="the desk refuses this (401)")
        (published,) = self.lead("org", "confirm", "--yes")
        self.assertTrue(published["in_force"])
        self.assertEqual({row["people"] for row in self.lead("user", "grant")}, {2})

        provider = Provider()
        self.addCleanup(provider.stop)
        channel = provider.channel(self.system, "people")
        number, token = self.number(1)
        report = self.report(number, token, channel)
        self.text(number, "1", channel)
        until(lambda: self.sql("SELECT count(*) FROM retaddr_inbox") == ["0"], "the relay has read the yes")
        (opened,) = self.as_person(key, "queue", "show", report)
        self.assertIn(token.letters, opened["texts"][0]["text"])
        self.as_person(key, "queue", "note", report, text="She sounds afraid.")
        given, given_token = self.number(2)
        other = self.report(given, given_token)
        self.as_person(key, "queue", "refer", other, "demo-children")

        # What she writes while she is there is sent. Somebody keeps her next reply back until she has
        # left, and a copy of what she could open.
        self.as_person(key, "queue", "reply", report, text="We come.")
        until(lambda: provider.texts == [("+" + number.digits, "We come.")], "her reply is sent")
        self.system.relay.stop()
        self.as_person(key, "queue", "reply", report, text="Do not tell anybody.")
        unsent = "WHERE reply_id NOT IN (SELECT reply_id FROM reply_state)"
        self.sql(f"CREATE TABLE kept_back AS SELECT * FROM reply_outbox {unsent}")
        self.addCleanup(self.sql, "DROP TABLE kept_back")
        self.sql(f"DELETE FROM reply_outbox {unsent}")
        self.system.relay.start()
        copy = self.envelopes("qgrant", "envelope", f"user_id = '{user}'")
        texts = len(self.envelopes("text", "message", f"report_id = '{report}'")) + 1
        self.assertEqual(self.opened(key, copy + self.of_report(report)),
                         {KEY_WRAP: texts, MESSAGE: texts, QUEUE_GRANT: 2, "numbers": 0})
        before = self.queue_key("demo-helpers")

        # The desk and the relay hear of it within five seconds.
        (written,) = self.admin("user", "revoke", user, "--out", self.folder / "unused.txt",
                                *self.signing())
        self.assertEqual(sorted(written["needs_new_keys"]), ["demo-children", "demo-helpers"])
        (revoked,) = self.admin("user", "revoke", user, *self.signing())
        self.assertTrue(revoked["in_force"])
        version = revoked["version"]
        self.assertEqual(len(self.listed_transfers()), 1)
        until(lambda: self.system.ishara(
            "queue", "list", "--key", key, "--passphrase-file", key.with_suffix(".passphrase"),
            check=False).returncode != 0, "the desk refuses her", 5)
        seen = self.system.demo / "state/relay.seen"
        until(lambda: f"{self.organisation()} {version}" in seen.read_text(), "the relay knows", 5)
        self.text(number, "are you there", channel)
        self.sql("INSERT INTO reply_outbox SELECT * FROM kept_back")
        until(lambda: [(reply["state"], reply["reason"]) for reply in
                       self.lead("queue", "show", report)[0]["replies"]
                       if reply["state"] != "sent"] == [("refused", NOT_THE_OWNER)],
              "her reply is refused")
        self.assertEqual(len(provider.texts), 1)
        (opened,) = self.lead("queue", "show", report)
        (note,) = [note for note in opened["notes"] if not note["reply"]]
        self.assertEqual((note["text"], note["left"]), ("She sounds afraid.", True))
        (opened,) = self.lead("queue", "show", other)
        self.assertEqual(opened["queue"], "demo-children")
        self.assertEqual(self.sql(f"SELECT count(*) FROM qgrant WHERE user_id = '{user}'"), ["0"])

        # Once the queue has another key she opens nothing that is new with all that she has kept.
        self.rotate("demo-helpers")
        after = self.queue_key("demo-helpers")
        phones = iter(range(10, 40))

        def is_new():
            new = self.report(*self.number(next(phones)))
            return new if any(after["kid"] in row for row in self.of_report(new)) else None
        new = until(is_new, "the gateway seals to the new key", 10)
        self.finish_rotation("demo-helpers", before)
        for each in (new, report):
            self.assertEqual(self.opened(key, copy + self.of_report(each)), {QUEUE_GRANT: 2, "numbers": 0})

        # What she gave away is listed as long as it is there.
        self.forget(other)
        (shown,) = self.lead("org", "show")
        auditor = next(row["id"] for row in shown["members"] if row["roles"] == ["auditor"]
                       and row["organisation"] == self.organisation())
        self.decide("user", "change", auditor, "--roles", "auditor,admin")
        # To take away one is enough.
        (changed,) = self.admin("user", "change", auditor, "--roles", "auditor", *self.signing())
        self.assertTrue(changed["in_force"])
        self.assertEqual(self.listed_transfers(), [])

    def test_a_queue_gets_a_new_key_and_the_recovery_key_opens_it(self):
        numbers = [self.number(n) for n in (3, 4)]
        old = self.report(*numbers[0])
        before = self.queue_key("demo-helpers")
        (next_key,) = self.lead("org", "rotate", "demo-helpers")
        self.assertEqual((next_key,), tuple(self.lead("org", "rotate", "demo-helpers")))
        rotate = ("org", "rotate", "demo-helpers", "--public-key", next_key["public_key"], "--words")
        self.admin(*rotate, "abacus abdomen abdominal abide abiding ability ablaze able",
                   *self.signing(), refused="these are not the words of this key")
        (proposed,) = self.admin(*rotate, next_key["words"], *self.signing())

        # A desk that takes her grant of it and has none afterwards: her only copy stays. Else it is
        # handed out as soon as it is in force.
        waiting = self.users / "demo-ngo-caseworker.key.demo-helpers.next"
        self.sql("CREATE FUNCTION loses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        self.sql("CREATE TRIGGER loses BEFORE INSERT ON qgrant FOR EACH ROW"
                 f" WHEN (NEW.generation = {before['generation'] + 1}) EXECUTE FUNCTION loses()")
        try:
            self.lead("org", "confirm", "--yes", refused="does not give it back")
        finally:
            self.sql("DROP TRIGGER loses ON qgrant")
            self.sql("DROP FUNCTION loses")
        self.assertTrue(waiting.exists())
        after = self.queue_key("demo-helpers")
        self.assertEqual((after["generation"], after["earlier"]),
                         (before["generation"] + 1, [before["generation"]]))
        self.lead("user", "grant")
        self.assertFalse(waiting.exists())

        # What is new is sealed to the new key alone, once the gateway has heard of it.
        def is_new():
            was = self.sealed_to(before["kid"])
            self.report(*numbers[1])
            return self.sealed_to(before["kid"]) == was and self.sealed_to(after["kid"]) > 0
        until(is_new, "the gateway seals to the new key", 10)

        # For a week a gateway may bring texts for the former key that it has spooled.
        self.lead("org", "rotate", "demo-helpers", "--finish", refused="forget it from 2")
        self.let_a_week_pass()

        # What is old is sealed anew at the next look; until then nothing can be forgotten.
        self.assertGreater(self.sealed_to(before["kid"]), 0)
        self.lead("org", "rotate", "demo-helpers", "--finish",
                  refused="Texts are still sealed to that generation")
        (shown,) = self.lead("org", "show")
        colleague = next(row["id"] for row in shown["members"] if row["roles"] == ["auditor"]
                         and row["organisation"] == self.organisation())

        # What a colleague's client could have put there: the header of a wrap, and nothing in it.
        def spoil():
            self.sql("UPDATE report SET wraps = overlay(wraps PLACING '\\x0000000000000000' FROM 185)"
                     f" WHERE report_id = '{old}'")
            self.sql(f"UPDATE former_wrap SET user_id = '{colleague}' WHERE report_id = '{old}'")
            opened = self.lead("queue", "show", old)
            self.assertNotIn(numbers[0][1].letters, json.dumps(opened))
        compared = self.finish_rotation("demo-helpers", before, spoil)
        self.assertEqual((compared["mended"], compared["unopened"]),
                         ([{"user": colleague, "texts": 1}], 0))
        self.assertEqual(self.sql("SELECT encode(substr(entry, 41, 16), 'hex') FROM audit"
                                  " WHERE get_byte(entry, 3) = 71"), [colleague])
        self.assertEqual(self.sql("SELECT count(*) FROM former_wrap"), ["0"])
        self.assertEqual(self.queue_key("demo-helpers")["earlier"], [])
        (opened,) = self.lead("queue", "show", old)
        self.assertIn(numbers[0][1].letters, opened["texts"][0]["text"])

        # Another recovery key, on sheets; then nobody has the keys of the queues any more.
        organisation = self.organisation()
        made = json.loads(self.ishara("key", "make", "recovery", "--name", "demo-ngo", "--id",
                                      organisation, "--sheets", self.folder, "--json"))
        self.decide("org", "recovery", "--public-key", made["box_pk"], "--words", made["words"])
        self.lead("user", "grant")
        # A new key whose lead loses her disk before it is in force.
        (lost,) = self.lead("org", "rotate", "demo-children")
        self.admin("org", "rotate", "demo-children", "--public-key", lost["public_key"], "--words",
                   lost["words"], *self.signing())
        (self.users / "demo-ngo-caseworker.key.demo-children.next").unlink()
        self.lead("org", "confirm", "--yes")
        self.lead("user", "grant", "demo-children", refused="you do not have the present key")
        (shown,) = self.lead("org", "show")
        people = [member["id"] for member in shown["members"] if member["organisation"] == organisation]

        def lose_the_keys():
            for person in people:
                self.sql(f"DELETE FROM qgrant WHERE user_id = '{person}'")
            self.lead("queue", "show", old, refused="ask a lead of the queue to grant you its key")

        lose_the_keys()
        self.lead("user", "grant", "demo-helpers", refused="you do not have the present key")
        self.lead("org", "recover", "--recovery-key", self.custody / "recovery-demo-ngo.key",
                  "--recovery-passphrase-file", self.custody / "recovery-demo-ngo.passphrase",
                  refused="this is not the recovery key")
        sheet = {letter: ("--sheet", self.folder / f"recovery-sheet-{letter}.txt") for letter in "ABC"}
        for letter in "ABC":
            self.lead("org", "recover", *sheet[letter], *sheet[letter],
                      refused="take sheets with different letters")
        self.lead("queue", "show", old, refused="ask a lead of the queue to grant you its key")
        for left, right in ("AB", "BC", "CA"):
            with self.subTest(sheets=left + right):
                lose_the_keys()
                (recovered,) = self.lead("org", "recover", *sheet[left], *sheet[right])
                self.assertEqual(recovered["queues"], ["demo-children", "demo-helpers"])
                (opened,) = self.lead("queue", "show", old)
                self.assertIn(numbers[0][1].letters, opened["texts"][0]["text"])
        self.lead("user", "grant")

    def test_rosters_that_are_altered_older_or_foreign_are_refused_and_work_goes_on(self):
        rosters = self.folder / "rosters.txt"
        self.lead("org", "show", "--file", rosters)
        self.lead("org", "show", "--file", rosters, refused="the file exists already")
        self.assertEqual(json.loads(self.ishara("org", "import", rosters, "--json")), {"imported": []})
        user, _, words = self.enrol("another")
        self.decide("user", "admit", user, "--roles", "auditor", "--words", words)
        before = self.sql("SELECT issuer, max(version) FROM roster GROUP BY issuer ORDER BY 1")
        self.ishara("org", "import", rosters, refused="is older than the one in force")

        # One byte of what is signed.
        altered = self.folder / "altered.txt"
        fresh = self.folder / "fresh.txt"
        self.lead("org", "show", "--file", fresh)
        lines = fresh.read_text().splitlines(keepends=True)
        lines[-1] = lines[-1].replace("roster ey", "roster eW")
        altered.write_text("".join(lines))
        self.ishara("org", "import", altered, refused="signed neither with this root key")
        altered.write_text(fresh.read_text()[:-9])
        self.ishara("org", "import", altered, refused="is no file of rosters, or it was cut")

        # A root roster of somebody else's root key.
        made = json.loads(self.ishara("key", "make", "root", "--name", "other", "--sheets", self.folder, "--json"))
        self.assertRegex(made["id"], HEX)
        foreign = self.folder / "foreign.txt"
        request = self.folder / "services.request"
        request.write_text(json.dumps({"services": [{"use": "gateway", "pk": "ab" * 32}]}))
        self.ishara("org", "root", "--sheet", self.folder / "root-sheet-A.txt", "--sheet",
                    self.folder / "root-sheet-C.txt", "--services", request, "--out", foreign, "--yes")
        self.ishara("org", "import", foreign, refused="signed neither with this root key")

        # What is right but not the next one; and the next one with a bad one comes in not at all.
        root = ("org", "root", "--root-key", self.custody / "root.key", "--root-passphrase-file",
                self.custody / "root.passphrase", "--yes", "--services", request, "--rosters")
        second, third = self.folder / "second.txt", self.folder / "third.txt"
        self.ishara(*root, fresh, "--out", second)
        request.write_text(json.dumps({"services": [{"use": "relay", "pk": "cd" * 32}]}))
        self.ishara(*root, second, "--out", third)
        self.ishara("org", "import", second, foreign, refused="signed neither with this root key")
        self.ishara("org", "import", second, "--json", refused="say --yes with it")
        self.assertEqual(self.sql("SELECT issuer, max(version) FROM roster GROUP BY issuer ORDER BY 1"), before)

        number, token = self.number(5)
        report = self.report(number, token)
        (opened,) = self.lead("queue", "show", report)
        self.assertIn(token.letters, opened["texts"][0]["text"])
        imported = json.loads(self.ishara("org", "import", second, "--json", "--yes"))
        self.assertEqual([row["issuer"] for row in imported["imported"]], ["0" * 32])
        shown = self.ishara("org", "import", third, "--yes")
        self.assertRegex(shown, "relay key [0-9a-f]{32} is new, in words: ([a-z]+ ){7}[a-z]+\n")
        self.assertEqual(self.system.readiness(), "ok")
        self.text(number, "she is still there", None)


if __name__ == "__main__":
    unittest.main()
