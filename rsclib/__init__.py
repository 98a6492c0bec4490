"""RSC-Net on a laptop: 3D human pose and shape from low-resolution images, to learn and to check."""

__version__ = "0.1.0"
