"""Models with their graphs, signatures and variables in one folder: `tf.saved_model`.

What is written here TensorFlow's loaders read, and the other way round.
"""

from __future__ import annotations

from . import (
    builder,
    constants,
    loader,
    main_op,
    signature_constants,
    signature_def_utils,
    tag_constants,
    utils,
)
from .builder import SavedModelBuilder, simple_save
from .builder import SavedModelBuilder as Builder
from .constants import *  # noqa: F403
from .constants import __all__ as _constants
from .loader import contains_saved_model, load, maybe_saved_model_directory
from .main_op import main_op_with_restore
from .signature_constants import *  # noqa: F403
from .signature_constants import __all__ as _signature_constants
from .signature_def_utils import (
    build_signature_def,
    build_tensor_info,
    classification_signature_def,
    get_tensor_from_tensor_info,
    is_valid_signature,
    predict_signature_def,
    regression_signature_def,
)
from .tag_constants import *  # noqa: F403
from .tag_constants import __all__ as _tag_constants

__all__ = [
    *_constants,
    *_signature_constants,
    *_tag_constants,
    "Builder",
    "SavedModelBuilder",
    "build_signature_def",
    "build_tensor_info",
    "builder",
    "classification_signature_def",
    "constants",
    "contains_saved_model",
    "get_tensor_from_tensor_info",
    "is_valid_signature",
    "load",
    "loader",
    "main_op",
    "main_op_with_restore",
    "maybe_saved_model_directory",
    "predict_signature_def",
    "regression_signature_def",
    "signature_constants",
    "signature_def_utils",
    "simple_save",
    "tag_constants",
    "utils",
]
