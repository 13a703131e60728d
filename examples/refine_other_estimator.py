"""Refine the people that another 3D pose estimator has found in an image.

python refine_other_estimator.py [people.npz]

The file holds `joints` (N,17,3): COCO keypoints of N people of one image in metres, in the
camera's optical frame (x right, y down, z forward). Without a file two made-up people are used.
"""

import sys

import numpy as np

from pinet_ros import People, Refiner, RefinerConfig
from pinet_ros.skeleton import COCO_17, MUPOTS_17

# One person, upright and facing the camera, about the middle of the hips.
nose = (0, -0.62, -0.1)
left = np.vstack(  # eye, ear, shoulder, elbow, wrist, hip, knee, ankle; the right side mirrors it
    [
        [(0.03, -0.65, -0.08), (0.08, -0.64, 0), (0.17, -0.48, 0), (0.22, -0.2, 0)],
        [(0.24, 0.04, -0.1), (0.1, 0, 0), (0.11, 0.42, 0), (0.11, 0.83, 0.02)],
    ]
)
upright = np.vstack([nose, np.stack([left, left * (-1, 1, 1)], axis=1).reshape(16, 3)])
places = np.array([(-0.5, 0.2, 3.0), (0.4, 0.2, 3.5)])

joints = np.load(sys.argv[1])["joints"] if sys.argv[1:] else places[:, None] + upright
initial = People.from_joints(COCO_17, joints, up=np.array([0, -1, 0]))  # of a level camera
refiner = Refiner(config=RefinerConfig(refine_unknown=True))  # better: weights of your own
refinement = refiner(initial)

before = initial.to_joint_set(MUPOTS_17).joints  # (N,17,3): the refiner's joints
moved = np.linalg.norm(refinement.people.joints - before, axis=2)  # (N,17) metres
for number, distances in enumerate(moved):
    if not refinement.refined[number]:
        print(f"person {number}: not refined, because joints are unknown")
        continue
    farthest = MUPOTS_17.joints[distances.argmax()]
    print(f"person {number}: moved {distances.mean():.3f} m on average, most the {farthest}")
