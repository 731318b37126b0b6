"""What the run has left on disk: none of the numbers and texts that the tests have planted. Nor has
anybody been shown a number.

Runs last. The scanner must also find each canary of its own control, in the table, in the WAL, in
a plain file and in a compressed log; else it has not looked."""

import pathlib
import unittest

import canary
import system

# Commands that open texts, and so show them.
OPENING = {"ishara queue pull", "ishara queue show", "ishara queue export", "ishara audit verify"}
# The calls of the desk that tell of reports or of people; those with a name in them as the tests use.
CALLS = {"GET /api/v1/queues", "GET /api/v1/queues/demo-children/reports", "POST /api/v1/pull",
         "GET /api/v1/reports/{id}", "GET /api/v1/reports/{id}/history", "GET /api/v1/strays",
         "POST /api/v1/strays/{id}", "GET /api/v1/outdated", "POST /api/v1/outdated",
         "GET /api/v1/queues/demo-helpers/former-wraps",
         "POST /api/v1/queues/demo-helpers/former-wraps",
         "GET /api/v1/withdrawn", "GET /api/v1/audit", "GET /api/v1/rosters", "GET /api/v1/grants",
         "GET /api/v1/epochs", "GET /api/v1/transfers", "GET /api/v1/enrolments",
         "POST /api/v1/reports/{id}/note", "POST /api/v1/reports/{id}/reply",
         "POST /api/v1/reports/{id}/transfer", "POST /api/v1/reports/{id}/hold"}


def is_of_the_release(place, installed):
    """Whether a file of a pack is still as it was built, before any text of the run: six letters of
    a token may stand by chance in the names of so many places."""
    packs, place = installed / "usr/lib/ishara/packs", pathlib.Path(place)
    if not place.is_relative_to(packs):
        return False
    built = pathlib.Path(system.binary()).parent / "packs" / place.relative_to(packs)
    return built.is_file() and built.read_bytes() == place.read_bytes()


class Remains(unittest.TestCase):
    def test_no_number_and_no_text_is_left_anywhere(self):
        deployment = system.shared()
        self.assertGreater(len(deployment.planted), 100, "the other tests have planted nothing")
        control = canary.Control()
        control.write(deployment.folder / "control")
        control.insert(deployment.psql)
        try:
            scanner = canary.Scanner(deployment.planted, control.canaries)
            hits = scanner.path(deployment.folder) + scanner.tables(deployment.psql)
            # The folder of the cluster may be a link to where Postgres can write.
            cluster = (deployment.folder / "postgres" / "cluster").resolve()
            if not cluster.is_relative_to(deployment.folder):
                hits += scanner.path(cluster)
        finally:
            canary.run(deployment.psql, "DROP SCHEMA canary CASCADE")

        for place in (deployment.folder / "control" / "plain", deployment.folder / "control" / "log.gz",
                      deployment.folder / "control" / "log.zst", "table canary.control",
                      cluster / "data" / "pg_wal", cluster / "data" / "base"):
            self.assertEqual(control.missed(hits, place), [], f"not seen in {place}")
        compressed = [hit.place for hit in hits if hit.canary == control.compressed]
        self.assertTrue([place for place in compressed if "/base/" in place], "not seen in pglz")

        found = [f"{hit.place}:{hit.offset}: {hit.canary}" for hit in hits
                 if hit.canary in deployment.planted
                 and not is_of_the_release(hit.place, deployment.folder / "installed")]
        self.assertEqual(found, [])

    def test_no_command_and_no_answer_of_the_desk_shows_a_number(self):
        deployment = system.shared()
        self.assertLessEqual(CALLS, deployment.answered.labels())
        control = canary.Control()
        for record in (deployment.said, deployment.answered):
            record.add("control", control.content())
        scanner = canary.Scanner(deployment.planted, control.canaries)
        said = deployment.said.hits(scanner)
        answered = deployment.answered.hits(scanner)
        for hits in (said, answered):
            self.assertEqual(control.missed(hits, "control"), [])

        # Texts come sealed from the desk and are in clear for who opens them.
        texts = {hit.canary for hit in said if hit.place in OPENING and isinstance(hit.canary, canary.Token)}
        self.assertGreater(len(texts), 100, "nobody has opened what was planted")
        found = {f"{hit.place}: {hit.canary}" for hit in said + answered
                 if hit.canary in deployment.planted and not (hit.place in OPENING and hit.canary in texts)}
        self.assertEqual(sorted(found), [])
