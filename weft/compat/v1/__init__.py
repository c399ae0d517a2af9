"""`import weft.compat.v1 as tf` gives weft itself."""

import sys

import weft

sys.modules[__name__] = weft
