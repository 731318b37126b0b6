"""A deployment whose people hold their keys: from the sheets of the officers to an opened report."""

import json
import shutil
import time
import unittest
import urllib.parse

import canary
import system
from kannel import free_ports, until


class Founding(unittest.TestCase):
    def setUp(self):
        self.shared = system.shared()
        self.own = self.shared.folder / "own"  # what the server has
        self.people = self.shared.elsewhere("people-of-own")  # what the officers and people have
        self.people.mkdir(mode=0o700)
        self.pack = self.country_pack()
        server = ["psql", "-Xq", "-d",
                  self.shared.database_url("postgres").replace("/ishara?", "/postgres?"), "-c"]
        system.run(*server, "CREATE DATABASE own OWNER ishara_owner")
        self.addCleanup(system.run, *server, "DROP DATABASE own WITH (FORCE)")
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports(3)]
        self.roles = []

    def country_pack(self):
        """The demo country with the one queue that this organisation starts with."""
        pack = self.people / "pack"
        shutil.copytree(system.ROOT / "ops/packs/rw-demo", pack)
        (pack / "queues.csv").write_text("name,class,organisation,fallback\nhelpers,ngo,umoja,\n")
        (pack / "routes.csv").write_text(
            "id,region,category,language,urgent,priority,owner,police\nroot,*,*,,,,helpers,\n")
        (pack / "exclusions.csv").unlink()
        return pack

    def url(self, role):
        return self.shared.database_url(f"ishara_{role}").replace("/ishara?", "/own?")

    def init(self, *custody, check=True):
        gateway, private, desk = self.addresses
        return system.run(system.binary(), "init", "--name", "umoja", "--directory", self.own,
                          "--country-pack", self.pack, "--listen", gateway, "--private-listen",
                          private, "--desk-listen", desk,
                          *(word for role in ("owner", "gateway", "relay", "desk")
                            for word in (f"--{role}-url", self.url(role))), *custody, check=check)

    def start_roles(self):
        """As they start before there is any roster: nobody can be served yet."""
        host, port = self.addresses[1].split(":")
        desk_host, desk_port = self.addresses[2].split(":")
        for role, ready in (("relay", self.own / "state/relay.sock"),
                            ("gateway", (host, int(port), "/readyz", 503)),
                            ("desk", (desk_host, int(desk_port), "/readyz", 503))):
            process = system.Process([system.binary(), role, "--config", str(self.own / "ishara.toml")],
                                     self.shared.folder / f"own-{role}.log", None, ready)
            process.start()
            self.addCleanup(process.kill)
            self.roles.append(process)

    def made(self, kind, *arguments):
        return json.loads(self.ishara("key", "make", kind, *arguments, "--json"))

    def ishara(self, *arguments):
        return system.run(system.binary(), *arguments).stdout

    def on_server(self, *arguments):
        return self.shared.ishara(*arguments, configuration=self.own / "ishara.toml").stdout

    def as_person(self, name, *words):
        key = self.people / f"{name}.key"
        done = self.ishara(*words, "--json", "--desk", f"http://{self.addresses[2]}", "--root-key",
                           self.root["sign_pk"], "--key", key, "--passphrase-file",
                           key.with_suffix(".passphrase"))
        return [json.loads(line) for line in done.splitlines()]

    def signing(self):
        return ("--yes", "--organisation-key", self.people / "umoja.key",
                "--organisation-passphrase-file", self.people / "umoja.passphrase")

    def key_of(self, kind, name, *arguments):
        return self.made(kind, "--file", self.people / f"{name}.key", "--new-passphrase-file",
                         self.people / f"{name}.passphrase", *arguments)

    def officers_sign(self):
        """What happens on a computer without network, and what is carried to the server."""
        sheets = ("--sheets", self.people)
        umoja = self.key_of("organisation", "umoja", "--name", "Umoja Trust", *sheets)
        recovery = self.made("recovery", "--name", "Umoja Trust", "--id", umoja["id"], *sheets)
        admin = self.key_of("user", "admin")
        root, organisation = self.people / "root.txt", self.people / "umoja.txt"
        two_sheets = [word for letter in "CA"
                      for word in ("--sheet", self.people / f"root-sheet-{letter}.txt")]
        self.ishara("org", "root", *two_sheets, "--services", self.own / "services.request",
                    "--add-organisation", f"{umoja['id']}:{umoja['sign_pk']}:ngo:Umoja Trust",
                    "--out", root, "--yes")
        self.ishara("org", "sign", "--rosters", root, "--root-key", self.root["sign_pk"],
                    *self.signing(), "--admin", f"{admin['id']}:{admin['sign_pk']}:{admin['box_pk']}",
                    "--recovery", recovery["box_pk"], "--out", organisation)
        self.on_server("org", "import", root, organisation, "--yes")

    def a_lead_comes(self):
        (invitation,) = self.as_person("admin", "user", "invite")
        self.assertEqual(invitation["root_key"], self.root["sign_pk"])
        lead = json.loads(self.ishara(
            "user", "enrol", "--json", "--user", invitation["user"], "--code", invitation["code"],
            "--desk", invitation["desk"], "--root-key", invitation["root_key"], "--key",
            self.people / "lead.key", "--new-passphrase-file", self.people / "lead.passphrase"))
        # There is nobody yet who could confirm it.
        (published,) = self.as_person("admin", "user", "admit", invitation["user"], "--roles",
                                      "lead,caseworker", "--words", lead["words"], *self.signing())
        self.assertTrue(published["in_force"])
        return invitation["user"]

    def a_queue_opens(self, lead):
        (key,) = self.as_person("lead", "org", "add-queue", "helpers")
        (proposed,) = self.as_person("admin", "org", "add-queue", "helpers", "--id", key["id"],
                                     "--public-key", key["public_key"], "--words", key["words"],
                                     "--members", lead, *self.signing())
        self.assertFalse(proposed["in_force"])
        (published,) = self.as_person("lead", "org", "confirm", "--yes")
        self.assertTrue(published["in_force"])
        self.as_person("lead", "user", "grant")

    def test_from_the_sheets_of_the_officers_to_an_opened_report(self):
        refused = self.init("--custody", "own", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("ishara key make root", refused.stderr)
        self.root = self.made("root", "--name", "umoja", "--sheets", self.people)
        # A deployment without a request for its keys is none.
        (self.own / "services.request").mkdir(parents=True)
        refused = self.init("--custody", "own", "--root-key", self.root["sign_pk"], check=False)
        self.assertIn("services.request", refused.stderr)
        self.assertFalse((self.own / "ishara.toml").exists())
        shutil.rmtree(self.own)
        told = self.init("--custody", "own", "--root-key", self.root["sign_pk"]).stdout
        self.assertIn("services.request", told)
        request = json.loads((self.own / "services.request").read_text())
        self.assertEqual([service["use"] for service in request["services"]], ["gateway", "relay"])
        for service in request["services"]:
            self.assertIn(service["words"], told)
        # No key of a person was ever here.
        self.assertFalse((self.own / "custody").exists())
        self.assertFalse((self.own / "users").exists())

        self.start_roles()
        for process in self.roles:
            until(lambda: "rosters_awaited" in process.log.read_text(),
                  f"{process.log.name} says what it waits for")
        doctor = self.shared.ishara("doctor", configuration=self.own / "ishara.toml", check=False)
        self.assertIn("people hold their own keys", doctor.stdout)
        self.assertIn("services.request", doctor.stdout)

        self.officers_sign()
        _, gateway, desk = self.roles
        until(lambda: desk.says(200), "the desk works with the rosters")
        lead = self.a_lead_comes()
        doctor = self.shared.ishara("doctor", configuration=self.own / "ishara.toml", check=False)
        self.assertRegex(doctor.stdout, "FAILURE.*helpers")
        self.a_queue_opens(lead)
        until(lambda: gateway.says(200), "the gateway has a queue to seal to")

        self.only_read_languages()
        channel = self.on_server("channel", "add", "post", "--provider", "kannel", "--country", "RW",
                                 "--language", "en", "--url", f"http://{self.addresses[0]}", "--json")
        host, port = self.addresses[0].split(":")
        path = urllib.parse.urlsplit(json.loads(channel)["url"]).path
        channel = system.Channel((host, int(port)), path)
        number, token = canary.Number("250788019501", "250"), canary.random_token()
        self.shared.plant([(number, token.letters, token)])
        words = f"the maid next door is never paid {token.letters}"
        until(lambda: channel.send(channel.text(number, words, "founding-1")).status == 200,
              "the gateway has heard of the channel")
        (pulled,) = self.as_person("lead", "queue", "pull")
        self.assertTrue(any(token.letters in text["text"] for text in pulled["texts"]))
        doctor = self.shared.ishara("doctor", configuration=self.own / "ishara.toml", check=False)
        self.assertNotIn("FAILURE", doctor.stdout)
        self.another_gateway_key(gateway, channel)

    def only_read_languages(self):
        """Outside of demo custody a pack that no native speaker has read is not used, and says so."""
        for role in ("gateway", "relay"):
            self.assertIn("no native speaker has read are left out: ar, es, fr, ru, rw, sw, ur, uz\n",
                          (self.shared.folder / f"own-{role}.log").read_text())
        refused = self.shared.ishara("channel", "add", "post", "--provider", "kannel", "--country",
                                     "RW", "--language", "rw", "--url", "http://127.0.0.1:1",
                                     configuration=self.own / "ishara.toml", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no language pack 'rw' is in use", refused.stderr)
        doctor = self.shared.ishara("doctor", configuration=self.own / "ishara.toml", check=False)
        self.assertIn("the pack rw, so that it is left out", doctor.stdout)

    def another_gateway_key(self, gateway, channel):
        """Nothing is taken with a key that the rosters do not name; then they do."""
        number, token = canary.Number("250788019502", "250"), canary.random_token()
        self.shared.plant([(number, token.letters, token)])
        words = f"she is never let out {token.letters}"
        keys = self.own / "keys"
        request, rosters, root = (self.people / name for name in ("gateway.request", "present", "root-2"))
        (shown,) = self.as_person("admin", "org", "show", "--file", rosters)
        (before,) = [row["pk"] for row in shown["services"] if row["use"] == "gateway"]
        make = ("key", "make", "service", "--use", "gateway", "--request", request, "--json")
        made = json.loads(self.on_server(*make))
        self.assertEqual(json.loads(self.on_server(*make)), made)

        gateway.stop()
        (keys / "gateway.key").rename(keys / "former")
        (keys / "gateway.key.next").rename(keys / "gateway.key")
        gateway.start()
        until(lambda: "service_key_refused" in gateway.log.read_text(), "the gateway says why")
        self.assertEqual(channel.send(channel.text(number, words, "founding-2")).status, 503)

        two_sheets = [word for letter in "AB"
                      for word in ("--sheet", self.people / f"root-sheet-{letter}.txt")]
        sign = ("org", "root", *two_sheets, "--rosters", rosters, "--services", request,
                "--end-service", before, "--yes")
        refused = system.run(system.binary(), *sign, "--out", root, "--end-at", "2026-01-31 15:00",
                             check=False)
        self.assertIn("lies in the past", refused.stderr)
        self.ishara(*sign, "--out", root)
        self.on_server("org", "import", root, "--yes")
        until(lambda: channel.send(channel.text(number, words, "founding-2")).status == 200,
              "the gateway takes texts with its new key")
        (shown,) = self.as_person("admin", "org", "show")
        ends = {row["pk"]: row["until"] for row in shown["services"]}
        self.assertGreater(ends[before], time.time() // 3600 + 46)
        self.assertIsNone(ends[made["pk"]])
        (pulled,) = self.as_person("lead", "queue", "pull")
        self.assertTrue(any(token.letters in text["text"] for text in pulled["texts"]))


if __name__ == "__main__":
    unittest.main()
