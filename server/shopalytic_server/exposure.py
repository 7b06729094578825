"""Checks before a start that what others can reach is encrypted, or meant to be plain."""

import ipaddress
import ssl

from shopalytic_server.config import Settings, SettingsError


def check_exposure(settings: Settings, *, with_grpc: bool, with_http: bool) -> None:
    """Raises SettingsError when TLS is half given or unusable, or is missing beyond this machine."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("--tls-cert and --tls-key belong together: give both, or none.")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        raise SettingsError("--tls-client-ca needs --tls-cert and --tls-key.")
    if settings.tls_cert is not None:
        _check_files(settings)
        return
    hosts = [("--grpc-host", settings.grpc_host)] if with_grpc else []
    hosts += [("--http-host", settings.http_host)] if with_http else []
    for flag, host in hosts:
        if settings.allow_plaintext == "off" and not _is_loopback(host):
            raise SettingsError(
                f"{flag} is {host}, which others can reach, "
                "and keys and personal data would travel unencrypted: "
                "give --tls-cert and --tls-key, or --allow-plaintext on where something in front does TLS."
            )


def _check_files(settings: Settings) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(str(settings.tls_cert), str(settings.tls_key))
        if settings.tls_client_ca is not None:
            context.load_verify_locations(str(settings.tls_client_ca))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"--tls-cert {settings.tls_cert} and --tls-key {settings.tls_key} cannot be used "
            f"({getattr(error, 'strerror', None) or error}): "
            "give a certificate chain and its key as PEM files."
        ) from None


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
