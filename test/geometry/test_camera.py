from __future__ import annotations

import cv2
import numpy as np
import pytest

from pinet_ros.geometry.camera import Camera, CameraError

LENSES = {  # width, height, focal length, distortion
    "none": (1280, 720, 900, []),
    "four coefficients": (1280, 720, 900, [-0.1, 0.02, 0.001, -0.001]),
    "webcam": (1280, 720, 900, [-0.35, 0.15, 0.001, -0.0008, -0.03]),
    "strong barrel": (1392, 512, 984, [-0.37, 0.19, -0.0001, 0.0018, -0.066]),
    "pincushion": (1280, 800, 900, [0.12, -0.05, 0.0004, 0.0007, 0.01]),
    "rational": (2048, 1536, 973, [0.45, -2.55, 0.0005, -0.0002, 1.49, 0.33, -2.38, 1.42]),
    "rational, 148 degrees": (1280, 800, 570, [9.9, 5.6, 0.0002, -0.0001, 0.33, 10.2, 8.9, 1.6]),
}


def make(width, height, focal, d, /, **changed):
    info = {
        "width": width,
        "height": height,
        "k": [focal, 0, width / 2 - 3.3, 0, 1.01 * focal, height / 2 + 2.1, 0, 0, 1],
        "d": d,
        "distortion_model": "rational_polynomial" if len(d) > 5 else "plumb_bob",
    }
    return Camera.from_info(**info | changed)


def pixels_of(camera, beyond=0.0):
    """A grid over the image, `beyond` image sizes larger to all sides."""
    size = np.array([camera.width - 1, camera.height - 1])
    steps = np.linspace(-beyond, 1 + beyond, 33)
    return np.stack(np.meshgrid(steps, steps), axis=-1) * size


def opencv_project(points, camera):
    flat = points.reshape(-1, 1, 3)
    zero = np.zeros(3)
    found, _ = cv2.projectPoints(flat, zero, zero, camera.matrix, camera.distortion)
    return found.reshape(*points.shape[:-1], 2)


@pytest.fixture(params=LENSES.values(), ids=LENSES)
def camera(request):
    return make(*request.param)


def test_opencv_projects_the_rays_of_pixels_onto_them(camera):
    pixels = pixels_of(camera)
    rays = camera.rays(pixels)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1)
    assert (rays[..., 2] > 0).all()
    np.testing.assert_allclose(opencv_project(rays, camera), pixels, atol=1e-6)


def test_projection_is_opencvs(camera):
    depths = np.random.default_rng(0).uniform(0.3, 20, size=(33, 33, 1))
    points = depths * camera.rays(pixels_of(camera))
    np.testing.assert_allclose(camera.project(points), opencv_project(points, camera), atol=1e-6)


def test_undistorted_points_are_the_rays_over_their_depth(camera):
    pixels = pixels_of(camera)
    rays = camera.rays(pixels)
    np.testing.assert_allclose(camera.undistort(pixels), rays[..., :2] / rays[..., 2:])


def test_points_are_unprojected_to_their_depths(camera):
    pixels = pixels_of(camera)
    depths = np.random.default_rng(0).uniform(0.3, 20, size=(33, 33))
    points = camera.unproject(pixels, depths)
    np.testing.assert_allclose(points[..., 2], depths)
    np.testing.assert_allclose(opencv_project(points, camera), pixels, atol=1e-6)


def test_pixels_outside_the_image_have_rays_too(camera):
    pixels = pixels_of(camera, beyond=0.7)
    rays = camera.rays(pixels)
    np.testing.assert_allclose(camera.project(rays), pixels, atol=1e-6)
    # along each row of pixels the rays turn steadily to the right
    assert (np.diff(camera.undistort(pixels)[..., 0], axis=1) > 0).all()


@pytest.mark.parametrize("beyond", [0.0, 0.7])
def test_a_polynomial_that_turns_back_within_the_image_stays_invertible(beyond):
    camera = make(640, 480, 380, [-0.34, 0.13, 0.0008, 0.0002, -0.025])
    pixels = pixels_of(camera, beyond)
    rays = camera.rays(pixels)
    assert np.isfinite(rays).all()
    np.testing.assert_allclose(camera.project(rays), pixels, atol=1e-6)


def test_a_point_far_to_the_side_is_not_projected_into_the_image(camera):
    u, _ = camera.project([5.0, 0.0, 1.0])
    assert u > camera.width


def test_points_behind_the_camera_have_no_pixel(camera):
    points = [[0.1, 0.2, 1], [0.1, 0.2, -1], [0.1, 0.2, 0], [np.nan, 0, 1]]
    unseen = np.isnan(camera.project(points)).any(axis=1)
    assert unseen.tolist() == [False, True, True, True]


def test_no_points(camera):
    assert camera.project(np.zeros((0, 17, 3))).shape == (0, 17, 2)
    assert camera.rays(np.zeros((0, 2))).shape == (0, 3)


def test_binning_and_region_of_interest():
    points = np.random.default_rng(0).uniform([-1, -0.5, 2], [1, 0.5, 5], size=(50, 3))
    whole = make(*LENSES["webcam"]).project(points)
    part = make(
        *LENSES["webcam"], width=400, height=150, binning=(2, 4), roi_offset=(200, 80)
    ).project(points)
    inside = ((part > 0) & (part < [400, 150])).all(axis=1)
    assert inside.sum() > 3
    np.testing.assert_allclose(part[inside], ((whole - [200, 80]) / [2, 4])[inside])
    unbinned = make(*LENSES["webcam"], binning=(0, 0))
    np.testing.assert_allclose(unbinned.project(points), whole)


