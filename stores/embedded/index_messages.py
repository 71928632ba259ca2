"""Milvus requests that the search index answers, and its answers, as protobuf messages.

Every function raises `UnsupportedFilter` for a request that the index cannot answer; Milvus Lite
answers those. Errors in a request are left to Milvus Lite as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from milvus_lite.adapter.grpc.errors import success_status_kwargs
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.adapter.grpc.translators.records import records_to_fields_data
from milvus_lite.adapter.grpc.translators.search import parse_search_request
from milvus_lite.engine.projection import build_projection_plan
from milvus_lite.search.filter.ast import And, CmpOp, FieldRef, FloatLit, InOp, IntLit, StringLit
from pymilvus.grpc_gen import common_pb2, milvus_pb2, schema_pb2

from runtime.patches.milvus_lite_rows import read_rows
from stores.embedded.indexed_collection import IndexedCollection
from stores.search_index.chunk_index import ChunkIndex, Found
from stores.search_index.columns import Condition, UnsupportedFilter

COUNT = "count(*)"

# Arguments of a search that the index does not know, by their names in `parse_search_request`.
_UNKNOWN_TO_SEARCH = (
    *("partition_names", "group_by_field", "radius", "range_filter", "offset", "ranker", "rerank"),
    *("function_chains", "has_function_score", "order_by_fields", "timezone", "time_fields"),
)
_UNKNOWN_TO_QUERY = ("offset", "timezone", "time_fields")


def search(collection: IndexedCollection, request: Any) -> Any:
    """Returns the nearest rows by cosine or inner product, with filter columns.

    A request without output fields gets the keys only, as from a Milvus server.
    """
    index, parsed = index_of(collection), parse_search_request(request)
    names = parsed["output_fields"] or []
    is_known = not any(parsed[name] for name in _UNKNOWN_TO_SEARCH) and parsed["round_decimal"] < 0
    if not is_known or len(parsed["query_vectors"]) != 1 or not index.columns.issuperset(names):
        raise UnsupportedFilter("The index does not know an argument of the search.")
    conditions = conditions_of(collection, parsed["expr"])
    found = _search(collection, index, parsed, conditions, names)
    return milvus_pb2.SearchResults(
        status=common_pb2.Status(**success_status_kwargs()),
        results=_result_data(collection, found, parsed["top_k"], names),
        collection_name=collection.name,
    )


def _search(
    collection: IndexedCollection,
    index: ChunkIndex,
    parsed: dict[str, Any],
    conditions: Sequence[Condition],
    names: Sequence[str],
) -> Found:
    [query], limit, field = parsed["query_vectors"], parsed["top_k"], parsed["anns_field"]
    metric = collection.resolve_search_metric(field, parsed["metric_type"])
    layout = collection.layout
    if layout is None or limit <= 0:
        raise UnsupportedFilter("The index does not know this kind of search.")
    if field == layout.sparse and isinstance(query, dict) and min(query.values(), default=0) >= 0:
        return index.matching(query, limit, conditions, names)
    is_dense = field in (None, layout.dense) and metric == "COSINE" and isinstance(query, list)
    if is_dense and len(query) == layout.dimension:
        return index.nearest(np.array(query, np.float32), limit, conditions, names)
    raise UnsupportedFilter("The index does not know this kind of search.")


def _result_data(
    collection: IndexedCollection, found: Found, limit: int, names: list[str]
) -> schema_pb2.SearchResultData:
    key, fields = collection.pk_field, []
    if names:
        plan = build_projection_plan(names, collection.schema, api_kind="search")
        records = _records(found, key, names)
        fields = records_to_fields_data(records, collection.schema, projection_plan=plan)
    return schema_pb2.SearchResultData(
        num_queries=1,
        top_k=limit,
        fields_data=fields,
        scores=found.scores.tolist(),
        ids=schema_pb2.IDs(str_id=schema_pb2.StringArray(data=found.keys)),
        topks=[len(found.keys)],
        output_fields=names,
        primary_field_name=key,
    )


def query(collection: IndexedCollection, request: Any) -> Any:
    """Returns rows by key or filter, or their number."""
    index = index_of(collection)
    options = {pair.key: pair.value for pair in request.query_params}
    if request.partition_names or any(
        options.get(name) not in (None, "", "0") for name in _UNKNOWN_TO_QUERY
    ):
        raise UnsupportedFilter("The index does not know an argument of the query.")
    names = list(request.output_fields)
    if COUNT in names:
        return _count_message(collection, index.count(conditions_of(collection, request.expr)))
    plan = build_projection_plan(names or None, collection.schema, api_kind="query")
    fields = [name for name in plan.response_schema_fields if name != collection.pk_field]
    records = _query(collection, index, request.expr, options, fields)
    return milvus_pb2.QueryResults(
        status=common_pb2.Status(**success_status_kwargs()),
        fields_data=records_to_fields_data(records, collection.schema, projection_plan=plan),
        collection_name=collection.name,
        output_fields=[collection.pk_field, *fields] if names else [],
        primary_field_name=collection.pk_field,
    )


def _query(
    collection: IndexedCollection,
    index: ChunkIndex,
    expression: str,
    options: dict[str, str],
    fields: list[str],
) -> list[dict[str, Any]]:
    """Returns records with the key and these fields.

    Rows are read from the collection only if a field is not a column of the index. An iterator
    gets them in order of the key, because it continues after the last one.
    """
    key, is_ordered = collection.pk_field, "iterator" in options
    limit = int(options["limit"]) if options.get("limit") else None
    keys = None if is_ordered else MilvusServicer._extract_pks_from_expr(expression, collection)
    if keys is not None:
        return read_rows(collection, [one for one in keys if one in index], [key, *fields])
    is_covered = index.columns.issuperset(fields)
    conditions = conditions_of(collection, expression)
    columns = fields if is_covered else ()
    records = _records(index.rows(conditions, columns, None if is_ordered else limit), key, columns)
    if is_ordered:
        records = sorted(records, key=itemgetter(key))[:limit]
    if is_covered:
        return records
    return read_rows(collection, [record[key] for record in records], [key, *fields])


def keys_of_filter(collection: IndexedCollection, request: Any) -> list[str] | None:
    """Returns the keys of the rows that a deletion by filter deletes, None if it names keys."""
    if request.partition_name:
        raise UnsupportedFilter("The index does not know partitions.")
    if MilvusServicer._extract_pks_from_expr(request.expr, collection) is not None:
        return None
    return index_of(collection).rows(conditions_of(collection, request.expr)).keys


def deletion_message(keys: list[str]) -> Any:
    """Returns the answer to a deletion of these rows."""
    return milvus_pb2.MutationResult(
        status=common_pb2.Status(**success_status_kwargs()),
        IDs=schema_pb2.IDs(str_id=schema_pb2.StringArray(data=keys)),
        delete_cnt=len(keys),
    )


def _count_message(collection: IndexedCollection, count: int) -> Any:
    counted = schema_pb2.ScalarField(long_data=schema_pb2.LongArray(data=[count]))
    data = schema_pb2.FieldData(field_name=COUNT, type=schema_pb2.DataType.Int64, scalars=counted)
    return milvus_pb2.QueryResults(
        status=common_pb2.Status(**success_status_kwargs()),
        fields_data=[data],
        collection_name=collection.name,
        output_fields=[COUNT],
    )


def _records(found: Found, key: str, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = {name: found.columns[name] for name in names} | {key: found.keys}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def index_of(collection: IndexedCollection) -> ChunkIndex:
    """Returns the index of a loaded collection. Raises `UnsupportedFilter` if there is none."""
    if collection.index is None or collection.load_state != "loaded":
        raise UnsupportedFilter("The collection has no index.")
    return collection.index


def conditions_of(collection: IndexedCollection, expression: str | None) -> list[Condition]:
    """Returns a filter expression as conditions that all must be met.

    Raises `UnsupportedFilter`.
    """
    return _flattened(collection._compile_filter(expression).ast) if expression else []


def _flattened(tree: Any) -> list[Condition]:
    match tree:
        case And():
            return [one for operand in tree.operands for one in _flattened(operand)]
        case CmpOp(left=FieldRef(name=name), right=right):
            return [Condition(name, tree.op, _literal(right))]
        case InOp(field=FieldRef(name=name)):
            values = tuple(_literal(one) for one in tree.values.elements)
            return [Condition(name, "not in" if tree.negate else "in", values)]
        case _:
            raise UnsupportedFilter(f"The index does not know {type(tree).__name__}.")


def _literal(tree: Any) -> Any:
    if isinstance(tree, IntLit | FloatLit | StringLit):
        return tree.value
    raise UnsupportedFilter(f"The index does not know {type(tree).__name__}.")
