"""The ROS nodes: thin wrappers around the core."""
