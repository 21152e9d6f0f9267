"""ECDSA on secp256k1 with recovery of the public key, as Lightning invoices are signed: libsecp256k1 by coincurve.

Deterministic nonces as in RFC 6979, low s as in BIP-62.
"""

from __future__ import annotations

from coincurve import PrivateKey, PublicKey

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
LENGTH = 65  # r, s and the recovery flag


def public_key(key: bytes) -> bytes:
    """33 bytes, compressed. Raises ValueError for a key that is no number from 1 to N - 1."""
    return PrivateKey(_secret(key)).public_key.format()


def _secret(key: bytes) -> bytes:
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < N:
        raise ValueError("not a private key")
    return key


def sign(digest: bytes, key: bytes) -> bytes:
    """65 bytes: r, s and the recovery flag. digest: 32 bytes."""
    return PrivateKey(_secret(key)).sign_recoverable(digest, hasher=None)


def _check(signature: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if len(signature) != LENGTH or signature[64] > 3 or not (0 < r < N and 0 < s < N):
        raise ValueError("not a signature")


def recover(digest: bytes, signature: bytes) -> bytes:
    """The public key (33 bytes) that made this signature of 65 bytes. Raises ValueError when there is none."""
    _check(signature)
    try:
        return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
    except Exception as error:  # the library raises a bare Exception for what no key can have made
        raise ValueError("no such point") from error


def verify(digest: bytes, signature: bytes, key: bytes) -> bool:
    """Whether the owner of this public key (33 bytes) made the signature, whatever its recovery flag."""
    for flag in range(4):
        try:
            if recover(digest, signature[:64] + bytes([flag])) == key:
                return True
        except ValueError:
            continue
    return False
