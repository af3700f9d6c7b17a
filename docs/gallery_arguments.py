"""What the scripts of the gallery are called with: they save their pictures, but not among their sources."""

import atexit
import os
import tempfile
from pathlib import Path
from typing import Any

FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)


def arguments(configuration: dict[str, Any], variables: dict[str, Any]) -> list[str]:
    """Save the picture where nobody looks: Sphinx-Gallery takes it from memory.

    The variable GALLERY_EPOCHS is for tests of the pages: how long the network of an example learns.
    """
    output = ["--output", str(Path(FOLDER.name) / "picture.png")]
    epochs = os.environ.get("GALLERY_EPOCHS")
    is_training = Path(variables["src_file"]).name == "monai_sizes.py"
    return [*output, "--epochs", epochs] if epochs and is_training else output
