"""Whose process is at the other end of a connection over loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_LINUX_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_LOCAL, _REMOTE, _STATE, _ACCOUNT = 1, 2, 3, 7


def same_account(client_port: int, server_port: int) -> bool:
    """Whether the sender's process belongs to the account that this one runs as. In doubt: no."""
    if _LINUX_TABLES[0].exists():
        accounts = set(_accounts(client_port, server_port))
        return accounts == {os.getuid()}
    return _is_ours(client_port, server_port)


def _accounts(client_port: int, server_port: int) -> Iterator[int]:
    """Linux tells the account of every connection's end (proc_pid_net(5))."""
    for table in _LINUX_TABLES:
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for line in lines:
            fields = line.split()
            ports = (_port(fields[_LOCAL]), _port(fields[_REMOTE]))
            if ports == (client_port, server_port) and fields[_STATE] == _ESTABLISHED:
                yield int(fields[_ACCOUNT])


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _is_ours(client_port: int, server_port: int) -> bool:
    """Elsewhere one may look at the connections of one's own processes only, which is what is asked."""
    for process in psutil.process_iter():
        try:
            ends = process.net_connections("tcp")
        except psutil.Error:
            continue
        for end in ends:
            if end.raddr and (end.laddr.port, end.raddr.port) == (client_port, server_port):
                return process.uids().real == os.getuid()
    return False
