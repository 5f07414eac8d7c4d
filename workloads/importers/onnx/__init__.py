"""ONNX models to networks: `reader` walks, `folding` computes constants, `handlers` add operations."""
