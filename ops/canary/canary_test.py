"""The scanner sees every form, sees nothing else, and a control that it misses is reported."""

import gzip
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

import canary

NUMBER = canary.Number("250788000123", "250")
TOKEN = canary.Token("kwzmuhlopgxrty")


class Forms(unittest.TestCase):
    def found(self, data, *canaries):
        return {hit.canary for hit in canary.Scanner(canaries).bytes(data, "here")}

    def test_every_form_is_found_within_random_bytes(self):
        source = random.Random(7)
        for wanted in (NUMBER, TOKEN):
            for name, form in canary.FORMS.items():
                for spelling in wanted.spellings():
                    for written in form(spelling):
                        with self.subTest(form=name, spelling=spelling):
                            data = source.randbytes(99) + written + source.randbytes(99)
                            self.assertEqual(self.found(data, wanted), {wanted})

    def test_bytes_without_a_canary_have_no_hit(self):
        other = b"+250788000124 kwzmu hlopg xrty 0788000124" + random.Random(8).randbytes(1 << 20)
        self.assertEqual(self.found(other, NUMBER, TOKEN), set())

    def test_known_encodings(self):
        # 27.007 and GSM 03.38 say how a number and a text look in a PDU; these are known values.
        self.assertEqual(canary.swapped_nibbles("46708251358"), bytes.fromhex("6407281553f8"))
        self.assertEqual(canary.gsm7_packed("hellohello", 0), bytes.fromhex("e8329bfd4697d9ec37"))

    def test_a_text_packed_behind_other_septets_is_found(self):
        for before in range(9):
            packed = canary.gsm7_packed("x" * before + TOKEN.letters + "yy", 0)
            self.assertEqual(self.found(packed, TOKEN), {TOKEN}, before)

    def test_base64_is_found_wherever_the_text_stands_in_the_body(self):
        import base64
        for before in range(6):
            body = base64.b64encode(b"{" * before + b"+250788000123 says kwzmuhlopgxrty!")
            self.assertEqual(self.found(body, NUMBER, TOKEN), {NUMBER, TOKEN}, before)

    def test_a_token_broken_up_by_a_compressor_is_found(self):
        for before in range(9):  # pglz: a control byte before every 8 literals
            literals = b"x" * before + TOKEN.letters.encode()
            broken = b"".join(b"\0" + literals[i:i + 8] for i in range(0, len(literals), 8))
            self.assertEqual(self.found(broken, TOKEN), {TOKEN}, before)

    def test_six_letters_alone_are_chance_and_a_neighbour_makes_them_a_hit(self):
        for first in range(len(TOKEN.letters) - canary.WINDOW + 1):
            window = TOKEN.letters[first:first + canary.WINDOW + 1].encode()
            self.assertEqual(self.found(b"12" + window[:canary.WINDOW] + b"34", TOKEN), set())
            if len(window) > canary.WINDOW:
                broken = window[:canary.WINDOW] + b"\0" + window[canary.WINDOW:]
                self.assertEqual(self.found(b"12" + broken + b"34", TOKEN), {TOKEN})

    def test_a_canary_across_two_chunks_is_found_once(self):
        for shift in range(-15, 3):
            data = bytearray(canary.Scanner.CHUNK * 2)
            at = canary.Scanner.CHUNK + shift
            data[at:at + 12] = b"250788000123"
            hits = canary.Scanner([NUMBER]).bytes(bytes(data), "here")
            # The local form lies two digits further in the international one.
            self.assertEqual(sorted(hit.offset for hit in hits), [at, at + 2])


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def test_compressed_files_are_opened_even_when_cut(self):
        text = b"nothing " * 1000 + TOKEN.letters.encode() + b" nothing" * 10
        (self.folder / "whole.gz").write_bytes(gzip.compress(text))
        cut = gzip.compress(text + random.Random(9).randbytes(100000))
        (self.folder / "cut.gz").write_bytes(cut[:-40])
        subprocess.run(["zstd", "-q", "-o", self.folder / "log.zst"], input=text, check=True)
        seen = {pathlib.Path(hit.place.split()[0]).name
                for hit in canary.Scanner([TOKEN]).path(self.folder)}
        self.assertEqual(seen, {"whole.gz", "cut.gz", "log.zst"})

    def test_the_control_is_seen_and_a_missing_plant_is_named(self):
        control = canary.Control(random.Random(10))
        control.write(self.folder / "control")
        scanner = canary.Scanner([NUMBER, TOKEN], control.canaries)
        hits = scanner.path(self.folder)
        self.assertEqual({hit.canary for hit in hits} & {NUMBER, TOKEN}, set())
        for place in ("plain", "log.gz", "log.zst"):
            self.assertEqual(control.missed(hits, self.folder / "control" / place), [])
        form, _, plant = control.plants[3]
        plain = self.folder / "control" / "plain"
        plain.write_bytes(plain.read_bytes().replace(plant, b""))
        self.assertEqual(control.missed(scanner.path(plain), plain), [form])


if __name__ == "__main__":
    unittest.main()
