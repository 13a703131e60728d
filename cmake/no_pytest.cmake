# The test of a build that did not find ament_cmake_pytest.
message(FATAL_ERROR
  "no test was run: CMake did not find ament_cmake_pytest. Install it "
  "(apt install ros-$ROS_DISTRO-ament-cmake-pytest, or with ROS from PyPI "
  "pip install ros-kilted-ament-cmake-pytest) and run colcon build --cmake-force-configure.")
