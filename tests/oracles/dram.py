"""A main memory request by request: banks, a command bus and a data bus, each event after those it waits for.

Times are clocks. A request is a run of bursts in one bank; a miss closes the bank's row and opens another.
"""

import random


class Banks:
    """Banks of one channel that share a bus for column commands and data."""

    def __init__(self, memory, depth=None):
        self.memory = memory
        self.row = [None] * memory.banks
        self.ready = [0.0] * memory.banks  # when a bank's row is open and free for its next command
        self.opened = -1e9  # last activation of any bank
        self.bus = 0.0  # when the data bus is free
        self.starts = [0.0] * (depth or 64)  # requests in flight: one waits for the one so many before it

    def request(self, bank, row, bursts):
        """Serve a request; returns when its data is through."""
        memory = self.memory
        earliest = self.starts.pop(0)
        begin = max(earliest, self.ready[bank])
        if self.row[bank] != row:
            activate = max(begin + memory.t_rp_cycles, self.opened + memory.t_rrd_cycles)
            self.opened = activate
            begin = activate + memory.t_rcd_cycles + memory.t_cas_cycles
            self.row[bank] = row
        each = max(memory.t_burst_cycles, memory.t_ccd_cycles)
        start = max(begin, self.bus)
        self.bus = self.ready[bank] = start + bursts * each
        self.starts.append(start)
        return self.bus


def bandwidth(memory, hit, bursts, banks, requests=4000, seed=None):
    """Bytes a second of one request after another, spread over banks in turn, a share of them hits.

    Misses come evenly, or by chance of a seed.
    """
    rng = random.Random(seed)
    channel, rows, end = Banks(memory), [0] * banks, 0.0
    for number in range(requests):
        bank = number % banks
        even = int((number + 1) * (1 - hit) + 1e-9) > int(number * (1 - hit) + 1e-9)
        if even if seed is None else rng.random() >= hit:
            rows[bank] += 1
        end = channel.request(bank, rows[bank], bursts)
    seconds = end / memory.clock_hz
    if memory.t_refi_cycles:
        seconds /= 1 - memory.t_rfc_cycles / memory.t_refi_cycles
    return memory.channels * requests * bursts * memory.burst_bytes / seconds


def written(memory, banks, bursts=1, requests=4000, pulse=None, seed=0):
    """Bytes a second of writes, one after another over banks in turn, each keeping its bank for its pulse.

    `pulse` draws the clocks of one; by default all are alike.
    """
    rng = random.Random(seed)
    free, bus = [0.0] * banks, 0.0
    for number in range(requests):
        bank = number % banks
        start = max(free[bank], bus)
        bus = start + bursts * memory.t_burst_cycles
        free[bank] = bus + (memory.t_wp_cycles if pulse is None else pulse(rng))
    return memory.channels * requests * bursts * memory.burst_bytes / (max(free) / memory.clock_hz)
