"""Thrift's compact protocol, as far as the footer of a Parquet file needs it: bytes to a tree and back.

Source: Apache Thrift, "Thrift compact protocol" (thrift-compact-protocol.md). Nothing is interpreted here, so a field
that a later writer adds passes through unchanged.
"""

from __future__ import annotations

from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(1, 14)

Struct = dict[int, tuple[int, Any]]
"""A struct: field number to (type, value). A list or set is (type of its members, members)."""


class Reader:
    """Reads one struct from bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Struct:
        """The struct that starts here."""
        fields: Struct = {}
        number = 0
        while header := self._byte():
            number = number + (header >> 4) if header >> 4 else self._zigzag()
            kind = header & 15
            fields[number] = (kind, self._value(kind) if kind > FALSE else kind == TRUE)
        return fields

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _take(self, length: int) -> bytes:
        self._at += length
        return self._data[self._at - length : self._at]

    def _value(self, kind: int) -> Any:
        if kind in (I16, I32, I64):
            return self._zigzag()
        if kind == BINARY:
            return self._take(self._varint())
        if kind == STRUCT:
            return self.struct()
        if kind in (LIST, SET):
            header = self._byte()
            size = header >> 4 if header >> 4 < 15 else self._varint()
            return header & 15, [self._value(header & 15) for _ in range(size)]
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        if kind in (DOUBLE, UUID):
            return self._take(8 if kind == DOUBLE else 16)
        raise ValueError(f"a Parquet footer holds no value of compact-protocol type {kind}")


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _written_value(kind: int, value: Any) -> bytes:
    if kind in (I16, I32, I64):
        return _zigzag(value)
    if kind == BINARY:
        return _varint(len(value)) + bytes(value)
    if kind == STRUCT:
        return written(value)
    if kind in (LIST, SET):
        member, members = value
        size = len(members)
        header = bytes([size << 4 | member]) if size < 15 else bytes([15 << 4 | member]) + _varint(size)
        return header + b"".join(_written_value(member, each) for each in members)
    if kind in (TRUE, FALSE, BYTE):
        return bytes([value])
    return bytes(value)


def written(struct: Struct) -> bytes:
    """A struct as bytes, its fields in the order of their numbers."""
    parts = []
    before = 0
    for number in sorted(struct):
        kind, value = struct[number]
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE
        step = number - before
        parts.append(bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + _zigzag(number))
        if kind > FALSE:
            parts.append(_written_value(kind, value))
        before = number
    return b"".join(parts) + b"\0"
