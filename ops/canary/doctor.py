"""What `ishara doctor --canary` runs: made-up texts from made-up numbers go through a channel of the
running deployment, and then everything that it leaves behind is searched for them.

The scan also has to find what it has planted itself, once in each form that a leak could have: in a
scratch table, in a plain file, in compressed ones. Afterwards the phones take their reports back.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import canary

PHONES = 20
SECONDS = 60  # at most, until the relay has read what came


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ishara", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--database", required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    psql = ["psql", "-d", arguments.database]
    found = []

    def find(verdict, what, todo=""):
        found.append(verdict)
        if arguments.json:
            print(json.dumps({"verdict": verdict, "check": "canary", "what": what, "todo": todo}))
        else:
            word = "FAILURE" if verdict == "failure" else verdict
            print(f"{word:<8} {'canary':<10} {what}" + (f"; {todo}" if todo else ""), flush=True)

    def text(number, words):
        command = [arguments.ishara, "simulate", "sms", "--url", arguments.url, "--provider",
                   arguments.provider, "--from", "+" + number.digits, "--text", words]
        if arguments.token:
            command += ["--token", arguments.token]
        return subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0

    unreadable = [path for path in arguments.paths if not pathlib.Path(path).exists()]
    for path in unreadable:
        find("failure", f"{path} is not there", "name files and folders that are, as root")
    try:
        canary.run(psql, "CREATE SCHEMA canary")
        canary.run(psql, "DROP SCHEMA canary")
    except (subprocess.CalledProcessError, FileNotFoundError):
        find("failure", "the database does not let me look into every table",
             "give --database a connection as superuser, for example 'dbname=ishara user=postgres'")
    if found:
        return 1

    began = time.time()
    phones = [(canary.Number(f"99955{random.randrange(10 ** 8):08}", "999"), canary.random_token())
              for _ in range(PHONES)]
    sent = [each for each in phones if text(each[0], f"they keep my papers {each[1].letters}")]
    if len(sent) < PHONES:
        find("failure", f"{PHONES - len(sent)} of {PHONES} texts were not taken",
             "see --url and --provider, and that the gateway runs")
    planted = {each for phone in sent for each in phone}
    while sent and time.time() < began + SECONDS and canary.run(
            psql, "SELECT 1 FROM retaddr_inbox LIMIT 1").strip():
        time.sleep(1)

    control = canary.Control()
    scanner = canary.Scanner(planted, control.canaries)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "control"
        try:
            control.write(folder)
            control.insert(psql)
            hits = scanner.tables(psql) + [hit for path in (*arguments.paths, folder)
                                           for hit in scanner.path(path)]
        finally:
            canary.run(psql, "DROP SCHEMA IF EXISTS canary CASCADE")
        if pathlib.Path("/run/systemd/system").is_dir() and shutil.which("journalctl"):
            journal = subprocess.run(["journalctl", "-o", "export", f"--since=@{int(began)}"],
                                     stdout=subprocess.PIPE, check=True).stdout
            hits += scanner.bytes(journal, "the journal")
        missed = [form for place in ("table canary.control", *folder.iterdir())
                  for form in control.missed(hits, place)]
    if missed:
        find("failure", f"the scan missed {len(missed)} of its own: {', '.join(missed[:3])} ...",
             "its result counts for nothing; report this")
    for place in sorted({hit.place for hit in hits if hit.canary in planted}):
        find("failure", f"a number or text lies in clear in {place}",
             "find out who writes there, and destroy it")
    left = [number for number, _ in sent if not text(number, "DELETE")]
    if left:
        find("warning", f"{len(left)} made-up reports could not be taken back",
             "a caseworker closes them; they hold 'they keep my papers'")
    if "failure" not in found:
        find("good", f"{len(planted)} made-up numbers and texts in none of "
                     f"{len(arguments.paths)} places, nor in any table")
    return 1 if "failure" in found else 0


if __name__ == "__main__":
    sys.exit(main())
