"""Proof that a password went nowhere: not plainly, and not in a form that its receiver can undo.

A scramble (SHA1 or SHA256 over password and salt) is no leak: it is the only thing that a client
may send without TLS. What MySQL's plugins do beyond it, they do here in reverse: XOR with the salt,
which is mysql's obfuscation before RSA, and RSA-OAEP with SHA1 to the server's own public key.
"""

import base64
import itertools
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .server import HostileServer

Witness = str | bytes | HostileServer


def disguises(secret: bytes, salts: list[bytes]) -> dict[str, bytes]:
    """Every reversible form of the secret that is looked for."""
    forms = {
        "plain": secret,
        "reversed": secret[::-1],
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "UTF-16": secret.decode().encode("utf-16-le"),
        "URL": quote(secret).encode(),
    }
    for shift in range(3):  # base64 of a text that holds the secret depends on where it begins there
        encoded = base64.b64encode(bytes(shift) + secret)
        forms[f"base64+{shift}"] = encoded[-(-shift * 4 // 3) : len(encoded) // 4 * 4 - 4]
    for salt in filter(any, salts):
        forms[f"XOR {salt!r}"] = bytes(a ^ b for a, b in zip(secret, itertools.cycle(salt), strict=False))
    return forms


def decrypt(packet: bytes, key: rsa.RSAPrivateKey) -> bytes | None:
    """What the owner of the key makes of a packet, if it was encrypted for it."""
    if len(packet) != key.key_size // 8:
        return None
    sha1 = hashes.SHA1()  # noqa: S303 - RSA_PKCS1_OAEP_PADDING, which MySQL's plugins use, is over SHA1
    try:
        return key.decrypt(packet, padding.OAEP(padding.MGF1(sha1), sha1, None))
    except ValueError:
        return None


def assert_no_secret(secret: str, *witnesses: Witness, rogue: rsa.RSAPrivateKey | None = None) -> None:
    """Assert that no output and no server got the secret in any form that can be undone."""
    servers = [witness for witness in witnesses if isinstance(witness, HostileServer)]
    texts = [w.encode() if isinstance(w, str) else w for w in witnesses if not isinstance(w, HostileServer)]
    texts += [server.received for server in servers]
    if rogue is not None:
        packets = [packet for server in servers for packet in server.packets]
        texts += [text for packet in packets if (text := decrypt(packet, rogue)) is not None]
    forms = disguises(secret.encode(), [salt for server in servers for salt in server.salts])
    for text in texts:
        for form, disguise in forms.items():
            assert disguise not in text, f"the password is in {text!r} ({form})"
