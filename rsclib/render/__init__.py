"""Rasterisers: the fast z-buffer, and pytorch3d's interface on top of it."""
