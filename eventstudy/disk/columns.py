"""Rows as Arrow columns: text as codes of its labels, so that a label is stored once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_arrow(table: Any) -> Any:
    """Return rows as an Arrow table, text as codes of its labels."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        columns = dict(zip(table.column_names, table.columns, strict=True))
    else:
        items: Mapping[str, Any] = table
        columns = {str(name): _column(values) for name, values in items.items()}
    return pa.table({name: _coded(column) for name, column in columns.items()})


def _column(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    return pa.array(values, from_pandas=True)


def _coded(column: Any) -> Any:
    """Return text as dictionary codes of four bytes; other columns as they are."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return cast(column, pa.dictionary(pa.int32(), pa.string()))
    if pa.types.is_null(kind):
        column, kind = column.cast(pa.string()), pa.string()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return cast(column.dictionary_encode(), pa.dictionary(pa.int32(), pa.string()))
    return column


def compact(table: Any) -> Any:
    """Return rows whose columns of codes have one list each of no labels but theirs."""
    import pyarrow as pa

    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            chunks = [
                chunk if len(chunk.dictionary) <= len(chunk) else _used(chunk)
                for chunk in column.chunks
            ]
            column = pa.chunked_array(chunks, type=column.type).unify_dictionaries()
        columns.append(column)
    return pa.table(columns, schema=table.schema)


def _used(chunk: Any) -> Any:
    """Return codes and labels without the labels that no row has."""
    import pyarrow as pa
    import pyarrow.compute as pc

    used = pc.unique(chunk.indices.drop_null())
    codes = pc.index_in(chunk.indices, used, skip_nulls=True)
    return pa.DictionaryArray.from_arrays(codes, chunk.dictionary.take(used))


def cast(column: Any, kind: Any) -> Any:
    """Return a column as another type, dictionaries too, which Arrow itself casts to few others."""
    import pyarrow as pa

    if column.type.equals(kind):
        return column
    if not pa.types.is_dictionary(kind):
        return column.cast(kind)
    if not pa.types.is_dictionary(column.type):
        return column.cast(kind.value_type).dictionary_encode().cast(kind)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    made = [
        pa.DictionaryArray.from_arrays(
            chunk.indices.cast(kind.index_type), chunk.dictionary.cast(kind.value_type)
        )
        for chunk in chunks
    ]
    return pa.chunked_array(made, type=kind)
