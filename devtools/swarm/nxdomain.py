"""The nodes' DNS server: it knows no name, and says so at once, as a real one would of `mysql` or `temporal`.

Docker asks it about each name that Swarm does not know yet. Ends with the daemon that it belongs to.
"""

import os
import socket
import struct
import sys

_NO_SUCH_NAME = 0x8183  # an answer, recursion there and wanted, NXDOMAIN


def answer(query: bytes) -> bytes:
    """The question itself, with the verdict."""
    end = 12
    while end < len(query) and query[end]:
        end += query[end] + 1
    return query[:2] + struct.pack("!HHHHH", _NO_SUCH_NAME, 1, 0, 0, 0) + query[12 : end + 5]


def serve(address: str) -> None:
    """Answer until our parent is gone."""
    parent = os.getppid()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        server.settimeout(2)
        while os.getppid() == parent:
            try:
                query, asker = server.recvfrom(4096)
                server.sendto(answer(query), asker)
            except OSError:
                continue


if __name__ == "__main__":
    serve(sys.argv[1])
