"""Storage formats by writing them: encoders emit fields of a stated width, decoders must get the mask back.

A tensor is a list of rows of 0/1. A field is (value, width in bits); values of non-zeros are written as 1,
stored zeros as 0. The size of a format is the sum of the widths.
"""

Rows = list[list[int]]
Field = tuple[int, int]


def width(things: int) -> int:
    """Bits that tell `things` things apart."""
    bits = 0
    while 2**bits < things:
        bits += 1
    return bits


def put(value: int, bits: int) -> Field:
    assert 0 <= value < 2**bits, f"{value} does not fit {bits} bits"
    return value, bits


def bitmask(rows: Rows) -> tuple[list[int], list[Field]]:
    flat = [cell for row in rows for cell in row]
    return [1] * sum(flat), [put(cell, 1) for cell in flat]


def read_bitmask(values: list[int], fields: list[Field], rows: int, cols: int) -> Rows:
    stream = iter(values)
    flat = [next(stream) if bit else 0 for bit, _ in fields]
    return [flat[r * cols : (r + 1) * cols] for r in range(rows)]


def rle(rows: Rows, run_bits: int) -> tuple[list[int], list[Field]]:
    values, runs, run = [], [], 0
    pending: list[int] = []
    for cell in (cell for row in rows for cell in row):
        pending.append(cell)
        if cell:
            run = len(pending) - 1
            while run > 2**run_bits - 1:
                values.append(0)  # a stored zero stands for itself and the full run before it
                runs.append(put(2**run_bits - 1, run_bits))
                run -= 2**run_bits
            values.append(1)
            runs.append(put(run, run_bits))
            pending = []
    return values, runs


def read_rle(values: list[int], runs: list[Field], rows: int, cols: int) -> Rows:
    flat: list[int] = []
    for value, (run, _) in zip(values, runs, strict=True):
        flat += [0] * run + [value]
    flat += [0] * (rows * cols - len(flat))
    return [flat[r * cols : (r + 1) * cols] for r in range(rows)]


def csr(rows: Rows) -> tuple[list[int], list[Field]]:
    columns = [[c for c, cell in enumerate(row) if cell] for row in rows]
    total = sum(map(len, columns))
    fields, upto = [put(0, width(total + 1))], 0
    for places in columns:
        upto += len(places)
        fields.append(put(upto, width(total + 1)))
    fields += [put(c, width(len(rows[0]))) for places in columns for c in places]
    return [1] * total, fields


def read_csr(values: list[int], fields: list[Field], rows: int, cols: int) -> Rows:
    pointers, places = [value for value, _ in fields[: rows + 1]], [value for value, _ in fields[rows + 1 :]]
    back = [[0] * cols for _ in range(rows)]
    for r in range(rows):
        for at in range(pointers[r], pointers[r + 1]):
            back[r][places[at]] = values[at]
    return back


def coo(rows: Rows) -> tuple[list[int], list[Field]]:
    flat = [cell for row in rows for cell in row]
    return [1] * sum(flat), [put(at, width(len(flat))) for at, cell in enumerate(flat) if cell]


def read_coo(values: list[int], fields: list[Field], rows: int, cols: int) -> Rows:
    back = [[0] * cols for _ in range(rows)]
    for value, (at, _) in zip(values, fields, strict=True):
        back[at // cols][at % cols] = value
    return back


def n_m(rows: Rows, n: int, m: int) -> tuple[list[int], list[Field]]:
    values, fields = [], []
    for row in rows:
        for begin in range(0, len(row), m):
            live = [place for place in range(m) if row[begin + place]]
            assert len(live) <= n
            spare = [place for place in range(m) if place not in live]
            for place in sorted(live + spare[: n - len(live)]):
                values.append(row[begin + place])
                fields.append(put(place, width(m)))
    return values, fields


def read_n_m(values: list[int], fields: list[Field], rows: int, cols: int, n: int, m: int) -> Rows:
    back = [[0] * cols for _ in range(rows)]
    for slot, (value, (place, _)) in enumerate(zip(values, fields, strict=True)):
        group = slot // n
        back[group // (cols // m)][group % (cols // m) * m + place] = value
    return back


def bcsr(rows: Rows, tall: int, wide: int) -> tuple[list[int], list[Field]]:
    grid = [
        [
            [rows[r][c] for r in range(top, top + tall) for c in range(left, left + wide)]
            for left in range(0, len(rows[0]), wide)
        ]
        for top in range(0, len(rows), tall)
    ]
    live = [[int(any(block)) for block in line] for line in grid]
    _, fields = csr(live)
    values = [cell for line in grid for block in line if any(block) for cell in block]
    return values, fields


def bits(values: list[int], fields: list[Field], value_bits: int) -> tuple[int, int]:
    return value_bits * len(values), sum(size for _, size in fields)