def test_intrinsics_make_the_matrix_and_the_distortion_is_optional():
    camera = Camera.from_intrinsics(640, 480, 500, 505, 321, 238, (-0.1, 0.02, 0.001, 0))
    assert (camera.width, camera.height) == (640, 480)
    assert camera.matrix.tolist() == [[500, 0, 321], [0, 505, 238], [0, 0, 1]]
    assert camera.distortion.tolist() == [-0.1, 0.02, 0.001, 0, 0, 0, 0, 0]
    assert not Camera.from_intrinsics(640, 480, 500, 505, 321, 238).distortion.any()
    with pytest.raises(CameraError, match="fx=0, fy=505"):
        Camera.from_intrinsics(640, 480, 0, 505, 321, 238)


def test_field_of_view_reaches_the_images_edges():
    camera = Camera.from_field_of_view(60, 640, 480)
    left, right = camera.rays([[-0.5, 239.5], [639.5, 239.5]])
    assert np.degrees(np.arccos(left @ right)) == pytest.approx(60)
    np.testing.assert_allclose(camera.rays([319.5, 239.5]), [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k": np.zeros(9)}, "positive focal lengths"),
        ({"k": [np.nan, 0, 0, 0, 1, 0, 0, 0, 1]}, "positive focal lengths"),
        ({"k": [1e-9, 0, 0, 0, 1, 0, 0, 0, 1]}, "no camera has focal lengths below 0.001"),
        ({"k": [500, 0, 1e300, 0, 500, 0, 0, 0, 1]}, r"beyond 1e\+07, got 500 0 1e\+300"),
        ({"roi_offset": (2**32 - 1, 0)}, "check its calibration, binning and region of interest"),
        ({"binning": (2**32 - 1, 1)}, "no camera has focal lengths below"),
        ({"d": [0.1, 1e300, 0, 0, 0]}, "must be finite and within"),
        ({"distortion_model": "equidistant"}, "equidistant must have 4 coefficients, got 5"),
        ({"distortion_model": "ftheta"}, "'ftheta' is not supported"),
        ({"distortion_model": ""}, "'' is not supported"),
        ({"d": [0.1, 0.2, 0.3]}, "got 3"),
        ({"d": [0.1] * 7}, "got 7"),
        ({"d": [0.1, np.inf, 0, 0, 0]}, "must be finite"),
        ({"d": [0.1] * 12, "distortion_model": "rational_polynomial"}, "thin-prism"),
    ],
)
def test_what_cannot_be_used_is_refused(changed, message):
    good = {
        "width": 640,
        "height": 480,
        "k": [500, 0, 320, 0, 500, 240, 0, 0, 1],
        "d": [0.1, 0, 0, 0, 0],
        "distortion_model": "plumb_bob",
    }
    assert Camera.from_info(**good).distortion[0] == 0.1
    with pytest.raises(CameraError, match=message):
        Camera.from_info(**good | changed)


def test_a_camera_without_distortion_needs_no_model():
    info = {"width": 640, "height": 480, "k": [500, 0, 320, 0, 500, 240, 0, 0, 1]}
    for d, model in ([], ""), ([0.0] * 4, "plumb_bob"), ([0.0] * 14, "rational_polynomial"):
        camera = Camera.from_info(**info, d=d, distortion_model=model)
        np.testing.assert_allclose(camera.project([0.1, 0.2, 1]), [370, 340])


FISHEYE = {"width": 1280, "height": 960, "k": [420, 0, 630, 0, 425, 470, 0, 0, 1]}


@pytest.mark.parametrize(
    "d", [[-0.03, 0.01, -0.003, 0.0005], [0.0] * 4, [-0.4, 0.5, -0.3, 0.1]], ids=str
)
@pytest.mark.parametrize("model", ["equidistant", "fisheye"])
def test_a_fisheye_lens_is_that_of_opencv(d, model):
    camera = Camera.from_info(**FISHEYE, d=d, distortion_model=model)
    rng = np.random.default_rng(0)
    points = rng.uniform([-4, -3, 0.5], [4, 3, 6], (300, 3))
    expected = cv2.fisheye.projectPoints(
        points[:, None], np.zeros(3), np.zeros(3), camera.matrix, np.array(d)
    )[0][:, 0]
    inside = ((expected >= 0) & (expected < (1280, 960))).all(axis=1)
    assert inside.sum() > 100
    pixels = camera.project(points)
    np.testing.assert_allclose(pixels[inside], expected[inside], atol=1e-6)
    flat = points[:, :2] / points[:, 2:]
    np.testing.assert_allclose(camera.undistort(pixels)[inside], flat[inside], atol=1e-8)


@pytest.mark.parametrize("degrees", [60, 80, 86, 88, 89])
def test_a_fisheye_lens_sees_nearly_to_the_side(degrees):
    camera = Camera.from_info(**FISHEYE, d=[0.0] * 4, distortion_model="equidistant")
    pixel = [630 + 420 * np.radians(degrees), 470.0]  # without distortion the angle itself
    ray = camera.rays(pixel)
    assert np.degrees(np.arctan2(ray[0], ray[2])) == pytest.approx(degrees, abs=0.01)


def test_joints_beside_a_fisheye_image_have_rays():
    camera = Camera.from_info(**FISHEYE, d=[0.02, 0, 0, 0], distortion_model="equidistant")
    beside = np.array([[-900.0, 470], [2500, 470], [630, -800], [630, 2000]])
    assert np.isfinite(camera.rays(beside)).all()
    np.testing.assert_allclose(camera.project(camera.rays(beside)), beside, atol=1e-6)
