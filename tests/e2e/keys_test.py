"""Keys that people hold: a ceremony on a terminal as people see it, the emergency stop, and a
deployment whose keys were made elsewhere."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import canary
import system
from kannel import free_ports, until

CLEARED = "\x1b[2J\x1b[3J"  # the screen and what can be scrolled back to
PATIENCE = 60


class Terminal:
    """A command on a terminal of its own; what it shows, and what somebody types."""

    def __init__(self, *arguments, cwd):
        self.shown = self.all = ""
        self.command = ["ishara", *map(str, arguments)]
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            try:
                os.chdir(cwd)
                os.execv(system.binary(), self.command)
            finally:
                os._exit(127)  # else this would be a second run of the tests

    def expect(self, pattern):
        """What is shown up to the pattern, which is taken away from what comes next."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.shown, re.S)):
            ready, _, _ = select.select([self.descriptor], [], [], max(0, end - time.monotonic()))
            if not ready or not self._read():
                raise AssertionError(f"no {pattern!r} in: {self.shown}")
        self.shown = self.shown[found.end():]
        return found

    def type(self, line):
        os.write(self.descriptor, line.encode() + b"\n")

    def end(self):
        """The rest of what it shows, and its exit code."""
        while self._read():
            pass
        os.close(self.descriptor)
        system.keep_said(self.command, self.all)
        return self.shown, os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def _read(self):
        try:
            data = os.read(self.descriptor, 4096)
        except OSError:  # the other side has closed it
            return False
        text = data.decode().replace("\r\n", "\n")
        self.shown += text
        self.all += text
        return bool(data)


