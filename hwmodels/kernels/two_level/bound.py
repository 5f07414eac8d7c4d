"""Codes of what an operation's latency waits for, in the order of `hwmodels.columns.BOUNDS`."""

COMPUTE = 0
WEIGHT_PORT = 1
INPUT_PORT = 2
OUTPUT_PORT = 3
SHARED_PORT = 4
MAIN_MEMORY = 5
VECTOR = 6
FRONT_END = 7
