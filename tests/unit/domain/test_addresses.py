"""without_password removes passwords from addresses and changes nothing else."""

from __future__ import annotations

import pytest

from domain.addresses import has_password, without_password


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("postgresql://me:a%2Fb@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://me:p@h1:1,h2:2/db?sslmode=require", "postgresql://me@h1:1,h2:2/db?sslmode=require"),
        ("postgresql://:p@host/db", "postgresql://@host/db"),
        ("postgresql://host/db?user=me&password=p&sslmode=require", "postgresql://host/db?user=me&sslmode=require"),
        ("postgresql://me@host/db?sslkey=k&sslpassword=p", "postgresql://me@host/db?sslkey=k"),
        ("http://root:Milvus@host:19530", "http://root@host:19530"),
    ],
)  # fmt: skip
def test_without_password_removes_password(url: str, public: str) -> None:
    assert without_password(url) == public
    assert has_password(url) and not has_password(public)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@host/db?passfile=/home/a b/.pgpass&options=-c%20x%3D1",
        "http://127.0.0.1:19530",
        "file:///var/blobs",
        "s3://bucket/a@b:c",
        "",
    ],
)
def test_without_password_keeps_address_without_password(url: str) -> None:
    assert without_password(url) == url
    assert not has_password(url)
