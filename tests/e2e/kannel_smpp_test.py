"""Long and 8-bit texts through a real Kannel that is bound to an SMSC: each arrives as written."""

import json
import subprocess
import threading
import unittest
from collections import Counter

import canary
import kannel
import system
from kannel import until

VENDORS = system.ROOT / "tests" / "vendors"


class Network:
    """The SMSC. `heard[phone]` are the texts that a phone has got."""

    def __init__(self):
        self.process = subprocess.Popen(["node", VENDORS / "smsc.js"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.bound, self.heard, self.parts = False, {}, 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "bound" in said:
                self.bound = True
            else:
                self.heard.setdefault(said["to"], []).append(said["text"])

    def _deliver(self, phone, coding, octets, esm=0):
        line = {"from": phone, "to": "2020", "coding": coding, "esm": esm, "hex": octets.hex()}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def send(self, phone, coding, octets, room):
        """One text, in parts of `room` octets if it has more, the last one first."""
        if len(octets) <= 140:
            return self._deliver(phone, coding, octets)
        self.parts += 1
        parts = [octets[at:at + room] for at in range(0, len(octets), room)]
        for number, part in reversed(list(enumerate(parts, 1))):
            header = bytes([5, 0, 3, self.parts, len(parts), number])
            self._deliver(phone, coding, header + part, esm=0x40)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()


@unittest.skipUnless((VENDORS / "node_modules/smpp").is_dir(), "npm's smpp is not installed")
class KannelSmpp(unittest.TestCase):
    def arrive(self, rows, service, channel, joins):
        """`rows`: phone, text as written, coding, octets, room of a part."""
        deployment = system.shared()
        network = Network()
        self.addCleanup(network.stop)
        gateway = kannel.Kannel(deployment.elsewhere("kannel-smpp"), channel.url, service,
                                joins=joins, smpp=network.port)
        self.addCleanup(gateway.stop)
        until(lambda: network.bound, "Kannel is bound")
        for number, _, coding, octets, room in rows:
            network.send(number.digits, coding, octets, room)
        until(lambda: len(network.heard) == len(rows), "every phone has got an answer", 60)
        self.assertEqual([len(lines) for lines in network.heard.values()], [1] * len(rows))
        received = Counter(deployment.take_all())
        self.assertEqual(received, Counter(text for _, text, *_ in rows))

    def rows(self, first):
        out = []
        for n, (words, coding, charset, room) in enumerate([
                ("\u0641\u062a\u0627\u062a\u0627\u0646 \u0641\u064a \u0627\u0644\u0645\u0632\u0631\u0639\u0629 ", 8, "utf-16-be", 134),
                ("\u0434\u0435\u0432\u0443\u0448\u043a\u0438 ", 8, "utf-16-be", 132),
                ("they keep our papers, caf\u00e9 ", 3, "latin-1", 134),
                ("8-bit: \u00e9 caf\u00e9 ", 4, "utf-8", 134)]):
            number, token = canary.Number(f"250788023{first + n:03d}", "250"), canary.random_token()
            text = words * (12 if coding == 8 else 1) + token.letters
            system.shared().plant([(number, text, token)])
            out.append((number, text, coding, text.encode(charset), room))
        return out

    def test_parts_in_any_order_and_8_bit_texts_arrive_whole_if_kannel_joins_them(self):
        self.arrive(self.rows(100), kannel.BY_POST, system.shared().kannel, joins=True)

    def test_they_do_if_we_join_them(self):
        self.arrive(self.rows(110), kannel.BY_GET, system.shared().kannel_by_get, joins=False)
