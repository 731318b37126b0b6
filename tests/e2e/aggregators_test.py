"""Every provider that is on offer, from `channel add` to the caseworker: its own request reaches the
queue, and the phone shows what the provider makes of the answer."""

import itertools
import json
import re
import tomllib
import unittest
import urllib.parse

import canary
import system
from kannel import free_ports, until

# What a channel may need, as `channel add` and `simulate sms` take it.
GIVEN = {"--token": "token-of-this-test", "--secret": "secret-of-this-test",
         "--account": "account-of-this-test"}
PROVED_BY_A_LOGIN = {"infobip"}  # of the channel, if it has one


class Aggregators(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        head, _, *table = ([cell.strip() for cell in line.split("|")[1:-1]] for line in
                           self.system.ishara("channel", "providers").stdout.splitlines())
        table = [dict(zip(head, row)) for row in table]
        self.providers = [row for row in table if row["brings texts"]]
        self.dialogues = [row["provider"] for row in table if row["dialogues"]]
        self.origin = "http://%s:%d" % self.system.kannel.address
        self.nowhere = "http://127.0.0.1:%d" % free_ports(1)[0]  # nothing leaves this machine

    def add(self, provider, name=None, *more):
        done = self.system.ishara(
            "channel", "add", name or f"of-{provider}", "--provider", provider, "--country", "RW",
            "--language", "en", "--url", self.origin, "--send-origin", self.nowhere, "--json", *more,
            *(word for pair in GIVEN.items() for word in pair))
        added = json.loads(done.stdout)
        url = added["url"]
        self.assertEqual(added.get("ussd_url"),
                         f"{url}/ussd" if provider in self.dialogues else None)
        path = urllib.parse.urlsplit(url).path
        ping = system.Channel(self.system.kannel.address, path).send
        until(lambda: ping(("POST", path, b"", {})).status != 404, "the gateway knows the channel")
        return url

    def simulate(self, provider, url, number, text, **given):
        options = {**GIVEN, **{f"--{name}": value for name, value in given.items()}}
        return self.system.ishara(
            "simulate", "sms", "--provider", provider, "--url", url, "--post", "--from",
            f"+{number.digits}", "--text", text, "--json",
            *(word for pair in options.items() for word in pair), check=False)

    def test_a_text_comes_through_each_provider_and_only_with_its_proof(self):
        self.assertLess(9, len(self.providers))
        before = self.system.report_count()
        tokens = []
        for place, row in enumerate(self.providers):
            provider = row["provider"]
            with self.subTest(provider):
                number, token = canary.Number(f"2507880190{place:02d}", "250"), canary.random_token()
                self.system.plant([(number, token)])
                url = self.add(provider)
                words = f"they keep our papers \u0645 {token.letters}"
                if row["proves itself by"] != "secret URL" or provider in PROVED_BY_A_LOGIN:
                    wrong = self.simulate(provider, url, number, words, token="wrong", secret="wrong")
                    self.assertEqual(wrong.returncode, 1)
                    self.assertIn("status 403", wrong.stderr)
                done = self.simulate(provider, url, number, words)
                self.assertEqual(done.returncode, 0, done.stderr)
                shown = json.loads(done.stdout)
                # The line of the others goes through an API.
                self.assertEqual(shown["reply"] is not None,
                                 row["replies in the answer"] == "yes", shown)
                if shown["reply"]:
                    self.assertRegex(shown["reply"], r"\b\d{10}\b")
                tokens.append(token.letters)
        self.assertLessEqual(len(self.providers), self.system.report_count() - before)
        texts = " ".join(self.system.take_all())
        self.assertEqual([letters for letters in tokens if letters not in texts], [])
        self.assertIn("\u0645", texts)

    def dial(self, provider, url, number, *answers):
        return self.system.ishara(
            "simulate", "ussd", "--provider", provider, "--url", url, "--from", f"+{number.digits}",
            "--json", "--secret", GIVEN["--secret"], "--account", GIVEN["--account"],
            *(word for answer in answers for word in ("--answer", answer)), check=False)

    def report_by_menu(self, provider, url, number, words):
        """The shortest way through the menu. A hash is no part of an answer, and tells two that are
        the same from one that is repeated; where no texts can be sent the last is not asked for."""
        answers = ["1", "1#", "1", "1#", "2", "2#", "1", "0", "3", words, "1", "1#", "1"]
        return self.dial(provider, url, number, *answers)

    def test_a_dialogue_of_each_provider_becomes_one_report_with_all_that_was_chosen(self):
        self.assertLess(7, len(self.dialogues))
        tokens = []
        for place, provider in enumerate(self.dialogues):
            with self.subTest(provider):
                number, token = canary.Number(f"2507880198{place:02d}", "250"), canary.random_token()
                self.system.plant([(number, token)])
                url = self.add(provider, f"dialogues-of-{provider}")
                left = self.dial(provider, url, number, "1", "1#", "0")
                self.assertEqual(left.returncode, 0, left.stderr)
                done = self.report_by_menu(provider, url, number, f"they beat us * {token.letters}")
                self.assertEqual(done.returncode, 0, done.stderr)
                *screens, last = (json.loads(line) for line in done.stdout.splitlines())
                self.assertEqual({screen["end"] for screen in screens}, {False})
                self.assertTrue(last["end"])
                self.assertTrue(screens[3]["screen"].startswith("What happens?\n1 Forced work"),
                                screens[3])
                self.assertRegex(last["screen"], r"^Saved\. Number \d{10}\.")
                wrong = self.dial(provider, url[:-1] + ("A" if url[-1] != "A" else "B"), number, "x")
                self.assertIn("status 404", wrong.stderr)
                tokens.append(token.letters)
        texts = self.system.take_opened(self.system.text_count() + 1)
        for letters in tokens:
            mine = [text for text in texts if letters in text["text"]]
            self.assertEqual(len(mine), 1, letters)
            self.assertEqual(mine[0]["category"], "LAB")
            self.assertTrue(mine[0]["region"].startswith("RW-02"), mine[0])
            self.assertEqual(mine[0]["menu"], {"who": "child", "danger": "not_now", "place": "",
                                               "partial": False, "gaps": []})

    def test_secrets_are_replaced_without_a_text_refused_on_the_way(self):
        places = itertools.count(5_000)

        def takes(url, secret):
            number, token = canary.Number(f"25078801{next(places)}", "250"), canary.random_token()
            self.system.plant([(number, token)])
            done = self.simulate("telerivet", url, number, f"they keep us {token.letters}",
                                 secret=secret)
            return 200 if done.returncode == 0 else int(re.search(r"status (\d+)", done.stderr)[1])

        def rotate(*options):
            return self.system.ishara("channel", "rotate", "rotated", *options, check=False)

        def sending():
            return tomllib.loads(relays.read_text())

        first = self.add("telerivet", "rotated", "--delivery-reports")
        former = GIVEN["--secret"]
        self.assertIn("nothing but its present secrets", rotate("--finish").stderr)
        # Half of a rotation would leave the relay with what is over soon.
        relays = next(self.system.folder.rglob("sending/rotated.toml"))
        gateways = next(self.system.folder.rglob("channels/rotated.toml"))
        before = gateways.read_bytes()
        relays.chmod(0o644)
        self.assertIn("what the relay sends with cannot be read", rotate().stderr)
        relays.chmod(0o600)
        self.assertEqual(gateways.read_bytes(), before)

        second = json.loads(rotate("--json").stdout)["url"]
        until(lambda: takes(second, former) == 200, "the gateway knows the new URL")
        self.assertEqual(takes(first, former), 200)
        self.assertEqual(sending()["delivery_url"], second + "/dlr")
        self.assertIn("between two secrets already", rotate().stderr)
        self.assertEqual(rotate("--finish").returncode, 0)
        until(lambda: takes(first, former) == 404, "the gateway has forgotten the former URL")
        self.assertEqual(takes(second, former), 200)

        file = self.system.elsewhere("new-secret")
        file.write_text("another-secret\n")
        file.chmod(0o600)
        self.assertEqual(rotate("--secret-file", file).returncode, 0)
        until(lambda: takes(second, "another-secret") == 200, "the gateway knows the new secret")
        self.assertEqual(takes(second, former), 200)
        self.assertEqual(takes(second, "wrong"), 403)
        self.assertEqual(sending()["password"], "another-secret")
        self.assertIn("between two secrets already", rotate("--secret-file", file).stderr)
        self.assertEqual(rotate("--finish").returncode, 0)
        until(lambda: takes(second, former) == 403, "the gateway has forgotten the former secret")
        self.assertEqual(takes(second, "another-secret"), 200)

    def test_a_channel_is_tried_stage_by_stage(self):
        def stages(name, url, *options):
            token = canary.random_token()
            self.system.plant([(canary.Number(f"2507880193{len(tried):02d}", "250"), token)])
            done = self.system.ishara("channel", "test", name, "--json", "--text",
                                      f"a test {token.letters}", "--from", f"+2507880193{len(tried):02d}",
                                      *options, text=url + "\n", check=False)
            tried.append(done)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            return done.returncode, {line["stage"]: line["good"] for line in lines}

        tried = []
        every = dict.fromkeys(("reach", "secret", "proof", "text", "time", "answer", "again"), True)
        for provider in ("telerivet", "twilio", "httpsms"):
            url = self.add(provider, f"tried-{provider}")
            self.assertEqual(stages(f"tried-{provider}", url), (0, every), provider)
        # No gateway there, another channel's URL, none.
        path = urllib.parse.urlsplit(url).path
        self.assertEqual(stages("tried-httpsms", self.nowhere + path), (1, {"reach": False}))
        self.assertEqual(stages("tried-twilio", url), (1, {}))
        self.assertIn("not the URL of channel 'tried-twilio'", tried[-1].stderr)
        self.assertEqual(stages("tried-twilio", "nothing"), (2, {}))
        url = self.add("telerivet", "tried-aloud")
        shown = self.system.ishara("channel", "test", "tried-aloud", "--url", url, "--from",
                                   "+250788019399").stdout
        self.assertRegex(shown, r"(?m)^good +text +taken and stored in \d+ ms$")
        self.assertRegex(shown, r"(?m)^good +answer +the phone gets: Message received\. Ref \d+\.")

    def test_a_channel_without_what_its_provider_proves_itself_with_is_not_made(self):
        for provider, option in (("twilio", "--token-file"), ("vonage", "--secret-file"),
                                 ("httpsms", "--secret-file"), ("capcom6", "--secret-file")):
            done = self.system.ishara("channel", "add", "unproved", "--provider", provider, "--country",
                                      "RW", "--language", "en", "--url", self.origin, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(option, done.stderr)
        self.assertEqual(list(self.system.folder.rglob("unproved.toml")), [])


if __name__ == "__main__":
    unittest.main()
