"""Options of the refiner, which do not depend on the training of its weights."""

from __future__ import annotations

from dataclasses import dataclass

from pinet_ros.errors import PinetError
from pinet_ros.geometry.turning import image_rotation_option
from pinet_ros.refinement.formulation import Formulation
from pinet_ros.util.options import option, violation


@dataclass(frozen=True)
class InferenceOptions:
    """Options of inference.

    Attributes:
        symmetric: average over the scene and its mirror image; the result should not depend on
            left and right.
    """

    symmetric: bool = True

    @classmethod
    def for_formulation(cls, formulation: Formulation) -> InferenceOptions:
        """Default options; AS_PREDICTED, as in the paper, for the published formulation."""
        return AS_PREDICTED if formulation.is_published else cls()


# One view, as in the paper.
AS_PREDICTED = InferenceOptions(symmetric=False)


@dataclass(frozen=True)
class RefinerConfig:
    """Options of Refiner, also of the node pose_refiner: whom it refines.

    Raises:
        PinetError: a value is out of range.
    """

    max_people: int = option(
        50, "of more people, refine only the nearest; the others pass", minimum=1, maximum=1000
    )
    image_rotation: int = image_rotation_option()
    refine_unknown: bool = option(
        False, "refine people of estimators whose errors the weights have not learnt, too"
    )

    def __post_init__(self) -> None:
        if problem := violation(self):
            raise PinetError(problem)


# For data sets, whatever estimator they are of.
EVERYBODY = RefinerConfig(max_people=1000, refine_unknown=True)


@dataclass(frozen=True)
class Passed:
    """How many people of an image were passed through unrefined.

    Attributes:
        unusable: see `refinable`.
        surplus_people: the farthest, if there were more than max_people.
        unknown_estimator: people of an estimator whose errors the weights have not learnt.
    """

    unusable: int = 0
    surplus_people: int = 0
    unknown_estimator: int = 0
