"""Hashes of byte strings: FarmHash64, SipHash-2-4 and MurmurHash64A, all of 64 bits.

Sources: FarmHash (Pike 2014, `farmhashna::Hash64`), SipHash (Aumasson and Bernstein 2012), MurmurHash64A
(Appleby 2008).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["farm_hash64", "murmur_hash64", "sip_hash"]

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _word(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


def _right(x: int, by: int) -> int:
    return ((x >> by) | (x << (64 - by))) & _MASK


def _mix(x: int) -> int:
    return x ^ (x >> 47)


def _join(u: int, v: int, factor: int) -> int:
    a = _mix(((u ^ v) * factor) & _MASK)
    b = _mix(((v ^ a) * factor) & _MASK)
    return (b * factor) & _MASK


def farm_hash64(s: bytes) -> int:
    """FarmHash64 of a string, as TensorFlow's `Fingerprint64`."""
    if len(s) <= 16:
        return _farm_short(s)
    if len(s) <= 64:
        return _farm_medium(s)
    return _farm_long(s)


def _farm_short(s: bytes) -> int:
    n = len(s)
    factor = (_K2 + 2 * n) & _MASK
    if n >= 8:
        a, b = (_word(s, 0) + _K2) & _MASK, _word(s, n - 8)
        c = (_right(b, 37) * factor + a) & _MASK
        d = ((_right(a, 25) + b) * factor) & _MASK
        return _join(c, d, factor)
    if n >= 4:
        a = int.from_bytes(s[:4], "little")
        return _join((n + (a << 3)) & _MASK, int.from_bytes(s[n - 4 :], "little"), factor)
    if n:
        y = s[0] + (s[n >> 1] << 8)
        z = n + (s[n - 1] << 2)
        return (_mix(((y * _K2) ^ (z * _K0)) & _MASK) * _K2) & _MASK
    return _K2


def _farm_medium(s: bytes) -> int:
    n = len(s)
    factor = (_K2 + 2 * n) & _MASK
    long = n > 32
    a = (_word(s, 0) * (_K2 if long else _K1)) & _MASK
    b = _word(s, 8)
    c, d = (_word(s, n - 8) * factor) & _MASK, (_word(s, n - 16) * _K2) & _MASK
    y = (_right((a + b) & _MASK, 43) + _right(c, 30) + d) & _MASK
    z = (a + _right((b + _K2) & _MASK, 18) + c) & _MASK
    if not long:
        return _join(y, z, factor)
    z = _join(y, z, factor)
    e, f = (_word(s, 16) * factor) & _MASK, _word(s, 24)
    g = ((y + _word(s, n - 32)) * factor) & _MASK
    h = ((z + _word(s, n - 24)) * factor) & _MASK
    left = (_right((e + f) & _MASK, 43) + _right(g, 30) + h) & _MASK
    return _join(left, (e + _right((f + a) & _MASK, 18) + g) & _MASK, factor)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(s, at + 8 * i) for i in range(4))
    a = (a + w) & _MASK
    b = _right((b + a + z) & _MASK, 21)
    c = a
    a = (a + x + y) & _MASK
    b = (b + _right(a, 44)) & _MASK
    return (a + z) & _MASK, (b + c) & _MASK


def _farm_long(s: bytes) -> int:
    n, seed = len(s), 81
    y = (seed * _K1 + 113) & _MASK
    z = (_mix((y * _K2 + 113) & _MASK) * _K2) & _MASK
    v, w = (0, 0), (0, 0)
    x = (seed * _K2 + _word(s, 0)) & _MASK
    last = ((n - 1) // 64) * 64
    for at in range(0, last, 64):
        x = (_right((x + y + v[0] + _word(s, at + 8)) & _MASK, 37) * _K1) & _MASK
        y = (_right((y + v[1] + _word(s, at + 48)) & _MASK, 42) * _K1) & _MASK
        x ^= w[1]
        y = (y + v[0] + _word(s, at + 40)) & _MASK
        z = (_right((z + w[0]) & _MASK, 33) * _K1) & _MASK
        v = _weak(s, at, (v[1] * _K1) & _MASK, (x + w[0]) & _MASK)
        w = _weak(s, at + 32, (z + w[1]) & _MASK, (y + _word(s, at + 16)) & _MASK)
        z, x = x, z
    return _farm_end(s, n - 64, x, y, z, v, w)


def _farm_end(s: bytes, at: int, x: int, y: int, z: int, v: tuple[int, int], w: tuple[int, int]) -> int:
    factor = (_K1 + ((z & 0xFF) << 1)) & _MASK
    w0 = (w[0] + ((len(s) - 1) & 63)) & _MASK
    v0 = (v[0] + w0) & _MASK
    w0 = (w0 + v0) & _MASK
    x = (_right((x + y + v0 + _word(s, at + 8)) & _MASK, 37) * factor) & _MASK
    y = (_right((y + v[1] + _word(s, at + 48)) & _MASK, 42) * factor) & _MASK
    x ^= (w[1] * 9) & _MASK
    y = (y + v0 * 9 + _word(s, at + 40)) & _MASK
    z = (_right((z + w0) & _MASK, 33) * factor) & _MASK
    first = _weak(s, at, (v[1] * factor) & _MASK, (x + w0) & _MASK)
    second = _weak(s, at + 32, (z + w[1]) & _MASK, (y + _word(s, at + 16)) & _MASK)
    z, x = x, z
    return _join(
        (_join(first[0], second[0], factor) + _mix(y) * _K0 + z) & _MASK,
        (_join(first[1], second[1], factor) + x) & _MASK,
        factor,
    )


def murmur_hash64(s: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """MurmurHash64A of a string, with the seed of TensorFlow's `Hash64`."""
    m = 0xC6A4A7935BD1E995
    h = (seed ^ (len(s) * m)) & _MASK
    whole = len(s) - len(s) % 8
    for at in range(0, whole, 8):
        k = (_word(s, at) * m) & _MASK
        k = ((k ^ (k >> 47)) * m) & _MASK
        h = ((h ^ k) * m) & _MASK
    if whole < len(s):
        h = ((h ^ int.from_bytes(s[whole:], "little")) * m) & _MASK
    h = ((h ^ (h >> 47)) * m) & _MASK
    return h ^ (h >> 47)


def _left(x: int, by: int) -> int:
    return ((x << by) | (x >> (64 - by))) & _MASK


def _sip_round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK
    v1 = _left(v1, 13) ^ v0
    v0 = _left(v0, 32)
    v2 = (v2 + v3) & _MASK
    v3 = _left(v3, 16) ^ v2
    v0 = (v0 + v3) & _MASK
    v3 = _left(v3, 21) ^ v0
    v2 = (v2 + v1) & _MASK
    v1 = _left(v1, 17) ^ v2
    return v0, v1, _left(v2, 32), v3


def sip_hash(s: bytes, key: Sequence[int]) -> int:
    """SipHash-2-4 of a string under a key of two 64-bit words."""
    k0, k1 = key[0] & _MASK, key[1] & _MASK
    v = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    whole = len(s) - len(s) % 8
    words = list(struct.unpack(f"<{whole // 8}Q", s[:whole]))
    words.append(int.from_bytes(s[whole:], "little") | ((len(s) & 0xFF) << 56))
    for word in words:
        v = _sip_round(*_sip_round(v[0], v[1], v[2], v[3] ^ word))
        v = (v[0] ^ word, *v[1:])
    v = (v[0], v[1], v[2] ^ 0xFF, v[3])
    for _ in range(4):
        v = _sip_round(*v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
