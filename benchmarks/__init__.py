"""Measurements, as ratios within one run. Never part of the tests: clocks decide nothing there."""
