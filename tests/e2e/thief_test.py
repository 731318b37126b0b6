"""Who has taken all files of the gateway and its database role reads nothing that is stored (P6)."""

import pathlib
import subprocess
import unittest

import canary
import kannel
import system

OPEN_WITH = pathlib.Path(system.binary()).parent / "open_with"
MAY_READ = {"dedupe", "epoch", "roster", "route_activation", "route_version", "schema_version"}
# What `ishara init` makes for others than the gateway.
OTHERS = ["custody", "users", "epochs", "sending", "keys/relay.key", "keys/host.key"]
KEY_WRAP, MESSAGE, ADDRESS, QUEUE_GRANT = "type-1", "type-2", "type-3", "type-6"


class Thief(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = system.shared()
        cls.numbers = [canary.Number(f"25078801820{n}", "250") for n in range(2)]
        tokens = [canary.random_token() for _ in cls.numbers]
        cls.system.plant(zip(cls.numbers, tokens))
        cls.send(cls.numbers[0], tokens[0])
        kannel.until(lambda: cls.sql("SELECT count(*) FROM retaddr_inbox") == "0",
                     "the relay has read its inbox")
        # Without the relay the second address stays where it is.
        cls.system.relay.stop()
        try:
            cls.send(cls.numbers[1], tokens[1])
            cls.rows = cls.stored()
        finally:
            cls.system.relay.start()

    @classmethod
    def send(cls, number, token):
        request = cls.system.kannel.text(number, f"help {token.letters}", f"thief-{number.digits}")
        assert cls.system.kannel.send(request).status == 200

    @classmethod
    def sql(cls, query):
        return system.run(*cls.system.psql, "-XAtc", query).stdout.strip()

    @classmethod
    def stored(cls):
        """The newest thousand of everything that is sealed, and the tags of numbers."""
        rows = []
        for table, column, size in (("report", "message", None), ("report", "wraps", 192),
                                    ("text", "message", None), ("text", "wraps", 192),
                                    ("note", "note", None), ("note", "wraps", 192),
                                    ("former_wrap", "wrap", None),
                                    ("retaddr_inbox", "retaddr", None),
                                    ("retaddr", "substr(address, 1, 192)", None),
                                    ("reply_outbox", "reply", None), ("qgrant", "envelope", None)):
            for row in cls.sql(f"SELECT encode({column}, 'hex') FROM {table} "
                               "ORDER BY age(xmin) LIMIT 1000").split():
                step = 2 * size if size else len(row)
                rows += [f"envelope {row[at:at + step]}" for at in range(0, len(row), step)]
        rows += [f"tag {tag.replace('-', '')}" for tag in
                 cls.sql("SELECT tag FROM thread WHERE kind = 'n'").split()]
        for number in cls.numbers:
            digits = number.digits.encode()
            rows.append(f"number {(bytes([len(digits)]) + digits.ljust(15, bytes(1))).hex()}")
        return "".join(f"{row}\n" for row in rows)

    def files_of_the_gateway(self):
        """Everything in the deployment's folder that was not made for another process."""
        return [path for path in sorted(self.system.demo.rglob("*"))
                if path.is_file() and not any(path.is_relative_to(self.system.demo / other)
                                              for other in OTHERS)]

    def open_with(self, files):
        done = subprocess.run([OPEN_WITH, *files], input=self.rows, stdout=subprocess.PIPE,
                              check=True, encoding="ascii")
        found = {what: int(count) for what, count in map(str.split, done.stdout.splitlines())}
        self.assertGreater(found.pop("keys"), 32 * len(files))
        return found

    def test_its_files_open_nothing_and_match_no_number(self):
        files = self.files_of_the_gateway()
        names = {str(path.relative_to(self.system.demo)) for path in files}
        self.assertLessEqual({"ishara.toml", "keys/gateway.key", "keys/dedupe.key",
                              "channels/post.toml", "state/rosters.seen"}, names)
        self.assertEqual(self.open_with(files), {"numbers": 0})

    def test_with_the_relays_files_the_same_search_opens_addresses_and_matches_numbers(self):
        relays = [self.system.demo / "keys/host.key", *(self.system.demo / "epochs").iterdir()]
        found = self.open_with(self.files_of_the_gateway() + relays)
        self.assertGreater(found[ADDRESS], 0)
        self.assertEqual(found["numbers"], 1)  # the relay has not seen the second

    def test_with_the_recovery_keys_the_same_search_opens_grants_wraps_and_texts(self):
        recovery = list((self.system.demo / "custody").glob("recovery-*.key"))
        found = self.open_with(self.files_of_the_gateway() + recovery)
        for what in (QUEUE_GRANT, KEY_WRAP, MESSAGE):
            self.assertGreater(found[what], 0, what)
        self.assertNotIn(ADDRESS, found)
        self.assertEqual(found["numbers"], 0)

    def test_its_role_reads_no_table_but_those_that_hold_nothing_of_a_report(self):
        tables = self.sql("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') "
                          "AND relnamespace = 'public'::regnamespace").split()
        self.assertLess(MAY_READ | {"report", "text", "note", "thread", "retaddr"}, set(tables))
        url = system.run(system.POSTGRES, "url", self.system.folder / "postgres",
                         "ishara_gateway").stdout.strip()
        for table in sorted(set(tables) - MAY_READ):
            column = self.sql(f"SELECT attname FROM pg_attribute WHERE attnum = 2 "
                              f"AND attrelid = '{table}'::regclass")
            ways = [f"SELECT * FROM {table} LIMIT 1", f"SELECT count({column}) FROM {table}",
                    f"COPY {table} TO STDOUT",
                    f"INSERT INTO {table} SELECT * FROM {table} RETURNING *",
                    f"UPDATE {table} SET {column} = {column} RETURNING *",
                    f"DELETE FROM {table} WHERE {column} IS NULL RETURNING *"]
            done = system.run("psql", "-d", url, "-XAt", *(word for way in ways
                                                           for word in ("-c", way)), check=False)
            refused = sum("permission denied" in line for line in done.stderr.splitlines())
            with self.subTest(table):
                self.assertEqual((refused, done.stdout), (len(ways), ""), done.stderr)
