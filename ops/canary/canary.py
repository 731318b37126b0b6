"""Looks for planted numbers and texts in everything that a run has left on disk.

A *canary* is a fictitious phone number, or a random token of 14 letters that stands inside a text.
`Scanner` searches bytes, files (gzip and zstd opened), folders and the tables of a database for
every form that a careless line of code could leave a canary in. `Control` plants other canaries,
one for each form, where the scanner must find every one: a scan that misses one has not looked.

    scanner = Scanner(numbers + tokens, control.canaries)
    hits = scanner.path(folder) + scanner.tables(psql)

By hand:  canary.py CANARIES PATH...   (a canary a line: +250788000001/250, or a token)
"""

import base64
import gzip
import mmap
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass

TOKEN_LENGTH = 14
# Letters that are no hexadecimal digits: a window of a token never shows up in a dump by chance.
TOKEN_LETTERS = "ghijklmnopqrstuvwxyz"
# pglz puts a control byte before every 8 literals. One of these windows always survives it.
WINDOW = 6

# What a table holds in bytes stands as hexadecimal digits in a dump, and so do random ids. Ten of
# them in a row are all decimal, and those of a number, in one of some ten runs of all tests.
BYTEA = re.compile(rb"\\\\x((?:[0-9a-f]{2})+)")
UUID = re.compile(rb"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Number:
    digits: str  # E.164 without +
    calling_code: str

    @property
    def national(self):
        return "0" + self.digits[len(self.calling_code):]

    def spellings(self):
        """What a person or a program would write; + and 00 forms contain the first."""
        return [self.digits, self.national]


@dataclass(frozen=True)
class Token:
    letters: str

    def spellings(self):
        return [self.letters]


@dataclass(frozen=True)
class Hit:
    canary: object
    place: str
    offset: int


def random_token(source=random):
    return Token("".join(source.choice(TOKEN_LETTERS) for _ in range(TOKEN_LENGTH)))


def gsm7_packed(text, shift):
    """Septets of `text` as an SMS packs them, beginning `shift` bits into the first byte."""
    value = sum(ord(letter) << (7 * place) for place, letter in enumerate(text)) << shift
    return value.to_bytes((7 * len(text) + shift + 7) // 8, "little")


def pdu_address(digits, type_of_address):
    """An address as an SMS PDU has it."""
    return bytes([len(digits), type_of_address]) + swapped_nibbles(digits)


def swapped_nibbles(digits):
    padded = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2)))


# Each form: what a careless writer would leave of one spelling, as whole as he would leave it.
FORMS = {
    "raw": lambda s: [s.encode()],
    "URL-encoded": lambda s: ["".join(f"%{b:02X}" for b in s.encode()).encode(),
                              "".join(f"%{b:02x}" for b in s.encode()).encode()],
    "JSON-escaped": lambda s: ["".join(f"\\u{ord(c):04x}" for c in s).encode(),
                               "".join(f"\\u{ord(c):04X}" for c in s).encode()],
    "UTF-16LE": lambda s: [s.encode("utf-16-le")],
    "UTF-16BE": lambda s: [s.encode("utf-16-be")],
    "hexadecimal": lambda s: [s.encode().hex().encode(), s.encode().hex().upper().encode()],
    "base64 at 0": lambda s: base64_at(s, 0),
    "base64 at 1": lambda s: base64_at(s, 1),
    "base64 at 2": lambda s: base64_at(s, 2),
    "reversed": lambda s: [s[::-1].encode()],
    **{f"GSM-7 at bit {bit}": lambda s, bit=bit: [whole_septets(s, bit)] for bit in range(8)},
}


def base64_at(text, offset):
    """The characters that stay the same whatever stands before and after the text."""
    coded = base64.b64encode(b"\0" * offset + text.encode())
    first = (offset * 8 + 5) // 6
    last = (offset + len(text.encode())) * 8 // 6
    return [coded[first:last], coded[first:last].translate(bytes.maketrans(b"+/", b"-_"))]


def whole_septets(text, bit):
    packed = gsm7_packed(text, bit)
    return packed[bit > 0:len(packed) - ((7 * len(text) + bit) % 8 > 0)]


