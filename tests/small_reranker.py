"""A small cross-encoder with random weights, for tests of the reranker."""

from __future__ import annotations

from pathlib import Path

WORDS = ("laser", "ion", "trap", "light", "cool", "beam", "atom", "gene", "cell", "the", "of")


def small_reranker(folder: Path, labels: int = 1) -> Path:
    """Returns the folder of a cross-encoder with two layers; equal calls give equal weights.

    The weights are large, so that the scores of different passages differ clearly.
    """
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    plain = folder / "plain"
    plain.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *map(str, range(100))]
    (plain / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizer(str(plain / "vocab.txt")).save_pretrained(plain)
    torch.manual_seed(11)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=256,
        initializer_range=0.3,
        id2label={number: str(number) for number in range(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(plain)
    model = folder / "reranker"
    CrossEncoder(str(plain), device="cpu").save_pretrained(str(model))
    return model
