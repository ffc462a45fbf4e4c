"""Where the boxes and lines of a lineage picture go.

The lanes are known (what comes from outside stands left, what watches a deployment right), so a node's column
is its lane and, inside the lane, its distance from the lane's first nodes. What remains is the order inside a
column, by sweeps that put each node at the mean of its neighbours, and the heights, by the least squares that
keep that order (isotonic regression). A line that crosses columns gets an invisible stop in each of them.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

# Even, so that the columns on the left and those on the right have the same say.
SWEEPS = 12
# Between the middles of two boxes, and of two lines that pass a column.
NODE_GAP, STOP_GAP = 62.0, 26.0

Link = tuple[str, str]
Columns = list[list[str]]


class Point(NamedTuple):
    """A place: its column, and its height in pixels from the top."""

    column: int
    y: float


@dataclass(frozen=True)
class Layout:
    """A laid-out graph.

    Attributes:
        nodes: the place of each node.
        routes: for each edge the places it passes from left to right, its two ends included.
        lanes: for each lane that has nodes, its first and its last column.
        height: the pixels from the first row's centre to the last row's.
    """

    nodes: Mapping[str, Point]
    routes: Mapping[Link, tuple[Point, ...]]
    lanes: Mapping[int, tuple[int, int]]
    height: float


def lay_out(lane_of: Mapping[str, int], links: Iterable[Link]) -> Layout:
    """Return places for the nodes of `lane_of` (node -> lane) and routes for the edges between them."""
    edges = sorted({(up, down) for up, down in links if up in lane_of and down in lane_of and up != down})
    column_of, lanes = _assign_columns(lane_of, edges)
    columns, chains = _with_stops(column_of, edges)
    above, below = _neighbours(chains)
    columns = _ordered(columns, above, below)
    heights = _heights(columns, above, below)
    place = {name: Point(at, heights[name]) for at, column in enumerate(columns) for name in column}
    routes = {edge: tuple(place[name] for name in chain) for edge, chain in zip(edges, chains, strict=True)}
    return Layout({name: place[name] for name in lane_of}, routes, lanes, max(heights.values(), default=0.0))


def _assign_columns(
    lane_of: Mapping[str, int], edges: Sequence[Link]
) -> tuple[dict[str, int], dict[int, tuple[int, int]]]:
    """Return each node's column, and the columns of each lane, empty lanes left out."""
    depth = _depths(lane_of, edges)
    widest: dict[int, int] = {}
    for name, lane in lane_of.items():
        widest[lane] = max(widest.get(lane, 0), depth[name])
    lanes: dict[int, tuple[int, int]] = {}
    start = 0
    for lane in sorted(widest):
        lanes[lane] = (start, start + widest[lane])
        start += widest[lane] + 1
    return {name: lanes[lane][0] + depth[name] for name, lane in lane_of.items()}, lanes


def _depths(lane_of: Mapping[str, int], edges: Sequence[Link]) -> dict[str, int]:
    """Return the longest way to each node from a first node of its lane, along edges inside the lane."""
    inside = [(up, down) for up, down in edges if lane_of[up] == lane_of[down]]
    depth = dict.fromkeys(lane_of, 0)
    # As many rounds as nodes settle every graph without a circle; a circle just stops there.
    for _ in range(len(lane_of)):
        longer = {down: depth[up] + 1 for up, down in inside if depth[up] >= depth[down]}
        if not longer or max(longer.values()) >= len(lane_of):
            break
        depth.update(longer)
    return depth


