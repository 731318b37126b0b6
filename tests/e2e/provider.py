"""The send API of a Kannel, with nothing behind it."""

import http.server
import threading
import urllib.parse

import canary
from kannel import until


class Provider:
    """Takes every text and keeps it, as (phone, text), and where it is to report deliveries."""

    def __init__(self, port=0):
        self.texts, self.report_urls = [], []
        texts, report_urls = self.texts, self.report_urls

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                texts.append((query["to"][0], query["text"][0]))
                report_urls.extend(query.get("dlr-url", []))
                body = b"0: Accepted for delivery"
                self.send_response(202)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.origin = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def channel(self, deployment, name, *more):
        """A new channel whose answers are sent by this provider, once the gateway knows it."""
        made = deployment.add_channel(
            deployment.kannel.address, "kannel", name, "--from", "2020", "--account", "ishara",
            "--password", "word", "--send-origin", self.origin, *more)
        ping = made.text(canary.Number("999888777", "250"), "", f"{name}-ping")
        until(lambda: made.send(ping).status != 404, "the gateway knows the channel")
        return made
