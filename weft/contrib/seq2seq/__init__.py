"""Sequences from sequences: decoders, attention, beam search; TensorFlow's `tf.contrib.seq2seq`."""

from __future__ import annotations

from .attention import AttentionMechanism, BahdanauAttention, BaseAttentionMechanism, LuongAttention
from .attention_wrapper import AttentionWrapper, AttentionWrapperState
from .basic_decoder import BasicDecoder, BasicDecoderOutput
from .beam_search import (
    BeamSearchDecoder,
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    FinalBeamSearchDecoderOutput,
)
from .beams import gather_tree, gather_tree_from_array, tile_batch
from .decoder import Decoder, dynamic_decode
from .helper import CustomHelper, GreedyEmbeddingHelper, Helper, InferenceHelper, TrainingHelper
from .loss import sequence_loss
from .sampling import (
    SampleEmbeddingHelper,
    ScheduledEmbeddingTrainingHelper,
    ScheduledOutputTrainingHelper,
)

__all__ = [
    "AttentionMechanism",
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "BaseAttentionMechanism",
    "BasicDecoder",
    "BasicDecoderOutput",
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "CustomHelper",
    "Decoder",
    "FinalBeamSearchDecoderOutput",
    "GreedyEmbeddingHelper",
    "Helper",
    "InferenceHelper",
    "LuongAttention",
    "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper",
    "ScheduledOutputTrainingHelper",
    "TrainingHelper",
    "dynamic_decode",
    "gather_tree",
    "gather_tree_from_array",
    "sequence_loss",
    "tile_batch",
]
