"""What type checkers must refuse: each of these lines is an error, or its ``ignore`` is one."""

import numpy as np
import torch

from chdt import ExpectedSizeLoss, distance_transform, expected_size_loss, object_size

array, tensor = np.ones((3, 3), bool), torch.ones(3, 3)

object_size([[1, -1]])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
object_size(array, 2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
distance_transform(array, out=tensor)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
sizes: torch.Tensor = object_size(array)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
expected_size_loss(array, tensor)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ExpectedSizeLoss(samples=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
