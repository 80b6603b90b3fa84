"""CRC-64/XZ, as COS tells it: polynomial ECMA-182 reflected, all ones in and
out, an unsigned number in decimal.  libisal counts, because Python is too slow."""

import ctypes
import functools

_POLYNOMIAL = 0xC96C5795D7870F42
_ONE = 1 << 63                      # reflected: the highest bit is x^0

_isal = ctypes.CDLL("libisal.so.2")
_isal.crc64_ecma_refl.restype = ctypes.c_uint64
_isal.crc64_ecma_refl.argtypes = (
    ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64)


class Buffer:
    """Bytes of a fixed size, .view, whose beginning can be counted."""

    def __init__(self, size):
        self.bytes = bytearray(size)
        self.view = memoryview(self.bytes)
        self._pin = (ctypes.c_char * size).from_buffer(self.bytes)
        self._address = ctypes.addressof(self._pin)

    def crc(self, crc, count):
        """crc of what came before and the first count bytes."""
        return _isal.crc64_ecma_refl(crc, self._address, count)


def of(data):
    """CRC of bytes."""
    return _isal.crc64_ecma_refl(0, data, len(data))


def _times(a, b):
    """a times b, modulo the polynomial."""
    product = 0
    while b:
        if b & _ONE:
            product ^= a
        a = (a >> 1) ^ (_POLYNOMIAL if a & 1 else 0)
        b = (b << 1) & 0xFFFFFFFFFFFFFFFF
    return product


@functools.lru_cache(maxsize=4096)
def _shift(count):
    """x to the power of 8 times count."""
    power, square = _ONE, _ONE >> 8
    while count:
        if count & 1:
            power = _times(power, square)
        square = _times(square, square)
        count >>= 1
    return power


def combine(first, second, second_size):
    """CRC of two runs of bytes, from those of each."""
    return _times(first, _shift(second_size)) ^ second
