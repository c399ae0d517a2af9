"""The parts of TensorFlow's `contrib` that programs use most."""

from __future__ import annotations

from . import framework, layers, learn, lookup, rnn, seq2seq, slim

__all__ = ["framework", "layers", "learn", "lookup", "rnn", "seq2seq", "slim"]
