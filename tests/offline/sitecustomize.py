"""Connections to other machines fail: put this folder on PYTHONPATH, and Python imports it first.

``make test`` runs the notebooks so; a lesson that needs the network would fail there. What only looks a
name up, or sends without a connection, is not caught.
"""

import socket
from typing import Any

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


def _check(self: socket.socket, address: Any) -> None:
    internet = self.family in (socket.AF_INET, socket.AF_INET6)
    if internet and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise RuntimeError(f"a lesson tried to reach {address[0]}")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _check(self, address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _check(self, address)
    return _connect_ex(self, address)


socket.socket.connect = _guarded_connect  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign]
