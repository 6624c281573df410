"""MySQL client/server packets as bytes: the server's half of protocol version 10.

Only what the fake server needs; nothing here does I/O. Layouts are those of "Client/Server Protocol"
in MySQL's source documentation, whose packet names the docstrings cite.
"""

import hashlib
from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import NamedTuple

Value = str | bytes | None


class Capability(IntFlag):
    """The capability flags that the fake offers or looks at."""

    LONG_PASSWORD = 1
    LONG_FLAG = 1 << 2
    CONNECT_WITH_DB = 1 << 3
    LOCAL_FILES = 1 << 7
    PROTOCOL_41 = 1 << 9
    SSL = 1 << 11
    TRANSACTIONS = 1 << 13
    SECURE_CONNECTION = 1 << 15
    MULTI_RESULTS = 1 << 17
    PLUGIN_AUTH = 1 << 19
    CONNECT_ATTRS = 1 << 20
    PLUGIN_AUTH_LENENC = 1 << 21


# DEPRECATE_EOF is left out on purpose: the result sets below end with EOF packets.
OFFERED = (
    Capability.LONG_PASSWORD
    | Capability.LONG_FLAG
    | Capability.CONNECT_WITH_DB
    | Capability.PROTOCOL_41
    | Capability.TRANSACTIONS
    | Capability.SECURE_CONNECTION
    | Capability.MULTI_RESULTS
    | Capability.PLUGIN_AUTH
    | Capability.CONNECT_ATTRS
    | Capability.PLUGIN_AUTH_LENENC
)

AUTOCOMMIT = 0x0002
MORE_RESULTS = 0x0008
UTF8MB4 = 45
BINARY = 63


class Type(IntEnum):
    """Column types; clients convert values by them, so that LONGLONG "banana" is a trap of its own."""

    LONGLONG = 8
    DATETIME = 12
    NEWDECIMAL = 246
    VAR_STRING = 253


class Column(NamedTuple):
    name: str | bytes
    type: int = Type.VAR_STRING


class Login(NamedTuple):
    """Protocol::HandshakeResponse41, as far as the tests look at it."""

    capabilities: Capability
    user: bytes
    auth: bytes
    plugin: bytes


def packet(payload: bytes, sequence: int) -> bytes:
    """Payload with its header: three bytes of length, one of sequence number."""
    return len(payload).to_bytes(3, "little") + bytes([sequence % 256]) + payload


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def lenenc_int(number: int) -> bytes:
    """Protocol::LengthEncodedInteger."""
    if number < 251:
        return bytes([number])
    for marker, size in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
        if number < 1 << (8 * size):
            return bytes([marker]) + number.to_bytes(size, "little")
    raise ValueError(number)


def lenenc_string(text: str | bytes) -> bytes:
    """Protocol::LengthEncodedString."""
    return lenenc_int(len(as_bytes(text))) + as_bytes(text)


def greeting(
    version: str,
    connection_id: int,
    salt: bytes,
    capabilities: Capability,
    plugin: str,
    protocol: int = 10,
) -> bytes:
    """Protocol::HandshakeV10; the salt is 20 bytes, 8 before and 12 after the capabilities."""
    flags = int(capabilities).to_bytes(4, "little")
    return b"".join(
        (
            bytes([protocol]),
            version.encode() + b"\0",
            connection_id.to_bytes(4, "little"),
            salt[:8] + b"\0",
            flags[:2],
            bytes([UTF8MB4]),
            AUTOCOMMIT.to_bytes(2, "little"),
            flags[2:],
            bytes([len(salt) + 1]),
            bytes(10),
            salt[8:] + b"\0",
            plugin.encode() + b"\0",
        )
    )


def is_ssl_request(payload: bytes) -> bool:
    """Protocol::SSLRequest is a login packet that stops, with CLIENT_SSL set, before the user's name."""
    return len(payload) == 32 and bool(int.from_bytes(payload[:4], "little") & Capability.SSL)


def parse_login(payload: bytes) -> Login:
    """Read a login packet, database and connection attributes left aside."""
    capabilities = Capability(int.from_bytes(payload[:4], "little"))
    user, _, rest = payload[32:].partition(b"\0")
    size = rest[0] if rest else 0
    auth, rest = rest[1 : 1 + size], rest[1 + size :]
    if capabilities & Capability.CONNECT_WITH_DB:
        rest = rest.partition(b"\0")[2]
    plugin = rest.partition(b"\0")[0] if capabilities & Capability.PLUGIN_AUTH else b""
    return Login(capabilities, user, auth, plugin)


def ok(status: int = AUTOCOMMIT) -> bytes:
    """OK_Packet."""
    return b"\0\0\0" + status.to_bytes(2, "little") + b"\0\0"


def eof(status: int = AUTOCOMMIT) -> bytes:
    """EOF_Packet."""
    return b"\xfe\0\0" + status.to_bytes(2, "little")


def error(errno: int, sqlstate: str, message: str | bytes) -> bytes:
    """ERR_Packet; without an SQLSTATE as in a greeting to a client whose protocol is not known yet."""
    state = b"#" + sqlstate.encode() if sqlstate else b""
    return b"\xff" + errno.to_bytes(2, "little") + state + as_bytes(message)


def auth_switch(plugin: str, data: bytes) -> bytes:
    """Protocol::AuthSwitchRequest."""
    return b"\xfe" + plugin.encode() + b"\0" + data


def auth_more(data: bytes) -> bytes:
    """Protocol::AuthMoreData."""
    return b"\x01" + data


def column(definition: Column) -> bytes:
    """Protocol::ColumnDefinition41."""
    name = lenenc_string(definition.name)
    charset = UTF8MB4 if definition.type == Type.VAR_STRING else BINARY
    fixed = charset.to_bytes(2, "little") + (1024).to_bytes(4, "little") + bytes([definition.type, 0, 0, 0, 0, 0])
    return lenenc_string("def") + 3 * lenenc_string("") + 2 * name + b"\x0c" + fixed


def row(values: Sequence[Value]) -> bytes:
    """ProtocolText::ResultsetRow; NULL is 0xfb."""
    return b"".join(b"\xfb" if value is None else lenenc_string(value) for value in values)


def native_scramble(password: str, salt: bytes) -> bytes:
    """What mysql_native_password answers: SHA1(password) XOR SHA1(salt + SHA1(SHA1(password)))."""
    once = _sha1(password.encode())
    proof = _sha1(salt + _sha1(once))
    return bytes(a ^ b for a, b in zip(once, proof, strict=True))


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
