"""Bytes of a file in whole lines, block by block: plain or gzipped, UTF-8, UTF-16 or Windows-1252."""

import codecs
import zlib
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from twin.files import BYTE_ORDER_MARKS, check_regular, fault, read_bytes, refuse_packed

BLOCK = 16_000_000  # bytes
FIRST = 2_000_000  # of the first block, which is read cell by cell
HEAD = 65_536
LIMIT = 400_000_000  # bytes of what has to be in memory as a whole (JSON, gzipped Parquet)


class Source:
    """One file. ``head`` is its beginning as text, for telling what it is."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, path.name or str(path)
        check_regular(path)

    @cached_property
    def head(self) -> str:
        """The first lines, at most 64 KiB of them; of a shorter file all of it."""
        return next(self.blocks(HEAD), b"").decode("utf-8", errors="replace")

    @cached_property
    def parquet(self) -> Path | BytesIO | None:
        """What to read where the file is Parquet, or gzipped Parquet; None for text."""
        with self.path.open("rb") as stream:
            piece = next(self._plain(stream, HEAD), b"")
        if not piece.startswith(b"PAR1"):
            return None
        with self.path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        return BytesIO(read_bytes(self.path, LIMIT)) if packed else self.path

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """UTF-8 text of about ``size`` bytes each, ending at ends of lines (LF). Raises ``InputError``."""
        try:
            with self.path.open("rb") as stream:
                yield from self._lines(self._text(self._plain(stream, size)), size)
        except OSError as error:
            raise fault(
                self.where, f"cannot be read: {error}", "a readable file", "check name and permission"
            ) from None

    def _plain(self, stream: BinaryIO, size: int) -> Iterator[bytes]:
        data = stream.read(min(size, FIRST))
        if not data.startswith(b"\x1f\x8b"):
            refuse_packed(data, self.where)
            while data:
                yield data
                data = stream.read(size)
            return
        first = True
        for piece in self._unpacked(stream, data, size):
            if first:
                refuse_packed(piece, self.where)
                first = False
            yield piece

    def _unpacked(self, stream: BinaryIO, data: bytes, size: int) -> Iterator[bytes]:
        try:
            while data:  # gzip files may be several members one after the other
                unpacker = zlib.decompressobj(wbits=31)
                while not unpacker.eof:
                    piece = unpacker.decompress(data, size)
                    if piece:
                        yield piece
                    data = unpacker.unconsumed_tail or (b"" if unpacker.eof else stream.read(size))
                    if not data and not unpacker.eof and not piece:
                        raise zlib.error("the file ends too early")
                data = (unpacker.unused_data or stream.read(size)).lstrip(b"\0")
        except zlib.error as error:
            raise fault(
                self.where, f"is damaged gzip ({error})", "a complete gzip file", "copy or download it again"
            ) from None

    def _text(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """UTF-8 without mark."""
        decoder: codecs.IncrementalDecoder | None = None
        first = True
        for piece in pieces:
            if first:
                first = False
                mark = next((mark for mark in BYTE_ORDER_MARKS if piece.startswith(mark)), b"")
                if BYTE_ORDER_MARKS.get(mark) == "utf-16":
                    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
                else:
                    piece = piece[len(mark) :]
            yield decoder.decode(piece).encode("utf-8", errors="replace") if decoder else piece

    def _lines(self, pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
        rest, empty, wanted = b"", True, min(size, FIRST)
        for piece in pieces:
            if not piece.isspace() and piece.strip(b"\0"):
                empty = False
            if b"\0" in piece:
                raise fault(
                    self.where,
                    "holds binary data",
                    "a text file (CSV, JSON, log)",
                    "check which file was given",
                )
            rest += piece
            cut = rest.rfind(b"\n") + 1
            if len(rest) >= wanted and not cut:
                cut = rest.rfind(b"\r") + 1 or (len(rest) if len(rest) > 4 * BLOCK else 0)
            if cut and len(rest) >= wanted:
                yield _clean(rest[:cut])
                wanted = size
                rest = rest[cut:]
        if empty:
            raise fault(self.where, "is empty", "a file with data", "write or download it again")
        if rest:
            yield _clean(rest if rest.endswith((b"\n", b"\r")) else rest + b"\n")


def _clean(block: bytes) -> bytes:
    """Line ends as LF, and UTF-8 where it was Windows-1252."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if block.isascii():
        return block
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return block.decode("cp1252", errors="replace").encode("utf-8")
    return block
