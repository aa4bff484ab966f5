"""A table as it comes: text in blocks or Parquet in batches, each split into columns."""

import io
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from twin.files import delimiter_of, fault
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import Source

if TYPE_CHECKING:
    import pandas as pd

BATCH = 500_000  # rows of Parquet at once


def header_of(head: str) -> list[str]:
    """Names in the first line of a text table."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    return [name.strip().strip('"') for name in first.split(delimiter_of(head))]


def source_blocks(source: Source, trace: RawTrace | None = None) -> "Iterator[bytes | pd.DataFrame]":
    """Text in blocks, or Parquet in batches; what Parquet states about itself goes to ``trace``."""
    if source.parquet is None:
        yield from source.blocks()
        return
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source.parquet) as file:
            if trace is not None:
                stated = (file.schema_arrow.metadata or {}).items()
                own = {k.decode()[5:]: v.decode() for k, v in stated if k.startswith(b"twin.")}
                trace.state(own)
            for batch in file.iter_batches(BATCH):
                frame = batch.to_pandas()
                yield frame if frame.index.name is None else frame.reset_index()
    except Exception as error:  # whatever a damaged file makes the library raise
        raise fault(
            source.where, f"is damaged Parquet ({type(error).__name__})", "a complete file", "write it again"
        ) from None


def first_rows(
    block: "bytes | pd.DataFrame", names: list[str] | None, trace: RawTrace
) -> "tuple[pd.DataFrame, list[str], str, str]":
    """The first rows, the names of all columns, the delimiter and the decimal sign."""
    if not isinstance(block, bytes):
        return frame_of(block, None, "", "", trace), [str(name) for name in block.columns], "", ""
    text = block[:65536].decode("utf-8", errors="replace")
    delimiter = delimiter_of(text)
    head = text.splitlines()
    skip = next((row for row, line in enumerate(head) if line.strip() and not line.startswith("#")), 0)
    _comments(head[:skip], trace)
    decimal = "."
    if delimiter in ";\t" and len(head) > skip + 1 and re.search(r"\d,\d", head[skip + 1]):
        decimal = ","
    block = b"\n".join(block.split(b"\n", skip)[skip:]) if skip else block
    frame = frame_of(block, names, delimiter, decimal, trace)
    return frame, [str(name) for name in frame.columns], delimiter, decimal


def _comments(lines: list[str], trace: RawTrace) -> None:
    """``# boundary: gpu`` and ``# devices: a=4, b=2`` above a table, as ``twin trace convert`` writes them."""
    facts = dict(line.lstrip("# ").split(":", 1) for line in lines if ":" in line)
    trace.state({key.strip().lower(): value.strip() for key, value in facts.items()})


def frame_of(
    block: "bytes | pd.DataFrame", names: list[str] | None, delimiter: str, decimal: str, trace: RawTrace
) -> "pd.DataFrame":
    """A block as a table; lines that cannot be split are counted. Its first line is the header where no names are given."""
    import pandas as pd

    if not isinstance(block, bytes):
        block.columns = pd.Index([str(name).strip() for name in block.columns])
        trace.rows += len(block)
        return block
    options: dict[str, Any] = {"names": names, "header": None} if names else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mixed types in a column are looked at here, below
            frame: pd.DataFrame = pd.read_csv(
                io.BytesIO(block),
                sep=delimiter,
                decimal=decimal,
                on_bad_lines="skip",
                skipinitialspace=True,
                low_memory=False,
                index_col=False,
                encoding_errors="replace",
                **options,
            )
    except (ValueError, pd.errors.ParserError, OverflowError, RecursionError) as error:
        raise fault(
            trace.where,
            f"is no readable table ({str(error)[:120]})",
            "CSV, TSV or Parquet",
            "export it again",
        ) from None
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    lines = sum(1 for line in block.split(b"\n") if line.strip()) - (0 if names else 1)
    trace.unreadable += max(lines - len(frame), 0)
    trace.rows += max(lines, len(frame))
    return frame
