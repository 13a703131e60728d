"""Data sets, rendered people, training and evaluation for pinet_ros."""
