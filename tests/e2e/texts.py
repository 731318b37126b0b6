"""Texts and phones for the tests. All numbers are fictitious; every text holds a random token."""

import random
import unicodedata

import canary

BITS = {
    "latin": ["Two girls are held at the farm", "they took our papers & phones", "100% sure",
              "call + ask for \"Anna\"", "he said: 'no pay'", "mail me @ night", "price £50 {cash}",
              "5 € a day", "a=b&c=d", "%41%00 is not an escape", "x+y+z", "[urgent] ~ \\ | ^",
              "ñandú, Ærø, Größe, où, ¿qué?", "  two  spaces ", "abakobwa babiri barafunzwe"],
    "arabic": ["فتاتان محتجزتان في المزرعة", "أخذوا أوراقنا", "نحتاج إلى مساعدة الآن", "٢٠٢٦"],
    "cyrillic": ["Две девушки на ферме", "забрали паспорта", "помогите, пожалуйста", "«срочно»"],
    "emoji": ["help 🙏🏽 please", "👩‍👧 at the 🏠", "🚨🚨 now", "’curly’ quotes and… dots —"],
    "lines": ["first line\nsecond line", "a\nb\n\nc", "to: @home\ncost: 5 €\n100% & +1"],
}


def make(count, seed):
    """`count` rows (phone, text, token): every alphabet in turn, 1 to 3 segments each."""
    source = random.Random(seed)
    rows = []
    for n in range(count):
        alphabet = list(BITS)[n % len(BITS)]
        segments = 1 + n // len(BITS) % 3
        gsm = alphabet == "latin"
        room = (160 if gsm else 70) if segments == 1 else (153 if gsm else 67) * segments
        token = canary.random_token(source)
        text = token.letters
        while True:
            bit = source.choice(BITS[alphabet])
            longer = f"{bit} {text}" if source.random() < 0.5 else f"{text} {bit}"
            # One unit for each escape of GSM-7 and for each half of a surrogate pair.
            units = sum(2 if ord(c) > 0xffff or c in "^{}\\[~]|€" else 1 for c in longer)
            if units > room:
                break
            text = longer
        # From 1 on: a number that ends in zeros could stand by chance before the zeros of a record.
        # Its own for each seed: a second text of a phone within the hour is answered otherwise.
        number = canary.Number(f"25078800{1000 * seed + n + 1:04d}", "250")
        rows.append((number, unicodedata.normalize("NFC", text.strip()), token))
    return rows
