"""Says in words why a request failed: what is likely wrong, and what to change."""

from __future__ import annotations

import grpc

# What gRPC's own words have in them, most telling first, and what it
# means. gRPC promises nothing about its words; what is not known is told as it came.
_ENDS = "{target} ends the connection; if it speaks TLS, give `tls=True` or its authority's PEM file"
_SIGNS: tuple[tuple[str, str], ...] = (
    ("http1.x server", "{target} is an HTTP port; give the port that gRPC listens on (50051 by default)"),
    ("WRONG_VERSION_NUMBER", "{target} does not speak TLS; leave `tls` out, or give the port that does"),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "the certificate of {target} is signed by nobody who is trusted here; give its authority's PEM file "
        "as `tls`",
    ),
    (
        "Hostname Verification Check failed",
        "the certificate of {target} is for another name; give the name that it is for",
    ),
    ("CERTIFICATE_REQUIRED", "{target} asks for a client's certificate; give credentials as `tls`"),
    ("Connection refused", "nothing listens at {target}; start the server, or correct the address"),
    ("Domain name not found", "there is no host of the name in {target}"),
    ("errors resolving", "the name in {target} cannot be looked up"),
    ("Socket closed", _ENDS),
    ("Connection reset", _ENDS),
)

_BY_CODE = {
    grpc.StatusCode.UNAUTHENTICATED: "the key is unknown, revoked or expired; give a valid server key",
    grpc.StatusCode.PERMISSION_DENIED: "the key may not send events; give one of class server",
    grpc.StatusCode.UNIMPLEMENTED: "{target} is a gRPC server, but not Shopalytic's",
    grpc.StatusCode.DEADLINE_EXCEEDED: "{target} did not answer in time",
}


def cause_of(error: BaseException, target: str) -> str:
    """The likely cause of a failed request, as a clause: "nothing listens at 127.0.0.1:1; start …"."""
    if not isinstance(error, grpc.RpcError):
        return str(error) or type(error).__name__
    details = str(error.details() or "")
    for sign, words in _SIGNS:
        if sign in details:
            return words.format(target=target)
    words = _BY_CODE.get(error.code(), "")
    return words.format(target=target) if words else details or str(error.code().name)
