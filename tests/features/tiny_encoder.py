"""A tiny random BERT in a folder, which the real code loads."""

from pathlib import Path

import transformers

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "sat", "ran", "stocks", "fell"]


def save_tiny_encoder(path: Path) -> None:
    """Save a random encoder of these words into a folder, which is made where it is missing."""
    path.mkdir(exist_ok=True)
    (path / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizerFast(vocab_file=str(path / "vocab.txt"), vocab=str(path / "vocab.txt")).save_pretrained(
        path
    )
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    transformers.BertModel(config).save_pretrained(path)
