"""What a role's system calls carry, by strace: where each number and each text goes."""

import codecs
import re

import canary

INWARDS = "read|pread64|readv|recvfrom|recvmsg"
OUTWARDS = "write|pwrite64|writev|pwritev|pwritev2|vmsplice|tee|copy_file_range|sendto|sendmsg|sendmmsg|sendfile|splice"


class Trace:
    """The calls of one role, over its restarts too. `provider` is the port where texts are sent to."""

    # More than any call carries: what strace cuts off, nobody looks into.
    LONGEST = 1 << 22

    def __init__(self, role, path, provider):
        self.role, self.path = role, path
        self.peers = {'/relay.sock"': "relay", f"sin_port=htons({provider})": "provider"}

    def command(self, command, only=""):
        """`command` under strace. `only`: calls to trace instead of all of them, as in `passed`."""
        # As a grandchild, so that the process is the role's.
        return ["strace", "-D", "-f", "-A", "-qq", "-e", "signal=none", "-s", str(self.LONGEST),
                *(["--seccomp-bpf", "-e", f"trace=/^({only}|connect|close|execve)$"] if only else []),
                "-o", str(self.path), *command]

    def lines(self):
        with self.path.open(errors="replace") as lines:
            yield from lines

    def passed(self, scanner, names):
        """What the calls of these names have carried: hits of the scanner, whose place is the name
        of a peer or the number of a descriptor."""
        call = re.compile(rf"\d+ +(?:<\.\.\. )?(?:{names})(?:\((\d+)| resumed)")
        carried, places = {}, {}
        for line in self.lines():
            if " execve(" in line:
                places.clear()  # the descriptors of the process before it
            elif over := re.match(r"\d+ +(connect|close)\((\d+)", line):
                # A descriptor is used again when it is closed.
                places.pop(over.group(2), None)
                found = [name for words, name in self.peers.items() if words in line]
                if over.group(1) == "connect" and found:
                    places[over.group(2)] = found[0]
            elif found := call.match(line):
                if '"...' in line:
                    raise AssertionError(f"a call of {self.path} is cut")
                place = places.get(found.group(1), found.group(1))
                carried.setdefault(place, bytearray()).extend(
                    b"\0".join(codecs.escape_decode(words)[0]
                               for words in re.findall(r'"((?:[^"\\]|\\.)*)"', line)) + b"\0")
        return [hit for place, data in carried.items() for hit in scanner.bytes(bytes(data), place)]

    def leaks(self, scanner):
        """What leaves by another way than it may: the gateway asks the relay about numbers, over a
        socket that only the two have, and the relay tells a provider what to send to whom."""
        return [hit for hit in self.passed(scanner, OUTWARDS)
                if not (self.role == "relay" and hit.place == "provider") and
                not (self.role == "gateway" and hit.place == "relay" and
                     isinstance(hit.canary, canary.Number))]
