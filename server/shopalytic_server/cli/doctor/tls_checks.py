"""The check of `shopalytic doctor` on the certificate."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from shopalytic_server.cli.doctor.checks import Finding, Verdict

SOON_DAYS = 21
_NAME = "certificate"
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_NOT_YET = 9  # X509_V_ERR_CERT_NOT_YET_VALID


def check_certificate(cert: Path, key: Path | None) -> Finding:
    """Whether certificate and key can be read, fit each other, and are valid for a while."""
    if key is None:
        text = f"{cert} has no key beside it: set --tls-key as well as --tls-cert."
        return Finding(_NAME, Verdict.FAILED, text)
    try:
        ends = _end_of(cert, key)
    except ssl.SSLCertVerificationError as error:
        when = {_EXPIRED: "has expired", _NOT_YET: "is not valid yet"}.get(error.verify_code, "is not valid")
        text = f"{cert} {when}; callers refuse it. Put a new one in its place: it is read without a restart."
        return Finding(_NAME, Verdict.FAILED, text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no PEM pair"
        text = f"{cert} and {key} cannot be used ({reason}). Check that they are PEM and of one pair."
        return Finding(_NAME, Verdict.FAILED, text)
    days = (ends - datetime.now(UTC)).days
    if days < SOON_DAYS:
        text = f"{cert} ends in {days} days, on {ends:%Y-%m-%d}. Put a new one in its place in time."
        return Finding(_NAME, Verdict.WARNING, text)
    return Finding(_NAME, Verdict.OK, f"{cert} is valid until {ends:%Y-%m-%d}.")


def _end_of(cert: Path, key: Path) -> datetime:
    """When the certificate ends, as a client that trusts just this one learns it in a handshake."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(cert)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (asking, answering, asking):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    told = asking.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)
