"""Who listens on a port."""

import os
import socket

import pytest

from devtools import ports
from devtools.console import CliError

_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:526A 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
"""


def test_only_listening_sockets_are_read() -> None:
    assert ports.parse_table(_TABLE) == {21098: ports.Listener(inode="4711", uid=1000)}


def test_a_taken_port_is_refused_with_its_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CliError, match=rf"port {port} is taken by pid {os.getpid()} \(.*python"):
            ports.require_free([port])
    ports.require_free([port])
