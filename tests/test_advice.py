"""What is told to who gives neither an array nor a tensor, and that it is right."""

import numpy as np
import pytest
import torch
from expect import expect
from forms import as_array, each_function
from strategies import random_masks


@each_function
@pytest.mark.parametrize(
    ("masks", "kind"),
    [
        ([[1, -1], [1, 1]], "list"),
        (((1, -1), (1, 1)), "tuple"),
        (None, "NoneType"),
        (1.0, "float"),
        (np.float32(1), "numpy.float32"),
        ("mask", "str"),
        (memoryview(bytes(4)), "memoryview"),
    ],
)
def test_other_kinds_are_refused(function, masks, kind):
    with pytest.raises(TypeError, match=f"masks must be a NumPy array or a torch tensor, not {kind}: convert with"):
        function(masks)


@each_function
@pytest.mark.parametrize(("dtype", "background"), [("?", "False"), ("u1", "0"), ("i4", "-1"), ("f4", "-1")])
def test_masked_arrays_are_refused(function, dtype, background):
    masked = np.ma.masked_array(np.ones((4, 5), dtype), np.zeros((4, 5), bool))
    with pytest.raises(TypeError, match="masks must be a NumPy array or a torch tensor, not numpy.ma.*Array") as error:
        function(masked)
    assert str(error.value).endswith(f"convert with masks.filled({background}), which says what masked pixels are")


def _made_by(package):
    """Something of a class that this package has."""
    return type("Image", (), {"__module__": package})()


@each_function
@pytest.mark.parametrize(
    ("masks", "advice"),
    [
        ([[1, -1]], "numpy.asarray(masks)"),
        ([np.ones((3, 4))], "numpy.asarray(masks)"),
        ([torch.ones(3, 4)], "torch.stack(masks)"),
        ((torch.ones(3, 4), torch.ones(3, 4)), "torch.stack(masks)"),
        (_made_by("PIL.Image"), "numpy.asarray(masks)"),
        (_made_by("SimpleITK.SimpleITK"), "SimpleITK.GetArrayFromImage(masks)"),
        (_made_by("itk.itkImagePython"), "itk.array_from_image(masks)"),
        (_made_by("nibabel.nifti1"), "numpy.asarray(masks.dataobj)"),
        (_made_by("xarray.core.dataarray"), "masks.to_numpy()"),
        (_made_by("torchio.data.image"), "masks.data"),
        (_made_by("cupy"), "torch.as_tensor(masks)"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__module__,  # the same in every process
)
def test_advice_for_other_kinds(function, masks, advice):
    with pytest.raises(TypeError, match="masks must be a NumPy array or a torch tensor") as error:
        function(masks)
    assert str(error.value).endswith(f": convert with {advice}")


@each_function
def test_the_advice_for_a_table_is_right(function):
    pandas = pytest.importorskip("pandas")
    mask = random_masks((9, 17), 0.9)
    table = pandas.DataFrame(mask)
    with pytest.raises(TypeError, match=r"convert with masks.to_numpy\(\)$"):
        function(table)
    expect(function, table.to_numpy(), mask)


@each_function
def test_the_advice_for_an_image_of_nibabel_is_right(function):
    nibabel = pytest.importorskip("nibabel")
    volume = random_masks((5, 6, 7), 0.9, spatial_dims=3)
    image = nibabel.Nifti1Image(as_array(volume, "i2"), np.eye(4))
    with pytest.raises(TypeError, match=r"convert with numpy.asarray\(masks.dataobj\)$"):
        function(image, spatial_dims=3)
    expect(function, np.asarray(image.dataobj), volume, spatial_dims=3)
