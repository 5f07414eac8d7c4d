"""Fused products the slow way: loops that run, buffers that hold words, and every mapping one by one."""

from collections import Counter
from functools import cache
from itertools import permutations, product
from math import prod


def divides(low, high):
    return all(b % a == 0 for a, b in zip(low, high, strict=True))


def points(sizes):
    return list(product(*([d for d in range(1, n + 1) if n % d == 0] for n in sizes)))


def comparable(a, b):
    return divides(a, b) or divides(b, a)


def masked(elements, density):
    """Words of 8 bits: those of the non-zeros to expect, and a bit an element."""
    return elements if density is None else -int(-(8 * density * elements + elements) // 8)


def stored(step, operand, point, sizes, density=None):
    """(held, moved) of an operand stored at a point: tile times iterations above, partial sums both ways."""
    dims, ranks = step
    own = ranks[operand]
    elements = prod(point[dims.index(d)] for d in own)
    trips = prod(sizes[d] // point[dims.index(d)] for d in dims)
    words = masked(elements, density)
    if operand != "out":
        return words, words * trips
    tiles = prod(sizes[d] // point[dims.index(d)] for d in own)
    sums = (trips - tiles) * elements  # written and read again
    return elements, 2 * sums + tiles * words


def one_product(sizes, done=(), begin=None, zeros=()):
    return _one_product(tuple(sizes[d] for d in "mkn"), tuple(done), begin, tuple(zeros))


@cache
def _one_product(sizes, done, begin, zeros):
    """(held, moved) -> how many mappings of a product; `done` are stored above, points lie in `begin`."""
    sizes = dict(zip("mkn", sizes, strict=True))
    step = ("mkn", {"in": "mk", "weight": "kn", "out": "mn"})
    every = [p for p in points(sizes.values()) if begin is None or divides(p, begin)]
    left = [o for o in ("in", "weight", "out") if o not in done]
    found = Counter()
    for chosen in product(every, repeat=len(left)):
        if all(comparable(a, b) for i, a in enumerate(chosen) for b in chosen[:i]):
            costs = [stored(step, o, p, sizes, dict(zeros).get(o)) for o, p in zip(left, chosen, strict=True)]
            found[sum(h for h, _ in costs), sum(w for _, w in costs)] += 1
    return found


def two_products(m, k, n, p, zeros=({}, {}), between=None):
    """Of (m, k) x (k, n) x (n, p), fused or not: (held, moved) -> how many mappings.

    `zeros` are densities of the operands of each, `between` that of the tensor between once it is whole.
    """
    alone = [[*zeros[0].items(), ("out", between)], [*zeros[1].items(), ("in", between)]]
    first, second = {"m": m, "k": k, "n": n}, {"m": m, "k": n, "n": p}
    found = Counter()
    for (h1, w1), c1 in one_product(first, zeros=alone[0]).items():
        for (h2, w2), c2 in one_product(second, zeros=alone[1]).items():
            found[max(h1, h2), w1 + w2] += c1 * c2
    # Fused: the tensor between has a tile of a x b. What is stored above lies at a point of the shared loops.
    shared = [(step, o) for step, os in ((0, ("in", "weight")), (1, ("weight", "out"))) for o in os]
    for tile in points([m, n]):
        above = [None, *(q for q in points([m, n]) if divides(tile, q))]
        for chosen in product(above, repeat=len(shared)):
            placed = [q for q in chosen if q is not None]
            if not all(comparable(a, b) for i, a in enumerate(placed) for b in placed[:i]):
                continue
            held = moved = 0
            for (step, o), q in zip(shared, chosen, strict=True):
                if q is None:
                    continue
                mapped, sizes = (((q[0], k, q[1]), first), ((q[0], q[1], p), second))[step]
                ranks = {"in": "mk", "weight": "kn", "out": "mn"}
                h, w = stored(("mkn", ranks), o, mapped, sizes, zeros[step].get(o))
                held, moved = held + h, moved + w
            done = [
                [o for (s, o), q in zip(shared, chosen, strict=True) if s == i and q is not None]
                for i in (0, 1)
            ]
            own = one_product(first, (*done[0], "out"), (tile[0], k, tile[1]), zeros[0].items())
            other = one_product(second, (*done[1], "in"), (tile[0], tile[1], p), zeros[1].items())
            written = tile[0] * tile[1]
            read = masked(written, between)
            for (h1, w1), c1 in own.items():
                for (h2, w2), c2 in other.items():
                    found[held + max(written + h1, read + h2), moved + w1 + w2] += c1 * c2
    return found


def front(pairs):
    """The pairs that no other beats, held rising."""
    found = []
    for held, moved in sorted(pairs):
        if not found or moved < found[-1][1]:
            found.append((held, moved))
    return found


def tile(dims, at):
    """Indices of a tile."""
    return tuple(product(*(range(at[d][0], at[d][0] + at[d][1]) for d in dims)))


class Buffer:
    """A one-buffer machine that runs a tree of loops on real indices.

    A tree is a list of ("loop", dimension, count), ("store", tensor, dimensions, memory), at its end one of
    ("step", dimensions, read, written), ("then", tree, tree). `memory` is "in", "out", or "chip": then
    nothing crosses. What is told to hold the tile that it holds already moves nothing.
    """

    def __init__(self, reduced):
        self.held = self.peak = self.moved = 0
        self.reduced = reduced  # accumulations after which a word handed on is whole
        self.tiles, self.left, self.sums = {}, set(), Counter()

    def run(self, tree, sizes):
        """(Most words held, words moved)."""
        self.go(tree, {d: (0, n) for d, n in sizes.items()})
        for key in list(self.tiles):
            self.drop(*key)
        return self.peak, self.moved

    def go(self, nodes, at):
        (kind, *head), rest = nodes[0], nodes[1:]
        if kind == "loop":
            d, count = head
            start, length = at[d][0], at[d][1] // count
            for i in range(count):
                self.go(rest, {**at, d: (start + i * length, length)})
        elif kind == "store":
            words = tile(head[1], at)
            self.fetch(head[0], head[2], words)
            self.held += len(words)
            self.peak = max(self.peak, self.held)
            self.go(rest, at)
            self.held -= len(words)
        elif kind == "then":
            for branch in head:
                self.go(branch, at)
                for node in branch:  # what follows needs the room
                    if node[0] == "store":
                        self.drop(node[1], node[3])
        else:
            self.compute(*head, at)

    def compute(self, dims, read, written, at):
        for index in tile(dims, at):
            where = dict(zip(dims, index, strict=True))
            if read:
                assert self.sums[tuple(where[d] for d in read)] == self.reduced
            if written:
                self.sums[tuple(where[d] for d in written)] += 1

    def fetch(self, name, memory, words):
        if self.tiles.get((name, memory)) == words:
            return
        self.drop(name, memory)
        self.tiles[name, memory] = words
        if memory == "in":
            self.moved += len(words)
        elif memory == "out":
            self.moved += sum(word in self.left for word in words)

    def drop(self, name, memory):
        words = self.tiles.pop((name, memory), ())
        if memory == "out":
            self.moved += len(words)
            self.left.update(words)


def orders(loops):
    return sorted(set(permutations(loops)))


def woven(loops, stores):
    """Every way to put stores between loops; stores at one place in the order given."""
    for places in product(range(len(loops) + 1), repeat=len(stores)):
        tree = []
        for i in range(len(loops) + 1):
            tree += [store for store, place in zip(stores, places, strict=True) if place == i]
            tree += loops[i : i + 1]
        yield tree


def fused_trees(m, k, n, p):
    """Every tree of loops of two fused products, prime by prime."""
    primes = {"m": _primes(m), "k": _primes(k), "n": _primes(n), "p": _primes(p)}
    node = {
        "in": ("store", "in", "mk", "in"),
        "w0": ("store", "w0", "kn", "in"),
        "w1": ("store", "w1", "np", "in"),
        "out": ("store", "out", "mp", "out"),
    }
    between = ("store", "t", "mn", "chip")
    loops = [("loop", d, f) for d in "mn" for f in primes[d]]
    for size in range(len(loops) + 1):
        for taken in {tuple(sorted(c)) for c in permutations(loops, size)}:
            rest = list(loops)
            for loop in taken:
                rest.remove(loop)
            own = [
                rest + [("loop", "k", f) for f in primes["k"]],
                rest + [("loop", "p", f) for f in primes["p"]],
            ]
            for shared in orders(taken):
                for up in product((False, True), repeat=4):
                    high = [node[o] for o, u in zip(node, up, strict=True) if u]
                    low = [
                        [node[o] for o, u in zip(node, up, strict=True) if not u and o in s]
                        for s in (("in", "w0"), ("w1", "out"))
                    ]
                    for top in woven(list(shared), high):
                        firsts = [w for o in orders(own[0]) for w in woven(list(o), low[0])]
                        seconds = [w for o in orders(own[1]) for w in woven(list(o), low[1])]
                        for a, b in product(firsts, seconds):
                            yield [
                                *top,
                                between,
                                (
                                    "then",
                                    [*a, ("step", "mkn", None, "mn")],
                                    [*b, ("step", "mnp", "mn", None)],
                                ),
                            ]


def _primes(number):
    found, prime = [], 2
    while number > 1:
        while number % prime == 0:
            found.append(prime)
            number //= prime
        prime += 1
    return found
