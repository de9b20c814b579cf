"""Small SentencePiece models, written without the package that trains them."""

import struct

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, _, BYTE = range(1, 7)

SPECIALS = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
WORDS = ["▁the", "▁book", "s", "▁is", "▁old", ".", "▁", "我", "书"]


def sentencepiece_model(pieces=WORDS, specials=SPECIALS, byte_fallback=False):
    """Return a unigram model with these pieces, the first one the most probable.

    A piece is a string, or a tuple of a string, a score and a type.
    """
    entries = [*specials, *((p, -n / 10, NORMAL) for n, p in enumerate(pieces, 1))]
    if byte_fallback:
        entries += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    model = b"".join(_field(1, _piece(*entry)) for entry in entries)
    # The trainer's settings, of which field 35 is `byte_fallback`.
    return model + _field(2, _varint(35 << 3) + _varint(int(byte_fallback)))


def _piece(text, score, kind):
    return _field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind])


def _field(number, content):
    """Encode a field of bytes as in a protocol buffer."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value):
    encoded = b""
    while value > 127:
        encoded += bytes([value & 127 | 128])
        value >>= 7
    return encoded + bytes([value])
