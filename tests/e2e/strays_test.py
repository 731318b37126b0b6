"""A text that a transfer overtakes: its former owner's next look hands it on."""

import json
import subprocess
import threading
import unittest

import canary
import system
from kannel import until


class Strays(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.number = canary.Number("250788018301", "250")
        self.tokens = [canary.random_token() for _ in range(2)]
        self.system.plant([(self.number, token.letters, token) for token in self.tokens])

    def sql(self, query):
        return system.run(*self.system.psql, "-XAtc", query).stdout.split()

    def text(self, place):
        channel = self.system.kannel
        return channel.send(channel.text(
            self.number, f"the maid next door is never paid {self.tokens[place].letters}",
            f"strays-{place}"))

    def queue(self, *command):
        """What the command prints, line by line, and what it tells beside that."""
        key = self.system.demo / "users" / "demo-ngo-caseworker.key"
        done = self.system.ishara("queue", *command, "--json", "--key", key, "--passphrase-file",
                                  key.with_suffix(".passphrase"))
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def listed(self):
        rows, told = self.queue("list", "demo-children")
        return next(row for row in rows if row["id"] == self.report), told

    def forget(self):
        # The other tests of this run pull reports of one text each.
        for table in ("statement", "text", "report"):
            self.sql(f"DELETE FROM {table} WHERE report_id = '{self.report}'")

    def test_a_text_that_a_transfer_overtook_is_handed_on_at_the_next_look(self):
        before = set(self.sql("SELECT report_id FROM report"))
        self.assertEqual(self.text(0).status, 200)
        (found,) = set(self.sql("SELECT report_id FROM report")) - before
        self.report = found.replace("-", "")
        self.addCleanup(self.forget)

        # The second text is sealed for the queue that has the report, and waits for the table.
        holder = subprocess.Popen([*self.system.psql, "-Xq"], stdin=subprocess.PIPE, text=True)
        holder.stdin.write("BEGIN; LOCK TABLE text IN SHARE MODE;\n")
        holder.stdin.flush()
        waits = "SELECT count(*) FROM pg_locks WHERE relation = 'text'::regclass AND "
        until(lambda: self.sql(waits + "granted AND mode = 'ShareLock'") == ["1"], "it is held")
        sender = threading.Thread(target=self.text, args=(1,))
        sender.start()
        until(lambda: self.sql(waits + "NOT granted") == ["1"], "the text is under way")
        self.queue("refer", self.report, "demo-children")
        holder.communicate("COMMIT;\n")
        sender.join()
        until(lambda: self.sql(f"SELECT count(*) FROM text WHERE report_id = '{found}'") == ["1"],
              "the text has arrived")

        # She is of both queues: the first look is the former owner's.
        row, told = self.listed()
        self.assertIn("1 text handed on to its new queue.", told)
        self.assertEqual(row["with_former"], 0)
        self.assertNotIn("handed on", self.listed()[1])
        (opened,), _ = self.queue("show", self.report)
        self.assertEqual(opened["with_former"], 0)
        self.assertEqual([token.letters in text["text"]
                          for token, text in zip(self.tokens, opened["texts"])], [True, True])
