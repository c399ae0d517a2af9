"""`weft.bitwise`: integers as rows of bits."""

from __future__ import annotations

from .elementwise import binary, unary

__all__ = [
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "left_shift",
    "population_count",
    "right_shift",
]

bitwise_and = binary("BitwiseAnd", "bitwise_and", "Bits that are set in both x and y.", "of integers")
bitwise_or = binary("BitwiseOr", "bitwise_or", "Bits that are set in x or y.", "of integers")
bitwise_xor = binary("BitwiseXor", "bitwise_xor", "Bits that are set in one of x and y.", "of integers")
left_shift = binary("LeftShift", "left_shift", "Bits of x moved up by y places.", "of integers")
right_shift = binary(
    "RightShift", "right_shift", "Bits of x moved down by y places, the sign repeated.", "of integers"
)
invert = unary("Invert", "invert", "Every bit turned over.", "integer")
population_count = unary("PopulationCount", "population_count", "How many bits are set.", "integer")