def patterns(canary):
    """Every byte string that gives this canary away."""
    found = {form(spelling)[i] for spelling in canary.spellings()
             for form in FORMS.values() for i in range(len(form(spelling)))}
    if isinstance(canary, Number):
        # Five or six bytes are a chance hit in much ciphertext. In a PDU stand the number of digits
        # and the type of address before them.
        found |= {pdu_address(digits, toa) for digits in (canary.digits, canary.national)
                  for toa in (0x81, 0x91, 0xa1)}
    else:
        letters = canary.letters.encode()
        found |= {letters[i:i + WINDOW] for i in range(len(letters) - WINDOW + 1)}
    return found


class Scanner:
    """Finds the patterns of many canaries at once. Not thread-safe; keeps no data."""

    CHUNK = 1 << 14

    def __init__(self, *groups):
        self.by_start = {}  # the first 4 bytes of a pattern, as the machine reads them -> patterns
        for canary in (c for group in groups for c in group):
            for pattern in patterns(canary):
                start = int.from_bytes(pattern[:4], sys.byteorder)
                self.by_start.setdefault(start, []).append((pattern, canary))
        self.starts = frozenset(self.by_start)
        self.longest = max((len(p) for found in self.by_start.values() for p, _ in found), default=0)

    def bytes(self, data, place):
        """All hits in `data`."""
        hits = []
        for begin in range(0, len(data), self.CHUNK):
            chunk = data[begin:begin + self.CHUNK + self.longest]
            for pattern, canary in self._candidates(chunk):
                at = chunk.find(pattern)
                while 0 <= at < self.CHUNK:
                    if not self._is_chance(pattern, canary, data, begin + at):
                        hits.append(Hit(canary, place, begin + at))
                    at = chunk.find(pattern, at + 1)
        return hits

    @staticmethod
    def _is_chance(pattern, canary, data, at):
        """Whether a window of a token is all that is there of it: in a gigabyte of ciphertext stands
        some window of some thousand tokens. The letter before or behind it stands beside it, or
        behind one byte of a compressor."""
        if len(pattern) != WINDOW:
            return False
        letters = canary.letters.encode()
        first = letters.index(pattern)
        end = at + WINDOW
        return not (first > 0 and letters[first - 1] in data[max(at - 2, 0):at] or
                    first + WINDOW < len(letters) and letters[first + WINDOW] in data[end:end + 2])

    def _candidates(self, chunk):
        """The patterns whose first 4 bytes stand anywhere in the chunk: a quick look, all in C."""
        if not chunk.strip(b"\0"):
            return []
        view = memoryview(chunk)
        found = set()
        for at in range(4):
            found |= self.starts.intersection(
                view[at:at + (len(chunk) - at) // 4 * 4].cast("I"))
        return [each for start in found for each in self.by_start[start]]

    def file(self, path):
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return []
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                hits = self.bytes(data, str(path))
                opened = decompressed(path, data[:4])
        if opened is not None:
            hits += self.bytes(opened, f"{path} (decompressed)")
        return hits

    def path(self, path):
        """A file, or every regular file below a folder. What vanishes meanwhile is not on disk."""
        path = pathlib.Path(path)
        files = [path] if path.is_file() else [f for f in path.rglob("*")
                                               if f.is_file() and not f.is_symlink()]
        hits = []
        for file in files:
            try:
                hits += self.file(file)
            except FileNotFoundError:
                pass
        return hits

    def tables(self, psql):
        """Every table as the database itself decodes it: compressed and TOASTed values are opened.

        `psql` is the command line that connects as a superuser."""
        hits = []
        for table in run(psql, "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n "
                               "ON n.oid = relnamespace WHERE relkind = 'r' AND (nspname NOT IN "
                               "('pg_catalog', 'information_schema') OR relname = 'pg_statistic')"
                         ).decode().split():
            rows = run(psql, f"COPY {table} TO STDOUT")
            values = [bytes.fromhex(v.decode()) for v in BYTEA.findall(rows)]
            hits += self.bytes(b"\n".join(values), f"table {table} (bytes)")
            hits += self.bytes(UUID.sub(b"", BYTEA.sub(b"", rows)), f"table {table}")
        return hits


def run(psql, statement):
    return subprocess.run([*psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement],
                          check=True, stdout=subprocess.PIPE,
                          env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}).stdout


def decompressed(path, magic):
    """The content of a gzip or zstd file, as far as it can be read; None for any other file."""
    if magic[:2] == b"\x1f\x8b":
        rest, opened = pathlib.Path(path).read_bytes(), b""
        try:
            while rest:
                member = zlib.decompressobj(wbits=31)
                opened += member.decompress(rest)
                rest = member.unused_data
        except zlib.error:
            pass  # what is no gzip any more was searched as it stands
        return opened
    if magic == b"\x28\xb5\x2f\xfd" and shutil.which("zstd"):
        return subprocess.run(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
    return None


class Control:
    """One number or token for each form, planted in that form alone."""

    def __init__(self, source=random):
        def number():
            return Number("99955" + "".join(source.choice("0123456789") for _ in range(8)), "999")

        self.plants = []  # (form, canary, bytes to plant); no canary stands in two forms
        for form, encode in FORMS.items():
            for kind, canary, spelling in (("number", number(), lambda c: c.digits),
                                           ("local number", number(), lambda c: c.national),
                                           ("token", random_token(source), lambda c: c.letters)):
                self.plants.append((f"{kind}, {form}", canary, encode(spelling(canary))[0]))
        for form, encode in (("with +", lambda n: b"+" + n.digits.encode()),
                             ("with 00", lambda n: b"00" + n.digits.encode()),
                             ("+ in a URL", lambda n: b"%2B" + n.digits.encode()),
                             ("BCD", lambda n: pdu_address(n.digits, 0x91)),
                             ("national BCD", lambda n: pdu_address(n.national, 0x81))):
            canary = number()
            self.plants.append((f"number, {form}", canary, encode(canary)))
        self.compressed = random_token(source)  # for a row that the database compresses
        self.canaries = [canary for _, canary, _ in self.plants] + [self.compressed]

    def content(self):
        """All plants, apart from each other."""
        return b"\0\xff".join(planted for _, _, planted in self.plants) + b"\0\xff"

    def write(self, folder):
        """Plants a plain file, a gzip log and, where the machine has zstd, a zstd log."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        (folder / "plain").write_bytes(self.content())
        (folder / "log.gz").write_bytes(gzip.compress(self.content()))
        if shutil.which("zstd"):
            subprocess.run(["zstd", "-q", "-o", str(folder / "log.zst")], input=self.content(),
                           check=True)

    def insert(self, psql):
        """Plants a scratch table, and with it the WAL; one value is long enough to be compressed.

        Each row stands twice, because the WAL may break one of them at the end of a page."""
        rows = ", ".join(f"('\\x{plant.hex()}')" for _, _, plant in self.plants)
        filler = "the same words again and again, " * 170
        run(psql, f"CREATE SCHEMA canary; CREATE TABLE canary.control (plant bytea); "
                  f"INSERT INTO canary.control VALUES {rows}; INSERT INTO canary.control VALUES {rows}; "
                  f"CREATE TABLE canary.compressed (words text); INSERT INTO canary.compressed "
                  f"VALUES ('{filler}{self.compressed.letters}{filler}'); CHECKPOINT")

    def missed(self, hits, place):
        """The forms whose canary is not among the hits in places that begin with `place`."""
        seen = {hit.canary for hit in hits if hit.place.startswith(str(place))}
        return [form for form, canary, _ in self.plants if canary not in seen]


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    canaries = []
    for line in pathlib.Path(sys.argv[1]).read_text().split():
        number, slash, code = line.lstrip("+").partition("/")
        canaries.append(Number(number, code) if slash else Token(line))
    scanner = Scanner(canaries)
    hits = [hit for path in sys.argv[2:] for hit in scanner.path(path)]
    for hit in hits:
        print(f"{hit.place}:{hit.offset}: {hit.canary}")
    print(f"{len(canaries)} canaries, {len(hits)} hits")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
