"""Readers of other formats; the only modules that import onnx and torch."""
