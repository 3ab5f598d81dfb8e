#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws the ratios of the CPU benchmark as an SVG.

usage: bench/plot.py RESULTS.json OUT.svg     (RESULTS.json: of bench/cpu.py --json)

One line a row, on a logarithmic axis: a dot for the 64-bit program, a ring for the
32-bit one, a bar for the goal of the row's group.
"""
import json
import math
import os
import sys

LEFT, RIGHT, TOP, LINE = 150, 700, 64, 17
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
COLOURS = {'integer': '#2563a8', 'branch': '#2563a8', 'call': '#2563a8', 'memory': '#0f766e',
           'float': '#b45309', 'code': '#7e22ce', 'special': '#57534e', 'syscall': '#be123c',
           'fault': '#be123c', 'process': '#be123c', 'pipe': '#be123c', 'shell': '#be123c',
           'boot': '#1f2937'}


class Axis:
    """From ratios to places, with round numbers at both ends."""

    def __init__(self, values):
        low, high = min([*values, 1]), max([*values, 1])
        self.low = max([t for t in TICKS if t <= low] or [TICKS[0]])
        self.high = min([t for t in TICKS if t >= high] or [TICKS[-1]])
        if self.low == self.high:
            self.high = 2 * self.low

    def x(self, value):
        value = min(max(value, self.low), self.high)
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return LEFT + part * (RIGHT - LEFT)

    def ticks(self):
        return [t for t in TICKS if self.low <= t <= self.high]


def text(x, y, words, more=''):
    words = words.replace('&', '&amp;').replace('<', '&lt;')
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'


def grid(axis, bottom):
    out = []
    for t in axis.ticks():
        x = axis.x(t)
        colour = '#444' if t == 1 else '#ddd'
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" '
                   f'stroke="{colour}"/>')
        out.append(text(x, TOP - 14, f'{t:g}', 'text-anchor="middle" fill="#555"'))
    return out


def line_of(axis, name, group, ratios, goal, y):
    colour = COLOURS.get(group, '#333')
    out = [text(LEFT - 10, y + 4, name, f'text-anchor="end" fill="{colour}"')]
    if goal:
        x = axis.x(goal)
        out.append(f'<line x1="{x:.1f}" y1="{y - 7}" x2="{x:.1f}" y2="{y + 7}" '
                   f'stroke="{colour}" stroke-width="2" opacity="0.35"/>')
    for bits, ratio in ratios.items():
        fill = colour if bits == 64 else '#fff'
        out.append(f'<circle cx="{axis.x(ratio):.1f}" cy="{y}" r="4" fill="{fill}" '
                   f'stroke="{colour}" stroke-width="1.5"><title>{name}, {bits} bits: '
                   f'{ratio:.2f}</title></circle>')
    return out


def draw(rows, goals):
    """The text of the SVG."""
    lines = {}  # name: (group, {bits: ratio})
    for r in rows:
        if r['ratio']:
            lines.setdefault(r['name'], (r['group'], {}))[1][r['bits']] = r['ratio']
    axis = Axis([v for _, by in lines.values() for v in by.values()])
    bottom = TOP + LINE * len(lines)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{RIGHT + 30}" height="{bottom + 16}" '
           'font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="#fff"/>',
           text(LEFT, 18, 'Time in QEMU TCG / time in Lodge: right of 1, Lodge is faster',
                'font-weight="bold" fill="#222"'),
           text(LEFT, 34, 'dot: 64 bits, ring: 32 bits, bar: the goal of the group',
                'fill="#555"')]
    out += grid(axis, bottom)
    for i, (name, (group, ratios)) in enumerate(lines.items()):
        out += line_of(axis, name, group, ratios, goals.get(group), TOP + LINE * i + LINE // 2)
    return '\n'.join([*out, '</svg>', ''])


def write(rows, goals, path):
    if not any(r['ratio'] for r in rows):
        print('plot: no row has both times: nothing drawn', file=sys.stderr)
        return
    new = f'{path}.new-{os.getpid()}'
    with open(new, 'w', encoding='utf-8') as f:
        f.write(draw(rows, goals))
    os.rename(new, path)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    from cpu import GOALS  # the goals stand there
    with open(sys.argv[1], encoding='utf-8') as f:
        write(json.load(f)['rows'], GOALS, sys.argv[2])
    return 0


if __name__ == '__main__':
    sys.exit(main())
