"""A core of the gateway after a flood opens nothing; in the flood, what the running second shares.

In a flood the gateway uses one sender key for many texts of one recipient and second (privacy.md
7.1). What then lies in its memory is looked for as root would, by tests/memory/find_keys."""

import itertools
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest
from collections import Counter, defaultdict

import canary
import system

CONNECTIONS = 64
# Texts of one second; each has two envelopes or more, and 1,000 are a flood.
FLOOD = 700
FIND_KEYS = pathlib.Path(system.binary()).parent / "find_keys"
NOT_ALLOWED = 77
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


class Flood:
    """Texts of ever new phones, as fast as the gateway stores them."""

    def __init__(self, deployment, seed):
        self.channel = deployment.kannel
        self.seed = seed
        self.sent = []  # (Number, Token)
        self.sockets = [socket.create_connection(self.channel.address, timeout=30)
                        for _ in range(CONNECTIONS)]

    def close(self):
        for each in self.sockets:
            each.close()

    def send_round(self):
        for each in self.sockets:
            count = len(self.sent) + 1
            number = canary.Number(f"999{self.seed:02d}{123_456_789 + count}", "999")
            token = canary.random_token()
            method, target, body, headers = self.channel.text(
                number, f"flood {token.letters}", f"{self.seed}-{count}")
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            each.sendall(f"{method} {target} HTTP/1.1\r\nHost: gateway\r\n{head}"
                         f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            self.sent.append((number, token))
        for each in self.sockets:
            answer = http_answer(each)
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise AssertionError(answer.split(b"\r\n")[0])

    def until_shared(self):
        """Sends until one second has had a flood; returns within that second, by its clock."""
        texts = Counter()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            before = int(time.time())
            self.send_round()
            if before == int(time.time()):
                texts[before] += CONNECTIONS
                if texts[before] >= FLOOD:
                    return before
        raise AssertionError(f"no second of 60 had {FLOOD} texts, at most {max(texts.values())}")


def http_answer(connection):
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, body = answer.split(b"\r\n\r\n", 1)
    (length,) = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                 if line.lower().startswith(b"content-length:")]
    while len(body) < length:
        body += connection.recv(65536)
    return head


class Look:
    """The memory of a process at one moment; `find` says later what in it opens something."""

    def __init__(self, pid):
        self.tool = subprocess.Popen([*AS_ROOT, FIND_KEYS, str(pid)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, encoding="ascii")
        if self.tool.stdout.readline() != "taken\n":
            if self.tool.wait() == NOT_ALLOWED:
                raise unittest.SkipTest("root may not look into processes here")
            raise AssertionError("find_keys could not take the memory")

    def find(self, rows):
        """A set of (what, id): what is "message", "sender" or "shared"."""
        out, _ = self.tool.communicate(rows)
        if self.tool.returncode != 0:
            raise AssertionError("find_keys failed")
        *found, last = (tuple(line.split()) for line in out.splitlines())
        print(f"      {last[1]} windows looked at, {len(found)} keys found", flush=True)
        return set(found)


class Stopped:
    """The gateway, for so long as its memory is read."""

    def __init__(self, process):
        self.pid = process.process.pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        return self.pid

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


class Stored:
    """The newest reports and addresses, as find_keys reads them, and who shares which epk."""

    def __init__(self, deployment, reports):
        wraps, addresses, *others = (
            system.run(*deployment.psql, "-XAtc", f"SELECT {column} FROM {table} "
                       f"ORDER BY age(xmin) LIMIT {reports}").stdout.split()
            for table, column in (("report", "encode(wraps, 'hex')"),
                                  ("retaddr_inbox", "encode(retaddr, 'hex')"),
                                  ("report", "encode(record, 'hex')"),
                                  ("report", "encode(message, 'hex')"),
                                  ("dedupe", "replace(hash::text, '-', '')")))
        boxes = [row[at:at + 384] for row in wraps for at in range(0, len(row), 384)] + addresses
        self.rows = "".join(f"{kind} {row}\n" for kind, rows in
                            (("box", boxes), *(("other", each) for each in others))
                            for row in rows)
        reports_of, self.recipients_of = defaultdict(set), defaultdict(set)
        for box in boxes:
            epk = box[112:176]
            reports_of[epk].add(box[16:48])
            self.recipients_of[epk].add(box[80:112])
        self.epks = set(reports_of)
        self.shared = {epk for epk, of in reports_of.items() if len(of) > 1}


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        deployment = system.shared()
        # The relay would take the addresses out of their inbox, and the test looks at them there.
        deployment.relay.stop()
        flood = Flood(deployment, seed=43)
        try:
            before = deployment.report_count()
            for _ in range(10):
                second = flood.until_shared()
                with Stopped(deployment.gateway) as pid:
                    if int(time.time()) == second:
                        cls.during = Look(pid)
                        break
            cls.first = Stored(deployment, deployment.report_count() - before)
            middle = deployment.report_count()
            # Another second, from its beginning: what is shared in it could live the longest.
            time.sleep(1 - time.time() % 1)
            flood.until_shared()
            # The second after which nothing may be left is what is tested; a machine that is busy
            # wakes the gateway a little later.
            time.sleep(1.1)
            with Stopped(deployment.gateway) as pid:
                cls.after = Look(pid)
            cls.second = Stored(deployment, deployment.report_count() - middle)
            deployment.plant(flood.sent[::len(flood.sent) // 200 + 1])
            print(f"      {len(flood.sent)} texts", flush=True)
        finally:
            flood.close()
            deployment.relay.start()

    def test_a_shared_key_serves_one_recipient_and_one_flood(self):
        for stored in (self.first, self.second):
            self.assertGreater(len(stored.shared), 0, "no flood: nothing was shared")
            self.assertEqual([epk for epk in stored.shared if len(stored.recipients_of[epk]) > 1], [])
        self.assertEqual(self.first.epks & self.second.epks, set())

    def test_in_a_flood_only_the_keys_of_the_running_second_are_in_memory(self):
        found = self.during.find(self.first.rows)
        self.assertGreater(len(found), 0, "the search has not looked")
        for what, epk in found:
            self.assertIn(what, ("sender", "shared"))
            self.assertIn(epk, self.first.shared)
        epks = {epk for _, epk in found}
        recipients = [kid for epk in epks for kid in self.first.recipients_of[epk]]
        self.assertEqual(len(recipients), len(set(recipients)), "a key of an earlier second")

    def test_a_second_after_a_flood_the_memory_opens_nothing(self):
        self.assertEqual(self.after.find(self.first.rows + self.second.rows), set())

    def test_the_search_finds_every_kind_of_key_that_the_sealing_code_holds(self):
        holder = subprocess.Popen([FIND_KEYS, "hold"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, encoding="ascii")
        try:
            rows = list(itertools.takewhile("ready\n".__ne__, holder.stdout))
            own, *_, shared = (row.split()[1] for row in rows)
            found = Look(holder.pid).find("".join(rows))
        finally:
            holder.communicate()
        self.assertEqual(found, {("message", own[48:80])} |
                         {(what, row[112:176]) for what in ("sender", "shared")
                          for row in (own, shared)})
