"""A private Kannel (bearerbox and smsbox of Debian) and the phones behind its fake SMSC.

Everything is on loopback, with ports of its own, files in one folder, and no system service. The
driver `fake` of bearerbox listens; `Phones` connects to it and speaks its line protocol, as
Kannel's own fakesmsc program does, but for many phones at once:

    phone to us    <from> <to> text|data|ucs2 <text>      or  udh-text|udh-data <udh> <text>
    us to phone    <from> <to> text|... <text>

It cannot send a UCS-2 message in parts: a long one arrives as if bearerbox had joined it.
"""

import pathlib
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict

CONFIGURATION = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
status-password = {password}
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
sms-combine-concatenated-mo = {joins}
log-file = "{folder}/bearerbox.log"
log-level = 1

{smsc}

group = smsbox
bearerbox-host = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 0
reply-couldnotfetch = ""
reply-requestfailed = ""
reply-couldnotrepresent = ""
http-request-retry = 60480
http-queue-delay = 10
{sending}

group = sms-service
keyword = default
catch-all = true
max-messages = 1
omit-empty = true
accept-x-kannel-headers = true
{service}
"""

# The networks: `Phones` below, and tests/vendors/smsc.js, which speaks SMPP.
FAKE = """\
group = smsc
smsc = fake
smsc-id = phones
port = {phones}
connect-allow-ip = 127.0.0.1"""
SMPP = """\
group = smsc
smsc = smpp
smsc-id = phones
host = 127.0.0.1
port = {phones}
transceiver-mode = true
smsc-username = ishara
smsc-password = word
system-type = test"""

# How the relay sends: replies of caseworkers.
SENDING = """\
sendsms-port = {port}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = ishara
password = sendsms-of-this-test
user-allow-ip = 127.0.0.1
default-sender = 2020"""

# The two ways an operator may call us. The first keeps number and text out of URLs.
BY_POST = """\
post-url = "{webhook}?id=%I&to=%P&ts=%T"
send-sender = true"""
BY_GET = """\
get-url = "{webhook}?id=%I&from=%p&to=%P&ts=%T&coding=%c&charset=%C&udh=%u&smsc=%i&text=%b\""""

GSM_BASIC = set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
                "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
GSM_EXTENDED = set("\f^{}\\[~]|€")


def free_ports(count):
    """Ports that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def until(condition, what, seconds=30):
    """Waits for a condition; an AssertionError after `seconds` says what did not happen."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)
    return value


class Kannel:
    """Runs from construction to `stop`. `webhook` is the channel's URL, `service` says how;
    `sendsms` is the port on which it takes texts to send. `joins`: the parts of long texts.
    `smpp`: the port of an SMSC to use in place of `Phones`."""

    def __init__(self, folder, webhook, service=BY_POST, sendsms=None, joins=True, smpp=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.admin, boxes, self.port = free_ports(3)
        configuration = self.folder / "kannel.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=self.folder, service=service.format(webhook=webhook), admin=self.admin,
            boxes=boxes, smsc=(SMPP if smpp else FAKE).format(phones=smpp or self.port),
            password="for this test", joins=str(joins).lower(),
            sending=SENDING.format(port=sendsms) if sendsms else ""))
        self.processes = []
        self._start("/usr/sbin/bearerbox", configuration)
        until(lambda: self._status("status:"), "bearerbox answers")
        self._start("/usr/sbin/smsbox", configuration)
        until(lambda: self._status("smsbox:"), "smsbox has joined bearerbox")

    def _start(self, program, configuration):
        # -v 4: errors only on the terminal, the log files have the rest.
        self.processes.append(subprocess.Popen(
            [program, "-v", "4", configuration], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "errors").open("ab")))

    def retries(self):
        """How often smsbox has called the webhook again after a call that failed."""
        return (self.folder / "smsbox.log").read_bytes().count(b"HTTP: Retrying request")

    def _status(self, wanted):
        for process in self.processes:
            if process.poll() is not None:
                raise AssertionError((self.folder / "errors").read_text())
        try:
            url = f"http://127.0.0.1:{self.admin}/status.txt?password=for+this+test"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return wanted in answer.read().decode().lower()
        except OSError:
            return False

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Phones:
    """All phones of the fake network. `answers[phone]` are the lines that a phone has got."""

    def __init__(self, port):
        self.socket = until(lambda: self._connect(port), "the fake SMSC listens")
        self.answers = defaultdict(list)
        self.part = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @staticmethod
    def _connect(port):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            return None

    def _read(self):
        with self.socket.makefile("rb") as lines:
            for line in lines:
                _, phone, kind, text = line.rstrip(b"\n").split(b" ", 3)
                if kind == b"ucs-2":
                    octets = urllib.parse.unquote_to_bytes(text.replace(b"+", b" "))
                    words = octets.decode("utf-16-be")
                else:
                    words = text.decode()
                self.answers[phone.decode()].append((kind.decode(), words))

    def send(self, phone, service, text, binary=False):
        """One text, in as many parts as a phone would send. `binary`: as 8-bit data."""
        if not binary and "\n" not in text and set(text) <= GSM_BASIC | GSM_EXTENDED:
            parts = gsm_parts(text)
            if len(parts) == 1:
                lines = [f"{phone} {service} text {text}"]
            else:
                lines = [f"{phone} {service} udh-text {self._udh(len(parts), n)} {part}"
                         for n, part in enumerate(parts, 1)]
        elif binary:
            lines = [f"{phone} {service} data {urllib.parse.quote_plus(text.encode())}"]
        else:
            lines = [f"{phone} {service} ucs2 {urllib.parse.quote(text.encode('utf-16-be'), safe='')}"]
        self.part += 1
        self.socket.sendall("".join(line + "\n" for line in lines).encode())

    def _udh(self, total, number):
        return "".join(f"%{octet:02x}" for octet in (5, 0, 3, self.part % 256, total, number))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join(10)
        self.socket.close()


def gsm_parts(text):
    """The parts of a GSM-7 text: 160 septets alone, else 153 each; an escape is never torn."""
    def septets(letters):
        return sum(2 if letter in GSM_EXTENDED else 1 for letter in letters)

    if septets(text) <= 160:
        return [text]
    parts = [""]
    for letter in text:
        if septets(parts[-1] + letter) > 153:
            parts.append("")
        parts[-1] += letter
    return parts