def _with_stops(column_of: Mapping[str, int], edges: Sequence[Link]) -> tuple[Columns, list[list[str]]]:
    """Return the columns with stops added, and for each edge the names it passes from end to end."""
    columns: Columns = [[] for _ in range(max(column_of.values(), default=-1) + 1)]
    # Sorted, so that the same graph is the same picture in whatever order its edges were recorded.
    for name in sorted(column_of):
        columns[column_of[name]].append(name)
    chains: list[list[str]] = []
    for up, down in edges:
        # An edge that runs against the lanes is led like any other, only from its lower end.
        left, right = sorted((up, down), key=lambda name: column_of[name])
        stops = [f"\0{up}\0{down}\0{at}" for at in range(column_of[left] + 1, column_of[right])]
        for at, stop in enumerate(stops, column_of[left] + 1):
            columns[at].append(stop)
        chains.append([left, *stops, right])
    return columns, chains


def _neighbours(chains: Iterable[Sequence[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            after.setdefault(one, []).append(other)
            before.setdefault(other, []).append(one)
    return before, after


def _ordered(columns: Columns, before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Columns:
    """Return the columns in the order with the fewest crossings that the sweeps came by."""
    best, fewest = columns, crossings(columns, after)
    current = columns
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        current = _swept(current, before if rightwards else after, rightwards)
        found = crossings(current, after)
        if found < fewest:
            best, fewest = current, found
    return best


def _swept(columns: Columns, neighbours: Mapping[str, list[str]], rightwards: bool) -> Columns:
    rank = {name: index / max(1, len(column)) for column in columns for index, name in enumerate(column)}
    result = list(columns)
    for at in range(len(columns)) if rightwards else reversed(range(len(columns))):
        wanted = {
            name: _mean([rank[n] for n in neighbours.get(name, ())], rank[name]) for name in columns[at]
        }
        # Equal wishes keep their order, or sweeps would not come to rest.
        result[at] = sorted(columns[at], key=lambda name: (wanted[name], rank[name]))
        rank.update({name: index / max(1, len(result[at])) for index, name in enumerate(result[at])})
    return result


def crossings(columns: Columns, after: Mapping[str, list[str]]) -> int:
    """Return how many pairs of lines cross between neighbouring columns."""
    total = 0
    for left, right in pairwise(columns):
        rank = {name: index for index, name in enumerate(right)}
        seen: list[int] = []
        for name in left:
            ends = sorted(rank[n] for n in after.get(name, ()) if n in rank)
            # A line crosses those from further up that end further down.
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _heights(
    columns: Columns, before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> dict[str, float]:
    """Return a height for every name: near its neighbours', in its column's order, with room between."""
    offsets = [_offsets(column) for column in columns]
    heights = {
        name: offset - room[-1] / 2
        for column, room in zip(columns, offsets, strict=True)
        for name, offset in zip(column, room, strict=True)
    }
    beside = {name: (*before.get(name, ()), *after.get(name, ())) for name in heights}
    for _ in range(SWEEPS):
        for column, room in zip(columns, offsets, strict=True):
            wanted = [_mean([heights[n] for n in beside[name]], heights[name]) for name in column]
            heights.update(zip(column, _settled(wanted, room), strict=True))
    # Rounded, because the last digits of a sum of floats may differ between machines.
    top = min(heights.values(), default=0.0)
    return {name: round(height - top, 1) for name, height in heights.items()}


def _settled(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """Return the heights nearest to `wanted` that keep the order of a column and its room."""
    # Less the room that each name needs below the first, any order-keeping heights are just non-decreasing.
    free = isotonic([want - offset for want, offset in zip(wanted, room, strict=True)])
    return [height + offset for height, offset in zip(free, room, strict=True)]


def _offsets(column: Sequence[str]) -> list[float]:
    """Return how far below the column's first name each must at least stand."""
    # A circle of edges can leave a column without nodes.
    total, offsets = 0.0, [0.0] if column else []
    for one, other in pairwise(column):
        total += (_room(one) + _room(other)) / 2
        offsets.append(total)
    return offsets


def _room(name: str) -> float:
    return STOP_GAP if name.startswith("\0") else NODE_GAP


def isotonic(wanted: Sequence[float]) -> list[float]:
    """Return the non-decreasing numbers nearest to `wanted` by least squares (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in wanted:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            other, size = pools.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
