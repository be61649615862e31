"""The DNS server of the nodes: it knows no names and says so immediately, as a real server does for `mysql`.

Docker asks it about each name that Docker does not know itself. With an upstream server, it forwards the queries about
other machines. It ends together with the daemon that started it.
"""

import os
import socket
import struct
import sys

_NO_SUCH_NAME = 0x8183  # a response with recursion desired and available, and the code NXDOMAIN
_HEADER = 12


def answer(query: bytes) -> bytes:
    """A response that repeats the question and says that the name does not exist."""
    end = _HEADER
    while end < len(query) and query[end]:
        end += query[end] + 1
    return query[:2] + struct.pack("!HHHHH", _NO_SUCH_NAME, 1, 0, 0, 0) + query[_HEADER : end + 5]


def is_internal(query: bytes) -> bool:
    """Whether the query is about a container: its name has no dot or begins with `_`, as in `_grpc_config.temporal`."""
    first = query[_HEADER] if len(query) > _HEADER else 0
    second = _HEADER + first + 1
    return query[_HEADER + 1 : _HEADER + 2] == b"_" or not any(query[second : second + 1])


def forward(query: bytes, upstream: str) -> bytes:
    """The response from another DNS server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(query, (upstream, 53))
        return client.recv(4096)


def serve(address: str, upstream: str = "") -> None:
    """Answer queries until the parent process has ended."""
    parent = os.getppid()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        server.settimeout(2)
        while os.getppid() == parent:
            try:
                query, sender = server.recvfrom(4096)
                forwarded = upstream and not is_internal(query)
                server.sendto(forward(query, upstream) if forwarded else answer(query), sender)
            except OSError:
                continue


if __name__ == "__main__":
    serve(*sys.argv[1:])
