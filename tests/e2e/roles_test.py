"""The three roles and the backup as systemd would run them: a user each, as scripts/install lays them
out, with the environment of the units in ops/systemd. There is no systemd to start them here; so what
they call is held against what the sandbox of the units lets them call."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

import canary
import system
from kannel import until
from provider import Provider
from strace import INWARDS, OUTWARDS, Trace

UNITS = system.ROOT / "ops/systemd"
ROLES = ("relay", "gateway", "desk")
USERS = (*ROLES, "backup")
EXPOSURE = 1.5  # at most, of 10; the README names it


def settings(*files):
    """The lines of [Service], in order: a name may stand more than once."""
    lines, section = [], None
    for line in "\n".join(file.read_text() for file in files).splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            lines.append(tuple(line.split("=", 1)))
    return lines


def as_user(user):
    return ["setpriv", "--reuid", user, "--regid", "ishara", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all", "--"]


def is_asleep(process):
    """Whether setpriv has become the sleep that it was to start."""
    return pathlib.Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n"


def system_calls(group):
    """The names in a group of systemd's, and in the groups that it names."""
    names = set()
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    for line in listed.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            names |= system_calls(word)
        elif word and not word.startswith("#"):
            names.add(word)
    return names


@unittest.skipUnless(os.geteuid() == 0, "only root can make users and become them")
class Roles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = deployment = system.shared()
        for role in (deployment.desk, deployment.gateway, deployment.relay):
            role.stop()
        cls.root = deployment.folder / "installed"
        cls.root.mkdir()
        deployment.folder.chmod(0o711)
        program = pathlib.Path(system.binary())
        cls.source = deployment.folder / "to-install"
        shutil.copytree(deployment.demo, cls.source, copy_function=shutil.copy)
        cls.install = (system.ROOT / "scripts/install", "--build", program.parent.resolve(), "--root",
                       cls.root)
        system.run(*cls.install, cls.source)
        cls.traces = {role: Trace(role, deployment.elsewhere(f"{role}.strace"), deployment.sendsms)
                      for role in USERS}
        cls.state = {role: cls.root / f"var/lib/ishara-{role}" for role in USERS}
        runtime = cls.root / "run/ishara-relay"
        runtime.mkdir(parents=True)
        runtime.chmod(0o750)
        shutil.chown(runtime, "ishara-relay", "ishara")
        cls.processes = {}
        for role in ROLES:
            ready = getattr(deployment, role).ready
            if role == "relay":
                ready = runtime / "relay.sock"
            # The log belongs to whoever starts the role, as the journal does.
            process = system.Process(cls.command(role), deployment.folder / f"installed-{role}.log",
                                     None, ready)
            process.start()
            cls.processes[role] = process
        cls.back_up()

    @classmethod
    def back_up(cls):
        """What the timer does, with what its operator has to write into the configuration."""
        secret = cls.system.elsewhere("secret.key")
        key = json.loads(system.run(system.binary(), "backup", "key", "--out", secret, "--json").stdout)
        configuration = cls.root / "etc/ishara/ishara.toml"
        content = configuration.read_text()
        url = cls.system.database_url("ishara_backup")
        content = content.replace("[database]\n", f'[database]\nbackup_url = "{url}"\n')
        configuration.write_text(f'{content}\n[backup]\npublic_key = "{key["public_key"]}"\n')
        system.run(*cls.command("backup"))
        until(lambda: any(" exit_group(" in line for line in cls.traces["backup"].lines()),
              "the backup has ended")

    def test_root_examines_all_of_it(self):
        names = {"STATE": "var/lib/ishara-gateway", "EPOCHS": "var/lib/ishara-relay/epochs",
                 "PACKS": "usr/lib/ishara/packs"}
        environment = [f"ISHARA_PATHS_{name}={self.root / path}" for name, path in names.items()]
        done = system.run("env", *environment, system.binary(), "doctor", "--config",
                          self.root / "etc/ishara/ishara.toml", check=False)
        self.assertEqual([line for line in done.stdout.splitlines()
                          if line.startswith("FAILURE")], [], done.stdout)
        for what in ("gateway: schema", "relay: schema", "desk: schema", "all signatures hold"):
            self.assertIn(what, done.stdout)

    @classmethod
    def tearDownClass(cls):
        for role in reversed(ROLES):
            if role in cls.processes:
                cls.processes[role].stop()
        for role in (cls.system.relay, cls.system.gateway, cls.system.desk):
            role.start()

    @classmethod
    def below_root(cls, text):
        return re.sub(r"(^|=)/(etc|usr|var|run)/", rf"\1{cls.root}/\2/", text)

    @classmethod
    def command(cls, role):
        unit = dict(settings(UNITS / f"ishara-{role}.service"))
        environment = [cls.below_root(value) for name, value in
                       settings(UNITS / f"ishara-{role}.service") if name == "Environment"]
        environment.append(f"ISHARA_PATHS_PACKS={cls.root}/usr/lib/ishara/packs")
        start = [cls.below_root(word) for word in unit["ExecStart"].split()]
        return cls.traces[role].command([*as_user(unit["User"]), "env", "-i", *environment, *start])

    def test_a_text_goes_its_way_between_three_users(self):
        number, token = canary.Number("250788009101", "250"), canary.random_token()
        self.system.plant([(number, token.letters, token)])
        request = self.system.kannel.text(number, f"they keep our papers {token.letters}", "roles-1")
        self.assertEqual(self.system.kannel.send(request).status, 200)
        until(self.addresses_are_read, "the relay has read the address")
        texts = self.system.pull(system.FETCH_LIMIT)
        self.assertEqual([text for text in texts if token.letters in text],
                         [f"they keep our papers {token.letters}"])

    def addresses_are_read(self):
        counted = system.run(*self.system.psql, "-XAtc", "SELECT count(*) FROM retaddr_inbox")
        return counted.stdout.strip() == "0"

    def test_nothing_secret_stays_where_it_was(self):
        left = [path for folder in ("keys", "channels", "sending", "epochs", "state")
                for path in (self.source / folder).rglob("*") if path.is_file()]
        self.assertEqual(left, [])

    def test_installing_again_keeps_every_key_and_takes_no_second_deployment(self):
        keys = [path for path in self.root.rglob("*.key") if path.is_file()]
        before = [(path, path.read_bytes()) for path in keys]
        self.assertLess(4, len(before))
        system.run(*self.install, self.source)
        self.assertEqual([(path, path.read_bytes()) for path in keys], before)
        refused = system.run(*self.install, self.system.demo, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("another deployment is installed already", refused.stderr)
        self.assertEqual([(path, path.read_bytes()) for path in keys], before)

    def test_the_backup_is_made_by_a_user_who_is_no_role_and_for_him_alone(self):
        (backup,) = self.files("backup")
        self.assertRegex(backup.name, r"^ishara-\d{4}-\d\d-\d\d-[0-9a-f]{16}\.backup$")
        self.assertEqual((backup.owner(), backup.stat().st_mode & 0o777), ("ishara-backup", 0o600))
        # Started again and again if it fails, but not as fast as a role.
        unit = dict(settings(UNITS / "ishara-.service.d/sandbox.conf",
                             UNITS / "ishara-backup.service"))
        self.assertEqual((unit["Type"], unit["RestartSec"]), ("oneshot", "30min"))

    def test_no_role_reads_what_is_anothers(self):
        secrets = {
            "gateway": [*(self.root / "etc/ishara/gateway").rglob("*.*"), *self.files("gateway")],
            "relay": [*(self.root / "etc/ishara/relay").rglob("*.*"), *self.files("relay")],
            "desk": self.files("desk"),
            "backup": self.files("backup"),
        }
        for owner, files in secrets.items():
            self.assertTrue(files, owner)
            for file in files:
                for role in USERS:
                    read = subprocess.run([*as_user(f"ishara-{role}"), "cat", file],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    self.assertEqual(read.returncode == 0, role == owner, f"{role} {file}")

    def files(self, role):
        return [path for path in self.state[role].rglob("*") if path.is_file()]

    def test_each_user_is_its_own_role_in_the_database_alone(self):
        for role in USERS:
            for other in (*USERS, "owner"):
                asked = subprocess.run(
                    [*as_user(f"ishara-{role}"), "psql", "-XAtc", "SELECT current_user", "-d",
                     self.system.database_url(f"ishara_{other}")], cwd="/", text=True, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL)
                self.assertEqual(asked.stdout.strip(), f"ishara_{role}" if role == other else "")

    def test_they_call_nothing_that_the_units_forbid(self):
        sandbox = settings(UNITS / "ishara-.service.d/sandbox.conf")
        allowed = set()
        for name, value in sandbox:
            if name == "SystemCallFilter":
                if value.startswith("~"):
                    allowed -= system_calls(value[1:])
                else:
                    allowed |= system_calls(value)
        families = dict(sandbox)["RestrictAddressFamilies"].split()
        for role in USERS:
            called = self.calls(role)
            self.assertLess(20, len(called), f"strace saw nothing of {role}")
            self.assertEqual(called.keys() - allowed, set(), role)
            asked = re.findall(r"\bsocket\((\w+)", "\n".join(called["socket"]))
            self.assertTrue(asked, role)
            # The backup has no network.
            reached = {"AF_UNIX"} if role == "backup" else set(families)
            self.assertEqual(set(asked) - reached, set(), role)
            for name in ("mmap", "mprotect"):
                for line in called[name]:
                    self.assertFalse("PROT_WRITE" in line and "PROT_EXEC" in line, line)

    def test_no_call_takes_a_number_or_a_text_anywhere(self):
        planted = []
        for n, channel in enumerate((self.system.kannel, self.system.kannel_by_get)):
            number, token = canary.Number(f"25078800911{n}", "250"), canary.random_token()
            planted += [number, token]
            self.system.plant([(number, token)])
            words = f"they beat my sister {token.letters}"
            request = channel.text(number, words, f"out-{n}")
            if channel is self.system.kannel_by_get:
                query = urllib.parse.urlencode({"from": number.digits, "text": words})
                request = ("GET", f"{request[1]}&{query}")
            self.assertEqual(channel.send(request).status, 200)
        until(self.addresses_are_read, "the relay has read the addresses")
        opened = "".join(self.system.pull(system.FETCH_LIMIT))
        self.assertTrue(all(token.letters in opened for token in planted[1::2]))

        scanner = canary.Scanner(planted)
        self.assertEqual({hit.canary for hit in self.traces["gateway"].passed(scanner, INWARDS)},
                         set(planted), "the scan has to see what comes in")
        for role in ROLES:
            self.assertEqual(self.traces[role].leaks(scanner), [], role)
        self.assertIn(planted[0], {hit.canary for hit in self.traces["gateway"].passed(scanner, OUTWARDS)
                                   if hit.place == "relay"})

    def test_a_reply_leaves_for_its_provider_alone_and_what_ends_a_report_for_nowhere(self):
        provider = Provider(self.system.sendsms)
        self.addCleanup(provider.stop)
        numbers = [canary.Number(f"25078800912{n}", "250") for n in range(2)]
        tokens = [canary.random_token() for _ in range(5)]
        self.system.plant([*((number, tokens[0]) for number in numbers), *((token,) * 2 for token in tokens)])
        first, second, reply, note, later = tokens

        def text(number, words):
            text.sent += 1
            request = self.system.kannel.text(number, words, f"leaves-{text.sent}")
            self.assertEqual(self.system.kannel.send(request).status, 200)
        text.sent = 0

        def queue(*words, text=None):
            key = self.system.demo / "users/demo-ngo-caseworker.key"
            return json.loads(self.system.ishara(
                "queue", *words, "--json", "--key", key, "--passphrase-file",
                key.with_suffix(".passphrase"), text=text).stdout)

        text(numbers[0], f"the maid next door is never paid {first.letters}")
        text(numbers[0], "1")
        until(self.addresses_are_read, "the relay has read the yes")
        report = queue("pull", "demo-helpers")
        self.addCleanup(self.forget, report["id"])
        self.assertIn(first.letters, report["texts"][0]["text"])
        queue("reply", report["id"], text=f"we come {reply.letters}")
        until(lambda: provider.texts == [("+" + numbers[0].digits, f"we come {reply.letters}")],
              "the reply is sent")
        queue("note", report["id"], text=f"she is afraid {note.letters}")
        queue("refer", report["id"], "demo-children")
        text(numbers[0], f"come at night {later.letters}")
        text(numbers[0], "STOP")
        text(numbers[1], f"the maid next door is never paid {second.letters}")
        text(numbers[1], "DELETE")
        until(self.addresses_are_read, "the relay has read the addresses")

        scanner = canary.Scanner([*numbers, *tokens])
        came = {hit.canary for hit in self.traces["gateway"].passed(scanner, INWARDS)}
        self.assertEqual(came, {*numbers, first, second, later}, "the scan has to see what comes in")
        for role in ROLES:
            self.assertEqual(self.traces[role].leaks(scanner), [], role)
        sent = {hit.canary for hit in self.traces["relay"].passed(scanner, OUTWARDS)}
        self.assertEqual(sent, {numbers[0], reply})

    def forget(self, report):
        # The other tests of this run pull reports of one text each.
        for table in ("reply_outbox", "reply_state", "note", "statement", "text", "report"):
            system.run(*self.system.psql, "-Xqc", f"DELETE FROM {table} WHERE report_id = '{report}'")

    def calls(self, role):
        """What a role has called since it began, by name; not what brought it to life."""
        called, born = {}, False
        for line in self.traces[role].lines():
            name = re.match(r"\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", line)
            if name and name.group(1) == "execve":
                born = f'execve("{self.root}/usr/lib/ishara/ishara"' in line
            elif name and born:
                called.setdefault(name.group(1), []).append(line)
        return called

    def test_not_even_the_same_user_reads_their_memory(self):
        control = subprocess.Popen([*as_user("ishara-gateway"), "sleep", "60"])
        try:
            until(lambda: is_asleep(control), "the control runs")
            reader = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'rb')"
            for pid, may in ((control.pid, True), (self.processes["gateway"].process.pid, False)):
                read = subprocess.run([*as_user("ishara-gateway"), "/usr/bin/python3", "-c", reader,
                                       str(pid)], stderr=subprocess.DEVNULL, cwd="/")
                self.assertEqual(read.returncode == 0, may)
        finally:
            control.kill()
            control.wait()

    def test_a_crash_leaves_no_core(self):
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        if "/" in pattern or pattern.startswith("|"):
            self.skipTest("this kernel puts cores elsewhere")
        with tempfile.TemporaryDirectory() as folder:
            shutil.chown(folder, "ishara-gateway", "ishara")

            def unlimited():
                resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

            def crash(command, running):
                process = subprocess.Popen(command, cwd=folder, preexec_fn=unlimited,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                running(process)
                process.send_signal(signal.SIGSEGV)
                self.assertEqual(process.wait(), -signal.SIGSEGV)
                return os.listdir(folder)

            def sleeping(process):
                until(lambda: is_asleep(process), "it sleeps")

            self.processes["gateway"].stop()
            traced = self.command("gateway")
            log = self.system.folder / "installed-crash.log"
            gateway = system.Process(None, log, None, self.processes["gateway"].ready)

            def serving(process):
                gateway.process = process
                until(gateway._ready, "the gateway is ready")

            try:
                self.assertEqual(crash(traced[traced.index("setpriv"):], serving), [])
                # The same way to die leaves one where nobody forbids it.
                self.assertEqual(len(crash([*as_user("ishara-gateway"), "sleep", "60"], sleeping)), 1)
            finally:
                self.processes["gateway"].start()

    def test_the_units_are_sound_and_leave_little_open(self):
        units = self.root / "etc/systemd/system"
        others = self.root / "usr/lib/systemd/system"  # what the units refer to
        others.mkdir(parents=True)
        for target in pathlib.Path("/usr/lib/systemd/system").glob("*.target"):
            shutil.copy(target, others)
        names = {role: f"ishara-{role}.service" for role in USERS}
        for name in (*names.values(), "ishara-backup.timer"):
            verified = subprocess.run(["systemd-analyze", "verify", f"--root={self.root}", name],
                                      text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            said = [line for line in verified.stdout.splitlines() if name in line]
            self.assertEqual(said, [], verified.stdout)
        for role, name in names.items():
            examined = subprocess.run(["systemd-analyze", "security", "--offline=true", units / name],
                                      text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            exposure = float(re.search(r"exposure level for \S+ ([\d.]+)", examined.stdout).group(1))
            self.assertLessEqual(exposure, EXPOSURE, role)


if __name__ == "__main__":
    unittest.main()
