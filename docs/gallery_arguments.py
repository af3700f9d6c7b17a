"""What the scripts of the gallery are called with: they save their pictures, but not among their sources."""

import atexit
import tempfile
from pathlib import Path
from typing import Any

FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)


def arguments(configuration: dict[str, Any], variables: dict[str, Any]) -> list[str]:
    """Save the picture where nobody looks: Sphinx-Gallery takes it from memory."""
    return ["--output", str(Path(FOLDER.name) / "picture.png")]
