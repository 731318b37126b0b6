"""What the run has left on disk: none of the numbers and texts that the tests have planted.

Runs last. The scanner must also find each canary of its own control, in the table, in the WAL, in
a plain file and in a compressed log; else it has not looked."""

import unittest

import canary
import system


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

        found = [f"{hit.place}:{hit.offset}: {hit.canary}" for hit in hits if hit.canary in deployment.planted]
        self.assertEqual(found, [])
