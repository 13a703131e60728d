"""Data sets as files: people whom a known camera sees, in each format."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io

INTRINSIC = (1500.0, 1490.0, 1020.0, 1030.0)  # fx, fy, cx, cy


def project(joints):
    """Joints (...,3) in millimetres to pixels (...,2)."""
    fx, fy, cx, cy = INTRINSIC
    x, y, z = np.moveaxis(joints, -1, 0)
    return np.stack([fx * x / z + cx, fy * y / z + cy], axis=-1)


def people_mm(seed, count=2, joints=17, x=0):
    """Poses (count,joints,3) in millimetres, side by side from `x`, at depths of 3 to 4 m."""
    rng = np.random.default_rng(seed)
    poses = rng.uniform(-300, 300, (count, joints, 3))
    poses[..., 0] += 1000 * np.arange(count)[:, None] - 1000 + x
    poses[..., 2] += rng.uniform(3300, 3700, (count, 1))
    return poses


def coco_content(images, **extra):
    """Content of a JSON file; `images` holds the poses (N,J,3) in mm of each file name."""
    content = {"images": [], "annotations": []}
    for file_name, poses in images.items():
        number = 100 + len(content["images"])
        content["images"].append(
            {
                "id": number,
                "file_name": file_name,
                "width": 2048,
                "height": 2040,
                "intrinsic": list(INTRINSIC),
            }
        )
        for pose in poses:
            pixels = project(pose)
            low, high = pixels.min(axis=0), pixels.max(axis=0)
            content["annotations"].append(
                {
                    "id": 7 + len(content["annotations"]),
                    "image_id": number,
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                    "keypoints_img": pixels.tolist(),
                    "keypoints_cam": pose.tolist(),
                    **extra,
                }
            )
    return content


def mupots_folder(folder, poses, invalid=(), occlusion=True, dropped=None):
    """Write a TSx folder as MATLAB does, from poses (frames,people,17,3) in millimetres."""
    frames, people = poses.shape[:2]
    cells = np.empty((frames, people), object)
    flags = np.empty((frames, people), object)
    for frame, person in np.ndindex(frames, people):
        pose = poses[frame, person]
        cells[frame, person] = {
            "annot2": project(pose).T,
            "annot3": pose.T,
            "univ_annot3": 0.9 * pose.T,
            "isValidFrame": np.array([[(frame, person) not in invalid]]),
        }
        if dropped:
            del cells[frame, person][dropped]
        flags[frame, person] = (np.arange(17) % 3 == 0).astype(np.uint8)[None]
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / "annot.mat", {"annotations": cells})
    if occlusion:
        scipy.io.savemat(folder / "occlusion.mat", {"occlusion_labels": flags})


def write_json(path, content):
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="session")
def made():
    """The functions above."""
    return SimpleNamespace(
        intrinsic=INTRINSIC,
        project=project,
        people_mm=people_mm,
        coco=coco_content,
        mupots=mupots_folder,
        write_json=write_json,
    )
