"""Whose certificates are believed: those of the public authorities."""

import functools
import os
import ssl

import certifi


class Unusable(OSError):
    """SSL_CERT_FILE or SSL_CERT_DIR names certificates that cannot be read."""


def context() -> ssl.SSLContext:
    """What to check certificates with: certifi's list, or the one that SSL_CERT_FILE or SSL_CERT_DIR names.

    Raises Unusable.
    """
    try:
        return _made(os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None)
    except OSError as error:
        raise Unusable((Unusable.__doc__ or "").rstrip(".")) from error


@functools.cache  # reading them takes tens of milliseconds
def _made(file: str | None, directory: str | None) -> ssl.SSLContext:
    if directory and not file:
        return ssl.create_default_context(capath=directory)
    return ssl.create_default_context(cafile=file or certifi.where())
