"""Nothing but this machine may be reached: put this folder on PYTHONPATH, and Python imports it first.

``make test`` runs the notebooks so; a lesson that needs the network would fail there.
"""

import socket

_connect = socket.socket.connect


def _local_only(self: socket.socket, address: object) -> None:
    """``connect`` for this machine, an error for every other."""
    internet = self.family in (socket.AF_INET, socket.AF_INET6)
    if internet and isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
        raise RuntimeError(f"a lesson tried to reach {address[0]}")
    _connect(self, address)  # type: ignore[arg-type]


socket.socket.connect = _local_only  # type: ignore[assignment,method-assign]
