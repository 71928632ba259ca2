"""The gRPC error is found in any exception chain of pymilvus, including cycles."""

from __future__ import annotations

import multiprocessing

import grpc

from stores.milvus.milvus_connection import _grpc_error


class Refused(grpc.RpcError):
    """A gRPC error with a status code."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAUTHENTICATED


def test_grpc_error_is_found_in_exception_chain() -> None:
    refused = Refused()
    outer = ValueError("outer")
    outer.__cause__ = RuntimeError("middle")
    outer.__cause__.__context__ = refused
    assert _grpc_error(outer) is refused


def search_cyclic_chain() -> None:
    """Searches a cyclic exception chain, as pymilvus creates by re-raising a stored exception."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert _grpc_error(first) is None


def test_cyclic_exception_chain_terminates() -> None:
    process = multiprocessing.get_context("fork").Process(target=search_cyclic_chain)
    process.start()
    process.join(10)
    is_endless = process.is_alive()
    process.kill()
    process.join()
    assert not is_endless
    assert process.exitcode == 0
