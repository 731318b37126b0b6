"""The audit of what the other tests did, and one report, verified with nothing but the root key."""

import json
import pathlib
import re
import tempfile
import unittest

import canary
import system
from kannel import until


class Audit(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.root = re.search(r'root_public_key = "([0-9a-f]{64})"',
                              self.system.configuration.read_text())[1]
        self.users = self.system.demo / "users"
        empty = tempfile.TemporaryDirectory(dir=self.system.base)
        self.addCleanup(empty.cleanup)
        self.empty = pathlib.Path(empty.name)

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtc", query).stdout.strip()

    def as_user(self, name, *arguments, check=True):
        key = self.users / f"{name}.key"
        return self.system.ishara(*arguments, "--key", key, "--passphrase-file",
                                  key.with_suffix(".passphrase"), check=check)

    def verify(self, content, *more, root=None):
        """In an empty folder, with an empty environment."""
        (self.empty / "the.export").write_bytes(content)
        done = system.run(system.binary(), "audit", "verify", "the.export", "--json", "--root-key",
                          root or self.root, *more, cwd=self.empty, env={}, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, 0 if lines and lines[-1]["good"] else 1, done.stderr)
        return lines

    def every_flip_fails(self, content, count):
        for place in range(0, len(content), max(1, len(content) // count)):
            with self.subTest(place=place):
                flipped = bytearray(content)
                flipped[place] ^= 1
                (verdict,) = self.verify(bytes(flipped))
                self.assertFalse(verdict["good"])
                self.assertTrue(verdict["reason"])

    def test_the_chain_holds_on_a_clean_machine_and_an_altered_one_is_named(self):
        # A relay that starts signs for all that there is.
        self.system.relay.stop()
        until(lambda: self.sql("SELECT count(*) FROM audit") != "0", "the desk has told something")
        self.system.relay.start()
        until(lambda: self.sql("SELECT coalesce(max(seq), 0) FROM checkpoint") ==
              self.sql("SELECT max(seq) FROM audit"), "the relay has signed for the chain")
        vouched = int(self.sql("SELECT max(seq) FROM audit"))

        file = self.system.elsewhere("audit.export")
        self.as_user("demo-ngo-auditor", "audit", "export", file)
        content = file.read_bytes()
        *entries, verdict = self.verify(content, "--entries", "--seen", "seen")
        self.assertTrue(verdict["good"])
        self.assertGreaterEqual(verdict["vouched"], vouched)
        self.assertEqual([entry["seq"] for entry in entries], list(range(1, verdict["last"] + 1)))
        actions = {entry["action"] for entry in entries}
        self.assertLessEqual({"start", "epoch_created", "open", "history", "read_audit"},
                             actions)
        self.assertNotIn("unknown", actions)
        # From where somebody acted is known, and from where a service did is not.
        by_people = [entry for entry in entries
                     if entry["action"] in ("list", "pull", "open", "history", "read_audit")]
        self.assertIn("pull", {entry["action"] for entry in by_people})
        self.assertEqual({entry.get("address") for entry in by_people}, {"127.0.0.1"})
        self.assertFalse([entry for entry in entries
                          if entry["action"] in ("start", "epoch_created") and "address" in entry])
        self.every_flip_fails(content, 60)
        self.assertFalse(self.verify(content, root="00" * 32)[-1]["good"])

        # Who writes the database changes one entry, and then all that follow it.
        victim = vouched // 2
        before = self.sql(f"SELECT entry FROM audit WHERE seq = {victim}")
        self.sql(f"UPDATE audit SET entry = set_byte(entry, 50, get_byte(entry, 50) # 1)"
                 f" WHERE seq = {victim}")
        try:
            spoilt = self.system.elsewhere("spoilt.export")
            done = self.as_user("demo-ngo-auditor", "audit", "export", spoilt, "--json", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(json.loads(done.stdout)["entry"], victim)
            (verdict,) = self.verify(spoilt.read_bytes())
            self.assertEqual(verdict["entry"], victim)
        finally:
            self.sql(f"UPDATE audit SET entry = '{before}' WHERE seq = {victim}")

        # An address that somebody has removed before its time is missed; an admin is shown none.
        victim, origin = self.sql("SELECT seq || ' ' || encode(origin, 'hex') FROM audit_origin"
                                  " ORDER BY seq LIMIT 1").split()
        self.sql(f"DELETE FROM audit_origin WHERE seq = {victim}")
        try:
            robbed = self.system.elsewhere("robbed.export")
            done = self.as_user("demo-ngo-auditor", "audit", "export", robbed, "--json", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(json.loads(done.stdout)["entry"], int(victim))
            (verdict,) = self.verify(robbed.read_bytes())
            self.assertEqual(verdict["entry"], int(victim))
            self.assertIn("address", verdict["reason"])
        finally:
            self.sql(f"INSERT INTO audit_origin VALUES ({victim}, decode('{origin}', 'hex'))")
        file = self.system.elsewhere("admin.export")
        self.as_user("demo-ngo-admin", "audit", "export", file)
        *entries, verdict = self.verify(file.read_bytes(), "--entries")
        self.assertTrue(verdict["good"] and verdict["addresses_withheld"])
        self.assertFalse([entry for entry in entries if entry.get("address")])
        self.assertEqual({len(line.split()) for line in file.read_text().splitlines()
                          if line.startswith("entry")}, {3})

        # A chain that ends before what was seen is none.
        lines = content.decode().splitlines()
        kept = [line for line in lines if line.startswith(("ishara", "roster"))]
        first = next(line for line in lines if line.startswith("checkpoint"))
        kept += lines[len(kept):lines.index(first) + 1]
        cut = "\n".join([*kept, f"end {len(kept)}", ""]).encode()
        self.assertTrue(self.verify(cut)[-1]["good"])
        self.assertFalse(self.verify(cut, "--seen", "seen")[-1]["good"])

        # Not for everybody.
        denied = self.as_user("demo-ngo-caseworker", "audit", "export",
                              self.system.elsewhere("denied.export"), check=False)
        self.assertEqual(denied.returncode, 1)

    def test_one_report_is_shown_to_a_third_party_as_it_was_received(self):
        token = canary.random_token()
        number = canary.Number("250788009301", "250")
        self.system.plant([(number, token.letters, token)])
        words = f"she may not leave the house {token.letters}"
        before = set(self.sql("SELECT report_id FROM report").split())
        self.assertEqual(
            self.system.kannel.send(self.system.kannel.text(number, words, "audit-1")).status, 200)
        (report,) = set(self.sql("SELECT report_id FROM report").split()) - before
        report = report.replace("-", "")
        self.addCleanup(self.sql, f"DELETE FROM report WHERE report_id = '{report}'")

        file = self.system.elsewhere("report.export")
        for key in sorted(self.users.glob("*-caseworker.key")):
            if self.as_user(key.stem, "queue", "export", report, file, check=False).returncode == 0:
                break
        pulled = json.loads(self.as_user(key.stem, "queue", "pull", "--json").stdout)
        self.as_user(key.stem, "queue", "release", pulled["id"])
        content = file.read_bytes()
        (shown,) = self.verify(content)
        self.assertEqual(shown["text"], words)
        self.assertEqual(shown["id"], report)
        self.every_flip_fails(content, 60)
        exported = self.sql("SELECT count(*) FROM audit WHERE get_byte(entry, 3) = 15"
                            f" AND substr(entry, 41, 16) = decode('{report}', 'hex')")
        self.assertEqual(exported, "1")
