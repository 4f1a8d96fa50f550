"""Optimal assignment: each row to at most one column and each column to at most one row, so that the sum of weights is greatest.

The Hungarian method with potentials (Kuhn 1955, Munkres 1957), O(rows² · columns). Weights of 0 or less mean: never.
"""

from __future__ import annotations

from collections.abc import Sequence


def assign(weights: Sequence[Sequence[float]]) -> list[int | None]:
    """Return for each row the column it is given, or None.

    >>> assign([[3.0, 2.0], [3.0, 0.0]])
    [1, 0]
    """
    rows = len(weights)
    columns = len(weights[0]) if rows else 0
    if not rows or not columns:
        return [None] * rows
    # every row may also stay alone: a column of its own with weight 0
    width = columns + rows
    cost = [[-max(weight, 0.0) for weight in row] + [0.0] * rows for row in weights]
    u, v = [0.0] * (rows + 1), [0.0] * (width + 1)
    match, way = [0] * (width + 1), [0] * (width + 1)
    for row in range(1, rows + 1):
        match[0] = row
        least, used = [float("inf")] * (width + 1), [False] * (width + 1)
        column = 0
        while True:
            used[column] = True
            current, delta, following = match[column], float("inf"), 0
            for other in range(1, width + 1):
                if used[other]:
                    continue
                reduced = cost[current - 1][other - 1] - u[current] - v[other]
                if reduced < least[other]:
                    least[other], way[other] = reduced, column
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(width + 1):
                if used[other]:
                    u[match[other]] += delta
                    v[other] -= delta
                else:
                    least[other] -= delta
            column = following
            if match[column] == 0:
                break
        while column:
            match[column] = match[way[column]]
            column = way[column]
    result: list[int | None] = [None] * rows
    for column in range(1, columns + 1):
        row = match[column]
        if row and weights[row - 1][column - 1] > 0:
            result[row - 1] = column - 1
    return result
