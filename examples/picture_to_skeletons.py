"""Print where the people of a picture are, and where their wrists.

python picture_to_skeletons.py photo.jpg 900     (the focal length of the camera in pixels)
"""

import argparse

import cv2

from pinet_ros import Camera, PoseEstimator, Refiner

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("picture")
parser.add_argument("focal", type=float, help="focal length in pixels")
options = parser.parse_args()

image = cv2.imread(options.picture)  # (H,W,3) uint8, BGR
if image is None:
    parser.error(f"{options.picture} is not a picture")
height, width = image.shape[:2]
# For a calibrated camera: pinet_ros.geometry.calibration.read_calibration(path).camera(...)
camera = Camera.from_focal(options.focal, width, height)

estimator = PoseEstimator()  # finds the people and lifts each one to 3D
refiner = Refiner()  # refines them together
people = refiner(estimator(image, camera).people).people

print(f"{len(people)} people")
for number in range(len(people)):
    print(f"person {number}: {people.distance(number):.2f} m away")
    for joint in ("left_wrist", "right_wrist"):
        x, y, z = people.joints[number, people.joint_set.index(joint)]  # metres
        print(f"  {joint}: {x:+.2f} m to the right, {y:+.2f} m down, {z:.2f} m ahead")
