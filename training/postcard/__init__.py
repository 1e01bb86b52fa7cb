"""Postcard: the renderer, training and evaluation of the embedded text-to-picture model."""
