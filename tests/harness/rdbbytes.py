"""Write RDB files byte by byte, for tests that need what no server writes.

    f = rdbbytes.File(version=10)
    f.aux("redis-ver", "7.0.15").select(0)
    f.expire_ms(4102444800000).key(rdbbytes.STRING, "k", rdbbytes.string("v"))
    f.end()                     # the end mark and the right CRC
    f.bytes()

Whatever is appended with raw() goes in as it is.  The format: rdb.c and rdb.h
of Redis 7.0.
"""

import struct

STRING, LIST, SET, ZSET, HASH, ZSET_2, MODULE_2 = 0, 1, 2, 3, 4, 5, 7
ZIPMAP, ZIPLIST, INTSET, ZSET_ZIPLIST, HASH_ZIPLIST = 9, 10, 11, 12, 13
QUICKLIST, STREAM, HASH_LISTPACK, ZSET_LISTPACK = 14, 15, 16, 17
QUICKLIST_2, STREAM_2, SET_LISTPACK, STREAM_3 = 18, 19, 20, 21
HASH_2 = 22                 # of Valkey
HASH_TTL, HASH_LISTPACK_TTL = 24, 25    # of Redis

SLOT_INFO, FUNCTION, MODULE_AUX, IDLE, FREQ = 244, 245, 247, 248, 249
AUX, RESIZE, EXPIRE_MS, EXPIRE_S, SELECT, END = 250, 251, 252, 253, 254, 255


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x95ac9329ac4bc9b5 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc64(data, crc=0):
    """The CRC of RDB: Jones' polynomial, reflected, no inversions."""
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc


def to_bytes(text):
    return text if isinstance(text, bytes) else str(text).encode()


def length(n, form=None):
    """A length in its shortest form, or in that of 6, 14, 32 or 64 bits."""
    form = form or next(f for f in (6, 14, 32, 64) if n < 1 << f)
    return {6: lambda: bytes([n]),
            14: lambda: struct.pack(">H", 0x4000 | n),
            32: lambda: b"\x80" + struct.pack(">I", n),
            64: lambda: b"\x81" + struct.pack(">Q", n)}[form]()


def string(text):
    """As raw bytes, whatever the text."""
    text = to_bytes(text)
    return length(len(text)) + text


def integer(n):
    """A string that is a number, as 8, 16 or 32 bits."""
    for code, fmt, bits in ((0xc0, "<b", 7), (0xc1, "<h", 15), (0xc2, "<i", 31)):
        if -(1 << bits) <= n < 1 << bits:
            return bytes([code]) + struct.pack(fmt, n)
    raise ValueError(f"{n} has more than 32 bits")


def lzf_literal(text):
    """A string marked as LZF that holds literals only."""
    text = to_bytes(text)
    packed = b"".join(bytes([len(text[i:i + 32]) - 1]) + text[i:i + 32]
                      for i in range(0, len(text), 32))
    return lzf(packed, len(text))


def lzf(packed, size):
    """LZF of these packed bytes, said to unpack to size."""
    return b"\xc3" + length(len(packed)) + length(size) + packed


def strings(*texts):
    """A count and that many strings: LIST, SET; HASH counts pairs."""
    return length(len(texts)) + b"".join(map(string, texts))


def pairs(mapping):
    return length(len(mapping)) + b"".join(
        string(k) + string(v) for k, v in mapping.items())


def scores(mapping):
    """ZSET_2: member and IEEE double."""
    return length(len(mapping)) + b"".join(
        string(m) + struct.pack("<d", s) for m, s in mapping.items())


def text_scores(mapping):
    """ZSET: member and the score's text."""
    def score(s):
        special = {"nan": 253, "inf": 254, "-inf": 255}
        text = repr(float(s))
        if text in special:
            return bytes([special[text]])
        return bytes([len(text)]) + text.encode()
    return length(len(mapping)) + b"".join(
        string(m) + score(s) for m, s in mapping.items())


def intset(numbers):
    """The intset of these numbers, in the narrowest width."""
    numbers = sorted(numbers)
    width, fmt = next((w, f) for w, f in ((2, "h"), (4, "i"), (8, "q"))
                      if all(-(1 << 8 * w - 1) <= n < 1 << 8 * w - 1
                             for n in numbers))
    return struct.pack(f"<II{len(numbers)}{fmt}", width, len(numbers),
                       *numbers)


def listpack(*elements):
    """The listpack of these; an int is encoded as one, else as a string."""
    body = b"".join(map(_lp_entry, elements))
    n = min(len(elements), 0xffff)
    return struct.pack("<IH", len(body) + 7, n) + body + b"\xff"


def _lp_entry(element):
    data = _lp_int(element) if isinstance(element, int) else \
        _lp_string(to_bytes(element))
    n = len(data)
    back = bytes([n & 127])
    while n > 127:              # read from behind: more to come is a mark
        n >>= 7
        back = bytes([n & 127]) + bytes([back[0] | 128]) + back[1:]
    return data + back


def _lp_string(text):
    n = len(text)
    if n < 64:
        return bytes([0x80 | n]) + text
    if n < 4096:
        return bytes([0xe0 | n >> 8, n & 255]) + text
    return b"\xf0" + struct.pack("<I", n) + text


def _lp_int(n):
    if 0 <= n <= 127:
        return bytes([n])
    if -4096 <= n < 4096:
        return bytes([0xc0 | (n & 8191) >> 8, n & 255])
    for code, size in ((0xf1, 2), (0xf2, 3), (0xf3, 4), (0xf4, 8)):
        if -(1 << 8 * size - 1) <= n < 1 << 8 * size - 1:
            return bytes([code]) + n.to_bytes(size, "little", signed=True)
    raise ValueError(f"{n} has more than 64 bits")


def quicklist(*nodes):
    """QUICKLIST_2: a bytes or str node is PLAIN, a list or tuple PACKED."""
    out = length(len(nodes))
    for node in nodes:
        if isinstance(node, (list, tuple)):
            out += length(2) + string(listpack(*node))
        else:
            out += length(1) + string(node)
    return out


class File:
    """An RDB file that grows; every method returns it, for chains."""

    def __init__(self, version=10, magic=None):
        self._parts = [magic or b"REDIS%04d" % version]
        self.version = version

    def raw(self, data):
        self._parts.append(data)
        return self

    def opcode(self, code, *fields):
        return self.raw(bytes([code]) + b"".join(fields))

    def aux(self, name, value):
        return self.opcode(AUX, string(name), string(value))

    def select(self, db):
        return self.opcode(SELECT, length(db))

    def resize(self, keys, expires):
        return self.opcode(RESIZE, length(keys), length(expires))

    def function(self, source):
        return self.opcode(FUNCTION, string(source))

    def expire_ms(self, when):
        return self.opcode(EXPIRE_MS, struct.pack("<q", when))

    def expire_s(self, when):
        return self.opcode(EXPIRE_S, struct.pack("<i", when))

    def idle(self, seconds):
        return self.opcode(IDLE, length(seconds))

    def freq(self, count):
        return self.opcode(FREQ, bytes([count]))

    def key(self, type, key, value):
        """value is encoded already."""
        return self.opcode(type, string(key), value)

    def end(self, crc=None):
        """The end mark and the CRC: the right one, or this number (0: a file
        written without); none before version 5."""
        self.opcode(END)
        if self.version >= 5:
            right = crc64(self.bytes()) if crc is None else crc
            self.raw(struct.pack("<Q", right))
        return self

    def bytes(self):
        self._parts = [b"".join(self._parts)]
        return self._parts[0]
