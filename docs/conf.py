"""How Sphinx makes the pages: see CONTRIBUTING.md, or the head of docs/check_pages.py, for the commands.

Nothing is fetched, neither to build the pages nor to read them.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import chdt

sys.path.insert(0, str(Path(__file__).parent))  # for the modules beside this one

project = "chdt"
author = "The chdt developers"
copyright = "2026, the chdt developers"  # noqa: A001, its name in Sphinx
version = release = chdt.__version__

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
# SciPy's documentation is elsewhere, and its list of objects would have to be fetched.
nitpick_ignore = [("py:obj", "scipy.ndimage.distance_transform_cdt")]

# ------------------------------------------------------------------------------------------------ text

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# ------------------------------------------------------------------------------------------------ reference

autodoc_typehints = "none"  # the docstrings say more
numpydoc_show_class_members = False  # torch's own, of modules
numpydoc_class_members_toctree = False

# ------------------------------------------------------------------------------------------------ gallery

# Those that run in seconds. Sphinx-Gallery takes all there is in a folder, so they have one of their own.
SHOWN = ("GALLERY_HEADER.rst", "quickstart.py", "gradient_samples.py", "monai_sizes.py", "millimetres.py")
DOCS = Path(__file__).parent
(DOCS / "_build" / "examples").mkdir(parents=True, exist_ok=True)
for name in SHOWN:
    shutil.copy2(DOCS.parent / "examples" / name, DOCS / "_build" / "examples" / name)

sphinx_gallery_conf = {
    "examples_dirs": "_build/examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "",  # run all
    "nested_sections": False,
    "reset_argv": "gallery_arguments.arguments",
    "within_subsection_order": "FileNameSortKey",
    "plot_gallery": True,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "image_scrapers": ("matplotlib",),
}

# ------------------------------------------------------------------------------------------------ looks

html_theme = "furo"
html_title = "chdt"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["chdt.css"]
html_js_files = ["chdt.js"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#14606f", "color-brand-content": "#14606f"},
    "dark_css_variables": {"color-brand-primary": "#8fd0de", "color-brand-content": "#8fd0de"},
}

# ------------------------------------------------------------------------------------------------ links

# Pages are read in the repository as well, where they point at files that are not pages.
ELSEWHERE = {
    "../examples/hippocampus/README.md": "hippocampus.md",
    "../examples/hippocampus/results)": "hippocampus.md)",
    "../benchmarks/README.md": "measure.md",
    "../examples/quickstart.py": "gallery/quickstart.rst",
    "../examples/gradient_samples.py": "gallery/gradient_samples.rst",
    "../examples/monai_sizes.py": "gallery/monai_sizes.rst",
    "../examples/millimetres.py": "gallery/millimetres.rst",
}


def point_at_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """Links that leave docs/ lead to the page made from their file."""
    for file, page in ELSEWHERE.items():
        source[0] = source[0].replace(f"]({file}", f"]({page}")


def show_pictures_first(app: Sphinx, name: str, source: list[str]) -> None:
    """A page of the gallery begins with its picture, which Sphinx-Gallery puts behind the code."""
    picture = re.search(r"^\.\. image-sg::.*\n(?:   .*\n)+", source[0], re.MULTILINE)
    title = re.search(r"^=+\n", source[0], re.MULTILINE)
    if name.startswith("gallery/") and picture and title:
        text = source[0][: picture.start()] + source[0][picture.end() :]
        source[0] = f"{text[: title.end()]}\n{picture[0]}\n{text[title.end() :]}"


def link_to_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Pictures are links to themselves, so that they can be seen larger on a phone; the gallery has its own ways."""
    if app.env.docname.startswith("gallery/"):
        return
    for image in doctree.findall(nodes.image):
        image.setdefault("width", "100%")


def give_captions_a_level(app: Sphinx, name: str, template: str, context: dict[str, Any], _: object) -> None:
    """Captions of the table of contents say that they are headings, but not which: a screen reader needs to know."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", point_at_pages)
    app.connect("source-read", show_pictures_first)
    app.connect("doctree-read", link_to_pictures)
    app.connect("html-page-context", give_captions_a_level, priority=900)  # after the theme
