"""TokenBatch: rows, selection, padding; and the identity of tokenizers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from embedding.load import DEFAULT_MODEL, resolve_model
from embedding.token_batch import TokenBatch
from embedding.token_format import TOKENIZER_FILE, token_format
from embedding.tokenizer import is_same_tokenizer, tokenize

Rows = list[list[int]]
ROWS = st.lists(st.lists(st.integers(0, 30_000), max_size=9), max_size=9)


def batch(rows: Rows) -> TokenBatch:
    return TokenBatch.from_rows([np.array(row, dtype=np.int32) for row in rows])


def lists(tokens: TokenBatch) -> Rows:
    return [row.tolist() for row in tokens.rows()]


@given(ROWS)
def test_token_batch_returns_rows(rows: Rows) -> None:
    tokens = batch(rows)
    assert lists(tokens) == rows
    assert len(tokens) == len(rows)
    assert tokens.counts.tolist() == [len(row) for row in rows]
    assert (tokens.ids.dtype, tokens.offsets.dtype) == (np.int32, np.int64)


@given(ROWS, ROWS)
def test_token_batch_joined_and_selected_rows_keep_their_ids(first: Rows, second: Rows) -> None:
    joined = TokenBatch.joined([batch(first), batch(second)])
    assert lists(joined) == first + second
    backwards = range(len(joined) - 1, -1, -1)
    assert lists(joined.select(backwards)) == (first + second)[::-1]


def test_token_batch_pads_on_the_right() -> None:
    ids, mask = batch([[5], [1, 2, 3], [8, 9]]).padded([2, 1], width=4, pad_id=7)
    assert ids.tolist() == [[8, 9, 7, 7], [1, 2, 3, 7]]
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]


def test_token_batch_rejects_counts_that_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="3 token ids, but the counts add up to 2"):
        TokenBatch.of(np.arange(3), [1, 1])


def test_is_same_tokenizer_ignores_truncation_only(tmp_path: Path) -> None:
    file = resolve_model(DEFAULT_MODEL) / TOKENIZER_FILE
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.enable_truncation(7)
    assert is_same_tokenizer(tokenizer, file)
    assert lists(tokenize(tokenizer, ["wing"])) == [tokenizer.encode("wing").ids]
    tokenizer.add_tokens(["aerofoil"])
    assert not is_same_tokenizer(tokenizer, file)
    assert not is_same_tokenizer(tokenizer, tmp_path / TOKENIZER_FILE)


def test_token_format_is_none_without_tokenizer_file(tmp_path: Path) -> None:
    assert token_format(tmp_path) is None
    (tmp_path / "config.json").write_text('{"vocab_size": 9}')
    assert token_format(tmp_path) is None
    (tmp_path / TOKENIZER_FILE).write_text("{}")
    found = token_format(tmp_path)
    assert found is not None and found.vocabulary == 9
