"""File formats: checkpoints, record files, example messages; none of them needs a library of its own."""
