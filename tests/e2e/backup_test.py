"""A backup of the running deployment: sealed, proved by the drill, and a report opened from it."""

import hashlib
import json
import os
import pathlib
import re
import tempfile
import unittest

import canary
import system
from kannel import free_ports


class Backup(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        # Away from the deployment, as the secret key is: what lies here is not looked through.
        away = tempfile.TemporaryDirectory(dir=self.system.base)
        self.addCleanup(away.cleanup)
        self.away = pathlib.Path(away.name)
        self.backups = self.system.folder / "backups"
        self.backups.mkdir(exist_ok=True)
        self.root = re.search(r'root_public_key = "([0-9a-f]{64})"',
                              self.system.configuration.read_text())[1]

    def sql(self, query, database="ishara"):
        url = self.system.database_url("postgres").replace("/ishara?", f"/{database}?")
        return system.run("psql", "-d", url, "-XAtc", query).stdout.strip()

    def send(self, words, message_id):
        token = canary.random_token()
        number = canary.Number("250788009401", "250")
        self.system.plant([(number, token.letters, token)])
        words = f"{words} {token.letters}"
        text = self.system.kannel.text(number, words, message_id)
        self.assertEqual(self.system.kannel.send(text).status, 200)
        return words

    def make(self):
        """The configuration of a server that makes backups, and one that it has made."""
        secret = self.away / "secret.key"
        made = json.loads(self.system.ishara("backup", "key", "--out", secret, "--json").stdout)
        content = self.system.configuration.read_text()
        url = self.system.database_url("ishara_backup")
        content = content.replace("[database]\n", f'[database]\nbackup_url = "{url}"\n')
        content += f'\n[backup]\npublic_key = "{made["public_key"]}"\n'
        configuration = self.system.demo / "backup.toml"
        configuration.write_text(content)
        self.addCleanup(configuration.unlink)
        done = self.system.ishara("backup", "make", "--out", self.backups, "--json",
                                  configuration=configuration)
        return secret, json.loads(done.stdout)

    def the_audit_names(self, file):
        """In its last entry about a backup, as an auditor sees it; and the chain holds."""
        key = self.system.demo / "users/demo-ngo-auditor.key"
        export = self.system.elsewhere("backup-audit.export")
        self.system.ishara("audit", "export", export, "--key", key, "--passphrase-file",
                           key.with_suffix(".passphrase"))
        verified = self.system.ishara("audit", "verify", export, "--entries", "--json", "--root-key",
                                      self.root)
        *entries, verdict = [json.loads(line) for line in verified.stdout.splitlines()]
        self.assertTrue(verdict["good"])
        told = [entry for entry in entries if entry["action"] == "backup"]
        self.assertIn(file.name, json.dumps(told[-1]))
        head = hashlib.blake2b(file.read_bytes()[:128], digest_size=16).hexdigest()
        self.assertIn(head, json.dumps(told[-1]))

    def doctor(self, configuration):
        done = self.system.ishara("doctor", "--json", check=False, configuration=configuration)
        (found,) = [line for line in map(json.loads, done.stdout.splitlines())
                    if line["check"] == "backup"]
        return found["verdict"], found["what"]

    def test_doctor_tells_when_the_last_backup_is_too_long_ago(self):
        self.make()
        is_backup = "get_byte(entry, 2) * 256 + get_byte(entry, 3) = 68"
        time = "('x' || encode(substr(entry, 17, 8), 'hex'))::bit(64)::bigint"
        older = "overlay(entry PLACING int8send({} - 3 * 86400) FROM 17)".format(time)
        forget = f"UPDATE audit SET entry = set_byte(entry, 3, 17) WHERE {is_backup}"
        public = self.system.demo / "public.toml"
        public.write_text(re.sub(r'(\[desk\]\nlisten = )"[^"]+"', r'\1"0.0.0.0:1"',
                                 self.system.configuration.read_text()))
        self.addCleanup(public.unlink)
        cases = (
            ("SELECT", "good", "the last one was made 0 hours ago"),
            (forget, "good", "none yet; this deployment is younger than two days"),
            (f"UPDATE audit SET entry = {older} WHERE {is_backup}", "warning",
             "the last one was made 3 days ago"),
            (f"{forget}; UPDATE audit SET entry = {older}", "warning", "none was ever made"),
        )
        # Nobody else looks at the audit while it is not what it was.
        for role in (self.system.desk, self.system.relay):
            role.stop()
            self.addCleanup(role.start)
        for change, verdict, what in cases:
            with self.subTest(what=what):
                self.sql(f"CREATE TABLE kept AS SELECT * FROM audit; {change}")
                try:
                    self.assertEqual(self.doctor(self.system.configuration), (verdict, what))
                    on_the_network = "failure" if verdict == "warning" else verdict
                    self.assertEqual(self.doctor(public), (on_the_network, what))
                finally:
                    self.sql("UPDATE audit SET entry = kept.entry FROM kept"
                             " WHERE kept.seq = audit.seq; DROP TABLE kept")

    def test_a_backup_of_the_running_deployment_proves_itself_and_can_be_worked_with(self):
        before = set(self.sql("SELECT report_id FROM report").split())
        words = self.send("he waits at the bus stop", "backup-1")
        (report,) = set(self.sql("SELECT report_id FROM report").split()) - before
        self.addCleanup(self.sql, f"DELETE FROM report WHERE report_id = '{report}'")
        secret, made = self.make()
        file = pathlib.Path(made["file"])
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertGreaterEqual(made["rows"]["report"], 1)
        self.assertEqual(self.system.ishara("backup", "verify", file, "--key", secret).returncode, 0)
        self.the_audit_names(file)

        drill = system.run(
            system.ROOT / "scripts" / "backup_drill", file, secret, self.root, check=False,
            env={**os.environ, "ISHARA_BINARY": system.binary(), "TMPDIR": str(self.system.base)})
        self.assertEqual(drill.returncode, 0, drill.stdout + drill.stderr)
        self.assertIn("vouched for by a relay", drill.stdout)
        self.assertIn("everything in it holds", drill.stdout)

        # A file from which a piece is missing is refused with the reason, and so is a database that
        # holds something.
        spoilt = self.away / "spoilt.backup"
        content = file.read_bytes()
        spoilt.write_bytes(content[:len(content) // 2] + content[len(content) // 2 + 100:])
        refused = self.system.ishara("backup", "verify", spoilt, "--key", secret, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "part [0-9]+: a part of the backup is missing")
        refused = self.system.ishara("backup", "restore", file, "--key", secret, "--owner-url",
                                     self.system.database_url("ishara_owner"), check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not empty", refused.stderr)

        # The desk of another deployment, on what was restored: its caseworker opens the report.
        self.sql("CREATE DATABASE restored OWNER ishara_owner", "postgres")
        self.addCleanup(self.sql, "DROP DATABASE restored WITH (FORCE)", "postgres")
        self.system.ishara("backup", "restore", file, "--key", secret, "--owner-url",
                           self.system.database_url("ishara_owner").replace("/ishara?", "/restored?"))
        self.assertEqual(self.sql(f"SELECT count(*) FROM report WHERE report_id = '{report}'",
                                  "restored"), "1")
        (port,) = free_ports(1)
        content = self.system.configuration.read_text().replace("/ishara?", "/restored?")
        content = re.sub(r'(\[desk\]\nlisten = )"[^"]+"', rf'\1"127.0.0.1:{port}"', content)
        configuration = self.system.demo / "restored.toml"
        configuration.write_text(content)
        self.addCleanup(configuration.unlink)
        desk = system.Process([system.binary(), "desk", "--config", str(configuration)],
                              self.system.folder / "restored-desk.log", ("127.0.0.1", port),
                              ("127.0.0.1", port, "/readyz", 200))
        desk.start()
        self.addCleanup(desk.kill)
        shown = []
        for key in sorted((self.system.demo / "users").glob("*-caseworker.key")):
            opened = self.system.ishara(
                "queue", "show", report.replace("-", ""), "--json", "--key", key,
                "--passphrase-file", key.with_suffix(".passphrase"), configuration=configuration,
                check=False)
            if opened.returncode == 0:
                shown.append(json.loads(opened.stdout)["texts"][0]["text"])
        self.assertEqual(shown, [words])
