"""What people get to see of a run: what every command prints, and what the desk answers them."""

import base64
import hashlib
import re
import socket
import socketserver
import threading

# Random ids and keys stand as hexadecimal digits in answers, and ten of those in a row are a number
# now and then. They are searched as the bytes that they are.
HEXADECIMAL = re.compile(rb"\b(?:[0-9a-f]{2}){16,}\b")
# So it is with what is sealed or signed, which stands in base64: six letters of a token in a row.
BASE64 = re.compile(rb'"((?:[A-Za-z0-9+/]{4}){12,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)"')
ID = re.compile(r"[0-9a-f]{32}")


class Record:
    """Pieces of bytes with a label each, in a file. What has come before is not kept again."""

    def __init__(self, path):
        self.file = path.open("w+b")
        self.pieces = {}  # hash of label and bytes -> label, where it begins, its length
        self.lock = threading.Lock()

    def add(self, label, data):
        known = hashlib.sha256(label.encode() + b"\0" + data).digest()
        with self.lock:
            if known not in self.pieces:
                self.pieces[known] = label, self.file.seek(0, 2), len(data)
                self.file.write(data)

    def labels(self):
        return {label for label, *_ in self.pieces.values()}

    def hits(self, scanner):
        """As of canary.Scanner; the place is the label."""
        found = []
        for label, begin, length in list(self.pieces.values()):
            with self.lock:
                self.file.seek(begin)
                data = self.file.read(length)
            values = [bytes.fromhex(value.decode()) for value in HEXADECIMAL.findall(data)]
            data = HEXADECIMAL.sub(b"", data)
            values += [base64.b64decode(value) for value in BASE64.findall(data)]
            found += scanner.bytes(b"\n".join(values), label)
            found += scanner.bytes(BASE64.sub(b"", data), label)
        return found

    def close(self):
        self.file.close()


class Wire:
    """Stands between the commands and the desk and records every answer, by method and path."""

    def __init__(self, desk, record):
        class Connection(socketserver.BaseRequestHandler):
            def handle(self):
                asked, answered = bytearray(), bytearray()
                try:
                    server = socket.create_connection(desk)
                except OSError:
                    return  # the desk is away; so is this connection
                with server:
                    there = threading.Thread(target=carry, args=(self.request, server, asked))
                    there.start()
                    carry(server, self.request, answered)
                    there.join()
                line = asked.split(b"\r\n", 1)[0].decode(errors="replace")  # GET /path HTTP/1.1
                record.add(ID.sub("{id}", line.rpartition(" ")[0].partition("?")[0]), bytes(answered))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Connection)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def carry(source, sink, passed):
    """Passes on to the end of the stream, which it passes on as well."""
    try:
        while data := source.recv(1 << 16):
            passed += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # whoever of the two is there still sees the other end
