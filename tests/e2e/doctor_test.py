"""`ishara doctor --canary` on the deployment of the tests: it finds nothing, and finds what a
careless proxy writes down."""

import http.client
import http.server
import json
import threading
import unittest
import urllib.parse

import system
from kannel import until


class Proxy(http.server.BaseHTTPRequestHandler):
    """Forwards to the gateway and keeps an access log, as many do without being told."""

    def do_GET(self):
        gateway = http.client.HTTPConnection(*self.server.gateway, timeout=30)
        gateway.request("GET", self.path)
        answer = gateway.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        gateway.close()

    def log_message(self, format, *arguments):
        with self.server.log.open("a") as log:
            log.write(format % arguments + "\n")


class Doctor(unittest.TestCase):
    def setUp(self):
        self.system = system.shared()
        self.channel = self.system.kannel_by_get
        self.before = self.system.report_count()

    def tearDown(self):
        until(lambda: self.system.report_count() == self.before, "the made-up reports are gone", 60)

    def look(self, url, *places):
        done = self.system.ishara("doctor", "--canary", "--json", "--provider", "kannel", "--url", url,
                                  "--database", self.system.psql[-1], *places, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertEqual(done.stderr, "")
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def test_nothing_is_found_where_nothing_is(self):
        code, findings = self.look(self.channel.url, self.system.folder)
        self.assertEqual([finding["verdict"] for finding in findings], ["good"], findings)
        self.assertEqual(code, 0)

    def test_an_access_log_is_found(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        server.gateway = self.channel.address
        server.log = self.system.elsewhere("access.log")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = urllib.parse.urlsplit(self.channel.url)._replace(
                netloc="127.0.0.1:%d" % server.server_port).geturl()
            code, findings = self.look(url, self.system.folder, server.log)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        self.assertEqual([finding["verdict"] for finding in findings], ["failure"], findings)
        self.assertIn(str(server.log), findings[0]["what"])
        self.assertEqual(code, 1)

    def test_a_place_that_is_not_there_and_a_database_that_says_no_are_failures(self):
        code, findings = self.look(self.channel.url, "/nowhere/at/all")
        self.assertEqual((code, findings[0]["verdict"]), (1, "failure"))
        self.assertIn("/nowhere/at/all", findings[0]["what"])
        done = self.system.ishara("doctor", "--canary", "--json", "--provider", "kannel", "--url",
                                  self.channel.url, "--database",
                                  self.system.database_url("ishara_gateway"), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("superuser", done.stdout)


if __name__ == "__main__":
    unittest.main()
