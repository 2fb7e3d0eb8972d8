"""Builds the echoes that it is told on standard input with Scapy, and prints their bytes.

In: one echo in a line: IP version, source, destination, identifier, sequence, payload (hex).
Out: the ICMP message of each, checksum included (hex), and whether Scapy reads it back as an echo
request with the same numbers.
"""

import logging
import sys

logging.getLogger("scapy").setLevel(logging.CRITICAL)

from scapy.layers.inet import ICMP, IP  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6  # noqa: E402
from scapy.packet import Raw  # noqa: E402

for line in sys.stdin:
    version, source, destination, identifier, sequence, payload = line.rstrip("\n").split(" ")
    numbers = {"id": int(identifier), "seq": int(sequence)}
    if version == "4":
        packet = IP(src=source, dst=destination) / ICMP(type=8, **numbers)
        header = 20
    else:
        packet = IPv6(src=source, dst=destination) / ICMPv6EchoRequest(**numbers)
        header = 40
    print(bytes(packet / Raw(bytes.fromhex(payload)))[header:].hex())