class Ceremony(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ishara-ceremony-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def key(self, *arguments, check=True):
        return system.run(system.binary(), "key", *arguments, check=check, cwd=self.folder,
                          start_new_session=True)

    def terminal(self, *arguments):
        return Terminal("key", *arguments, cwd=self.folder)

    def make(self, kind, *arguments):
        return json.loads(self.key("make", kind, "--name", "Umoja", "--sheets", self.folder, "--json",
                                   *arguments).stdout)

    def sheet(self, letter, kind="root"):
        return self.folder / f"{kind}-sheet-{letter}.txt"

    def test_a_person_makes_her_key_and_has_written_the_passphrase_down_right(self):
        terminal = self.terminal("make", "user", "--file", "amina.key")
        passphrase = terminal.expect(r"\n    ([a-z -]+)\n.*press Enter").group(1)
        terminal.type("")
        terminal.expect(re.escape(CLEARED) + ".*Type it")
        terminal.type("abacus abdomen")
        terminal.expect("That is not it.*Type it")
        self.assertFalse((self.folder / "amina.key").exists())
        terminal.type(passphrase.upper().replace(" ", "-"))
        shown, code = terminal.end()
        self.assertEqual(code, 0, shown)
        self.assertNotIn(passphrase, shown)
        self.assertEqual((self.folder / "amina.key").stat().st_mode & 0o7777, 0o600)
        words = re.search(r"words +(.*)\n", shown).group(1)
        self.assertEqual(len(words.split()), 8)

        terminal = self.terminal("show", "amina.key")
        terminal.expect("Passphrase")
        terminal.type(passphrase)
        again, code = terminal.end()
        self.assertEqual(code, 0, again)
        self.assertIn(words, again)

    def test_a_passphrase_that_was_not_written_down_makes_no_key(self):
        terminal = self.terminal("make", "user", "--file", "amina.key")
        terminal.expect("press Enter")
        terminal.type("")
        for _ in range(3):
            terminal.expect("Type it")
            terminal.type("no idea")
        shown, code = terminal.end()
        self.assertEqual(code, 1)
        self.assertIn("nothing was made or changed", shown)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_without_a_terminal_or_a_file_for_the_passphrase_nothing_is_made(self):
        refused = self.key("make", "user", "--file", "amina.key", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--new-passphrase-file", refused.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_any_two_sheets_give_every_kind_of_key_and_others_are_refused(self):
        for kind in ("root", "organisation", "recovery"):
            made = self.make(kind, "--id", "0123456789abcdef" * 2)
            public_key = made.get("sign_pk") or made["box_pk"]
            for left, right in ("AB", "BC", "CA"):
                with self.subTest(kind=kind, sheets=left + right):
                    done = self.key("check", "--sheet", self.sheet(left, kind), "--sheet",
                                    self.sheet(right, kind), "--public-key", public_key)
                    self.assertIn(made["words"], done.stdout)
        for left, right, what in (
                (self.sheet("A"), self.sheet("A"), "both are the same sheet"),
                (self.sheet("A"), self.sheet("B", "recovery"), "belong to different keys")):
            refused = self.key("check", "--sheet", left, "--sheet", right, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(what, refused.stderr)
        third = [word for letter in "ABC" for word in ("--sheet", self.sheet(letter))]
        self.assertIn("names a third", self.key("check", *third, check=False).stderr)
        fourth = [word for name in "ABCD" for word in ("--holder", name)]
        self.assertIn("a fourth person", self.key("make", "root", "--name", "x", *fourth,
                                                  check=False).stderr)
        other = self.key("check", "--sheet", self.sheet("A"), "--sheet", self.sheet("B"),
                         "--public-key", "00" * 32, check=False)
        self.assertEqual(other.returncode, 1)
        self.assertIn("not the one with this public key", other.stderr)

    def test_a_sheet_is_typed_line_by_line_and_a_wrong_line_is_typed_again(self):
        made = self.make("root")
        lines = {letter: re.findall(r"^ +\d+:  (.*)$", self.sheet(letter).read_text(), re.M)
                 for letter in "AC"}
        terminal = self.terminal("combine", "--file", "root.key", "--new-passphrase-file",
                                 "root.passphrase")
        for letter, which in (("C", "first"), ("A", "other")):
            terminal.expect(f"The {which} sheet")
            for number, line in enumerate(lines[letter], 1):
                terminal.expect(f"{number}: ")
                if number == 7:
                    terminal.type(line[:5] + ("3" if line[5] == "2" else "2") + line[6:])
                    terminal.expect("Line 7: it is mistyped.*7: ")
                terminal.type(line.lower().replace("0", "o").replace("1", "l"))
            terminal.expect(re.escape(CLEARED))
        shown, code = terminal.end()
        self.assertEqual(code, 0, shown)
        self.assertIn(made["words"], shown)
        self.assertNotIn(lines["A"][3], shown)
        opened = self.key("show", "root.key", "--passphrase-file", "root.passphrase", "--json").stdout
        self.assertEqual(json.loads(opened), made)

    def test_a_mistyped_sheet_file_names_every_wrong_line(self):
        self.make("root")
        text = self.sheet("A").read_text()
        wrong = self.folder / "typed.txt"
        wrong.touch(0o600)
        wrong.write_text(re.sub(r"(?m)^ +9:.*\n", "", re.sub(r"(?m)( 5:  ...).", r"\1U", text)))
        refused = self.key("check", "--sheet", wrong, "--sheet", self.sheet("B"), check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("line 5: character 4 is none that a sheet can have", refused.stderr)
        self.assertIn("line 9: it is missing", refused.stderr)

    def test_new_sheets_do_not_go_with_old_ones(self):
        self.make("root")
        new = self.folder / "new"
        new.mkdir()
        self.key("combine", "--sheet", self.sheet("A"), "--sheet", self.sheet("B"), "--name", "Umoja",
                 "--sheets", new)
        mixed = self.key("check", "--sheet", self.sheet("A"), "--sheet", new / "root-sheet-B.txt",
                         check=False)
        self.assertEqual(mixed.returncode, 1)
        self.assertIn("were not made together", mixed.stderr)

    def test_a_new_passphrase_takes_the_place_of_the_old_one(self):
        made = json.loads(self.key("make", "user", "--file", "a.key", "--new-passphrase-file", "old",
                                   "--json").stdout)
        self.key("passphrase", "a.key", "--passphrase-file", "old", "--new-passphrase-file", "new",
                 "--digits")
        self.assertRegex((self.folder / "new").read_text(), r"^(\d{4} ){5}\d{4}$")
        opened = json.loads(self.key("show", "a.key", "--passphrase-file", "new", "--json").stdout)
        self.assertEqual(opened["words"], made["words"])
        refused = self.key("show", "a.key", "--passphrase-file", "old", check=False)
        self.assertEqual(refused.returncode, 1)
        # Neither a wrong passphrase nor a file that is there changes anything.
        before = (self.folder / "a.key").read_bytes()
        for old, new in (("old", "newer"), ("new", "new")):
            self.assertEqual(self.key("passphrase", "a.key", "--passphrase-file", old,
                                      "--new-passphrase-file", new, check=False).returncode, 1)
        self.assertEqual((self.folder / "a.key").read_bytes(), before)

    def test_a_key_file_that_others_could_read_or_change_is_refused(self):
        self.key("make", "user", "--file", "a.key", "--new-passphrase-file", "pass")
        file = self.folder / "a.key"

        def expect(what):
            refused = self.key("show", "a.key", "--passphrase-file", "pass", check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(what, refused.stderr)

        file.chmod(0o644)
        expect("its mode must be 0600")
        file.chmod(0o600)
        os.link(file, self.folder / "second")
        expect("second name")
        (self.folder / "second").unlink()
        file.rename(self.folder / "real")
        file.symlink_to("real")
        expect("not an ordinary file")
        file.unlink()
        (self.folder / "real").rename(file)
        os.truncate(file, 119)
        expect("give a sealed key file")

    def test_destroyed_files_are_gone_and_what_that_is_worth_is_said(self):
        self.make("root")
        done = self.key("destroy", *(self.sheet(letter) for letter in "ABC"))
        self.assertEqual(list(self.folder.iterdir()), [])
        self.assertIn("flash memory", done.stdout)
        self.assertEqual(self.key("destroy", "none", check=False).returncode, 1)


class Panic(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.epochs = self.system.demo / "epochs"

    def entries(self):
        """Of the action panic in the audit."""
        return system.run(*self.system.psql, "-XAtc",
                          "SELECT count(*) FROM audit WHERE get_byte(entry, 3) = 67").stdout.strip()

    def panic(self, name):
        return self.system.ishara("key", "panic", "--yes", name, check=False)

    def reports(self):
        found = system.run(*self.system.psql, "-XAtc", "SELECT report_id FROM report").stdout
        return {row.replace("-", "") for row in found.split()}

    def test_the_stop_destroys_every_key_while_postgres_is_away_and_texts_go_on(self):
        relay, log = self.system.relay, self.system.relay.log
        self.assertNotEqual(list(self.epochs.glob("epoch-*.key")), [])
        refused = self.panic("another")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("nothing was destroyed", refused.stderr)
        self.assertIsNone(relay.process.poll())
        self.assertNotEqual(list(self.epochs.glob("epoch-*.key")), [])

        self.system.postgres("stop")
        began = time.monotonic()
        done = self.panic("e2e")
        print(f"      the stop took {time.monotonic() - began:.2f} s", flush=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(relay.process.wait(30), 0)
        self.assertEqual(list(self.epochs.glob("epoch-*")), [])
        self.system.postgres("start")
        self.assertEqual(self.panic("e2e").returncode, 0)  # once more harms nothing

        # As whoever watches the relay does: it is started again, and waits.
        with log.open("ab") as out:
            waiting = subprocess.Popen(relay.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            until(lambda: self.entries() == "1", "the audit knows of the stop")
            self.assertIn("relay_waits_for_resume", log.read_text())
            self.assertEqual(list(self.epochs.glob("epoch-*")), [])
            until(lambda: self.system.readiness() == "ok", "the gateway has its database back")
            number, token = canary.Number("250788009771", "250"), canary.random_token()
            self.system.plant([(number, token)])
            before = self.reports()
            sent = self.system.kannel.send(
                self.system.kannel.text(number, f"He beats me, please help {token.letters}",
                                        "while-stopped"))
            self.assertEqual(sent.status, 200)
            (report,) = self.reports() - before
            key = self.system.demo / "users" / "demo-ngo-caseworker.key"
            shown = self.system.ishara("queue", "show", report, "--json", "--key", key,
                                       "--passphrase-file", key.with_suffix(".passphrase"))
            self.assertIn(token.letters, shown.stdout)
        finally:
            waiting.send_signal(signal.SIGTERM)
            self.assertEqual(waiting.wait(30), 0)

        self.system.ishara("key", "resume")
        relay.start()
        until(lambda: list(self.epochs.glob("epoch-*.key")), "the relay has keys again")
        self.assertEqual(self.entries(), "1")


class DemoCustody(unittest.TestCase):
    def test_demo_custody_is_named_where_people_look_and_refused_in_earnest(self):
        shared = system.shared()
        doctor = shared.ishara("doctor", check=False)
        self.assertRegex(doctor.stdout, "warning +custody +demo custody")
        shared.ishara("channel", "add", "earnest", "--provider", "kannel", "--country", "RW",
                      "--language", "en", "--url", "https://sms.example.org")
        for folder in ("channels", "sending"):
            self.addCleanup((shared.demo / folder / "earnest.toml").unlink, missing_ok=True)
        doctor = shared.ishara("doctor", check=False)
        self.assertRegex(doctor.stdout, "FAILURE +custody .*channel earnest has a URL")
        key = next((shared.demo / "users").glob("*-caseworker.key"))
        listed = shared.ishara("queue", "list", "--key", key, "--passphrase-file",
                               key.with_suffix(".passphrase"))
        self.assertIn("DEMO CUSTODY", listed.stderr)
        self.assertNotIn("DEMO CUSTODY", listed.stdout)
