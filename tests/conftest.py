"""What every test starts from: fixed seeds, few threads, no network."""

from __future__ import annotations

import ipaddress
import os
import random
import socket
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TQDM_DISABLE", "1")  # before tqdm is imported: bars are not looked at

import numpy as np
import pytest
import torch
from hypothesis import settings

settings.register_profile("rsclib", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("rsclib")

# These files take minutes each: begun last, one of them would keep a single core busy to the end.
LONGEST = (
    "test_distributed", "test_browser", "test_faults_kill", "test_cli_environment", "test_predict_video",
    "test_rivals", "test_records", "test_reproduce", "test_notebooks",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first; the Makefile tells xdist to keep that order."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


MAX_THREADS = 1  # tests run side by side; threads that wait for a core spin


@pytest.fixture(autouse=True)
def same_start() -> Iterator[None]:
    """Seed all generators, limit the threads, and undo a change of torch's default dtype."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (libraries draw from it)
    torch.manual_seed(0)
    torch.set_num_threads(min(MAX_THREADS, torch.get_num_threads()))
    yield
    torch.set_default_dtype(torch.float32)
    torch.use_deterministic_algorithms(False)


def _is_local(host: Any) -> bool:
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that looks up or connects to anything but this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def check(host: Any) -> None:
        if not _is_local(host):
            raise RuntimeError(f"a test tried to reach {host}: tests run without a network")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
