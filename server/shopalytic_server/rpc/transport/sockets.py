"""Sockets of this process that belong to a library: what the system tells of them, and how they end.

Asked by the C library's own functions and without leaving the interpreter: a
thread that left it for each of a thousand questions would wait as often until
the loop gives it back. Where the system tells nothing of sockets as Linux does,
`ARE_TOLD` is False.
"""

import contextlib
import ctypes
import ipaddress
import os
import socket
import struct
import termios
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path("/proc/self/fd")
ARE_TOLD = _FOLDER.is_dir() and hasattr(socket, "TCP_INFO")
"""Whether the system tells of them."""

_library = ctypes.PyDLL(None)
# Where tcp_info in linux/tcp.h has tcpi_bytes_received.
_RECEIVED_AT, _TCP_INFO_BYTES = 128, 192
_ADDRESS_BYTES = 128
_SO_ATTACH_FILTER = 26
# connect(2): a socket that is connected to no address (AF_UNSPEC) loses its connection and all that came.
_NO_ADDRESS = struct.pack("=H14x", socket.AF_UNSPEC)


class Place(NamedTuple):
    """A socket, by its descriptor; it is another one when its other end is."""

    descriptor: int
    peer: bytes
    """The address of the other end, as the system writes it."""


def descriptors() -> list[int]:
    """All that this process has open."""
    return [int(name) for name in os.listdir(_FOLDER)]  # noqa: PTH208 - names alone, of which there may be thousands


def place_of(descriptor: int) -> Place | None:
    """The socket behind a descriptor; None: it is none, or is connected to nobody."""
    peer = _address(_library.getpeername, descriptor)
    return None if peer is None else Place(descriptor, peer)


def port_of(descriptor: int) -> int | None:
    """The port at this end; None: it is no socket of an address and a port."""
    own = _address(_library.getsockname, descriptor)
    return None if own is None or _family(own) is None else int.from_bytes(own[2:4], "big")


def received(place: Place) -> int | None:
    """How many bytes its owner has taken; None where the socket is gone.

    What waits in the kernel costs no more than that.
    """
    if place_of(place.descriptor) != place:
        return None
    told = ctypes.create_string_buffer(_TCP_INFO_BYTES)
    size = ctypes.c_uint32(_TCP_INFO_BYTES)
    failed = _library.getsockopt(
        place.descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, told, ctypes.byref(size)
    )
    if failed or size.value < _RECEIVED_AT + 8:
        return 0
    waiting = ctypes.c_int(0)
    _library.ioctl(place.descriptor, termios.FIONREAD, ctypes.byref(waiting))
    return int(struct.unpack_from("=Q", told, _RECEIVED_AT)[0]) - waiting.value


def disconnect(place: Place) -> bool:
    """Ends a connection at once, which its owner takes as the other side's end; False: it is gone.

    Not by shutdown(2), for then what has come and was not read yet would still be taken.
    """
    with contextlib.suppress(OSError):
        # A descriptor of our own: the socket's owner may close the other at any moment.
        own = os.dup(place.descriptor)
        try:
            if place_of(own) == Place(own, place.peer):
                return not _library.connect(own, _NO_ADDRESS, len(_NO_ADDRESS))
        finally:
            os.close(own)
    return False


def name_of(peer: bytes) -> str | None:
    """How gRPC names a peer; None for addresses of one link, whose names have more than an address."""
    family, port = _family(peer), int.from_bytes(peer[2:4], "big")
    if family == socket.AF_INET:
        return f"ipv4:{ipaddress.IPv4Address(peer[4:8])}:{port}"
    if family == socket.AF_INET6:
        host = ipaddress.IPv6Address(peer[8:24])
        if host.ipv4_mapped:
            return f"ipv4:{host.ipv4_mapped}:{port}"
        if not any(peer[24:28]):
            return f"ipv6:%5B{host}%5D:{port}"
    return None


def _family(address: bytes) -> int | None:
    family = int(struct.unpack_from("=H", address)[0])
    return family if family in (socket.AF_INET, socket.AF_INET6) else None


def _address(ask: "ctypes._NamedFuncPointer", descriptor: int) -> bytes | None:
    found = ctypes.create_string_buffer(_ADDRESS_BYTES)
    size = ctypes.c_uint32(_ADDRESS_BYTES)
    if ask(descriptor, found, ctypes.byref(size)) or size.value < 8:
        return None
    return found.raw[: size.value]


# What a listening socket takes no connections from

# Instructions of the classic packet filter (linux/filter.h), by which a socket says which packets it takes.
_LOAD_WORD, _LOAD_BYTE, _SHIFT_RIGHT, _IF_EQUAL, _GO, _RETURN = 0x20, 0x30, 0x74, 0x15, 0x05, 0x06
_NETWORK = 0xFFF00000  # Where the packet's header of IP begins, beside which the offsets are counted.
_ALL = 0xFFFFFFFF


def network_of(peer: bytes) -> bytes:
    """Whom an address belongs to: 4 bytes of IPv4, or the first 8 of IPv6, which one household has."""
    if _family(peer) == socket.AF_INET:
        return peer[4:8]
    mapped = ipaddress.IPv6Address(peer[8:24]).ipv4_mapped
    return mapped.packed if mapped else peer[8:16]


def listeners(port: int) -> list[int]:
    """The descriptors of this process that listen on a port."""
    return [each for each in descriptors() if port_of(each) == port and _listens(each)]


def take_none_from(listener: int, networks: Collection[bytes]) -> bool:
    """Lets no new connection come from these networks (see `network_of`), in place of those given before.

    Their packets get no answer. Connections that are there already are left alone.
    """
    old = [_word(network) for network in networks if len(network) == 4]
    new = [(_word(network[:4]), _word(network[4:])) for network in networks if len(network) == 8]
    ipv4 = [(_LOAD_WORD, 0, 0, _NETWORK + 12)]
    for word in old:
        ipv4 += [(_IF_EQUAL, 0, 1, word), (_RETURN, 0, 0, 0)]
    ipv4.append((_RETURN, 0, 0, _ALL))
    program = [
        (_LOAD_BYTE, 0, 0, _NETWORK),
        (_SHIFT_RIGHT, 0, 0, 4),
        (_IF_EQUAL, 1, 0, 4),
        (_GO, 0, 0, len(ipv4)),
        *ipv4,
    ]
    for first, second in new:
        program += [(_LOAD_WORD, 0, 0, _NETWORK + 8), (_IF_EQUAL, 0, 3, first)]
        program += [(_LOAD_WORD, 0, 0, _NETWORK + 12), (_IF_EQUAL, 0, 1, second), (_RETURN, 0, 0, 0)]
    program.append((_RETURN, 0, 0, _ALL))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in program))
    told = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    filtered = _library.setsockopt(
        listener, socket.SOL_SOCKET, _SO_ATTACH_FILTER, told, struct.calcsize("@HP")
    )
    return not filtered


def _listens(descriptor: int) -> bool:
    told, size = ctypes.c_int(0), ctypes.c_uint32(4)
    failed = _library.getsockopt(
        descriptor, socket.SOL_SOCKET, socket.SO_ACCEPTCONN, ctypes.byref(told), ctypes.byref(size)
    )
    return not failed and bool(told.value)


def _word(data: bytes) -> int:
    return int.from_bytes(data, "big")
