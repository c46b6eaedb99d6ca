"""Networks of every kind that a draw must be one function of. Another process imports them from here."""

import torch
from torch import nn


class Branching(nn.Module):
    """No plain sequence: its input goes around the dropout."""

    def __init__(self):
        super().__init__()
        self.first, self.dropout, self.last = nn.Linear(2, 30), nn.Dropout(0.3), nn.Linear(32, 2)

    def forward(self, x):
        return self.last(torch.cat([x, self.dropout(self.first(x).relu())], dim=1))


class Encoder(nn.Module):
    """nn.TransformerEncoder over sequences [n, T, 4], whose steps that are all zero are padding."""

    def __init__(self):
        super().__init__()
        self.into = nn.Linear(4, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        padding = (x == 0).all(-1)
        values = self.encoder(self.into(x), src_key_padding_mask=padding)
        return self.last(values.masked_fill(padding[..., None], 0.0).sum(1))


class Recurrent(nn.Module):
    """nn.LSTM with dropout between its layers, the last step of which says the class."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, num_layers=3, dropout=0.5, bidirectional=True, batch_first=True)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        return self.last(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.norm2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout2d(0.3)

    def forward(self, x):
        hidden = self.dropout(self.norm1(self.conv1(x)).relu())
        return (x + self.norm2(self.conv2(hidden))).relu()


class ResNet(nn.Module):
    """Batch norm counts over the batch in training only; here its running averages differ from those of the inputs."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.blocks = nn.Sequential(Block(6), Block(6))
        self.last = nn.Linear(6, 4)

    def forward(self, x):
        return self.last(self.blocks(self.norm(self.stem(x)).relu()).mean((2, 3)))


def bert():
    """BertForSequenceClassification of two layers, with random weights that are large enough to tell draws apart."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=12,
        num_labels=3,
        initializer_range=0.3,
    )
    return BertForSequenceClassification(config)


def linear(weights, inputs):
    """Logits of linear classifiers, of a user's own program.  [n, 2] -> [n, K, 3]"""
    return (inputs @ weights).view(len(inputs), -1, 3)


def dense() -> nn.Module:
    """Dense layers without dropout: members of an ensemble are trained at once."""
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
