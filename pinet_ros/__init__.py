"""Metric 3D skeletons of all people in one camera image, refined by PI-Net."""

# The messages are generated into the installed package. Extending the search path lets a checkout,
# which hides that package when Python runs in it, still find them as pinet_ros.msg.
__path__ = __import__("pkgutil").extend_path(__path__, __name__)

__version__ = "0.1.0"
