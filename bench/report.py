"""What is printed and kept of a run: a table, a JSON file, and a plot as SVG."""

import datetime
import html
import json
import os

# Where less is better, or nothing is.
NO_RATIO = ('ms', 'MB', 'bytes', 'jobs', '% of a core')
PLOTTED = (('1', 'submit, one job a request'), ('2', 'submit, 1,000 jobs a request'), ('3', 'drain'))


def number(value):
    """Three digits or more: 12,345, 67.8, 0.91."""
    if value is None:
        return ''
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def ratio(figure):
    if figure.unit in NO_RATIO or not figure.limit or figure.jobd is None:
        return None
    return figure.jobd / figure.limit


def table(figures):
    """Aligned text; numbers to the right."""
    lines = [('row', 'what', 'jobd', 'limit', 'ratio', 'unit', 'rivals')]
    for f in figures:
        share = ratio(f)
        lines.append(
            (
                f.row,
                f.what,
                number(f.jobd),
                number(f.limit),
                f'{share:.2f}' if share else '',
                f.unit,
                ', '.join(f'{name} {number(value)}' for name, value in f.rivals.items()),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return '\n'.join(
        '  '.join(
            cell.rjust(width) if column in (2, 3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def free_name(folder, day):
    """YYYY-MM-DD, and from the second run of a day on YYYY-MM-DD-2 and so on."""
    name, nth = f'{day:%Y-%m-%d}', 1
    while os.path.exists(os.path.join(folder, f'{name}.json')):
        nth += 1
        name = f'{day:%Y-%m-%d}-{nth}'
    return name


def as_json(figures, conditions):
    rows = [
        {
            'row': f.row,
            'what': f.what,
            'unit': f.unit,
            'jobd': f.jobd,
            'limit': f.limit,
            'ratio': ratio(f),
            'rivals': f.rivals,
        }
        for f in figures
    ]
    return json.dumps({'conditions': conditions, 'figures': rows}, indent=1) + '\n'


def save(folder, figures, conditions, day=None):
    """Writes both files; their path without an ending."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, free_name(folder, day or datetime.date.today()))
    with open(f'{path}.json', 'w') as file:
        file.write(as_json(figures, conditions))
    with open(f'{path}.svg', 'w') as file:
        file.write(plot(figures, conditions['machine']))
    return path


# -------------------------------------------------------------------------------- plot

# Grey that can be read on white and on black, for viewers that know of no dark scheme.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600 }
.jobd { fill: #1a7f64 } .limit { fill: #8c959f } .rival { fill: #c69026 }
@media (prefers-color-scheme: dark) { text { fill: #adbac7 } .jobd { fill: #3fb68b } .limit { fill: #6e7681 } }
"""
BAR, GAP, LEFT, WIDTH, ROOM = 18, 24, 130, 520, 90


def bars(figure):
    out = [('jobd', 'jobd', figure.jobd)]
    out += [(name, 'rival', value) for name, value in sorted(figure.rivals.items(), key=lambda r: -r[1])]
    return out + ([('limit', 'limit', figure.limit)] if figure.limit else [])


def plot(figures, machine):
    """Horizontal bars of what is plotted, each group by a scale of its own."""
    y, parts = 0, []
    for row, start in PLOTTED:
        for f in (f for f in figures if f.row == row and f.what.startswith(start)):
            y += GAP
            parts.append(f'<text class="title" x="0" y="{y}">{html.escape(f.what)}, {f.unit}</text>')
            most = max(value for _, _, value in bars(f)) or 1
            for name, kind, value in bars(f):
                y += GAP
                width = max(1, round(WIDTH * value / most))
                parts.append(
                    f'<text x="{LEFT - 8}" y="{y}" text-anchor="end">{html.escape(name)}</text>'
                    f'<rect class="{kind}" x="{LEFT}" y="{y - BAR + 4}" width="{width}" height="{BAR}" rx="2"/>'
                    f'<text x="{LEFT + width + 6}" y="{y}">{number(value)}</text>'
                )
            y += GAP // 2
    y += GAP
    parts.append(f'<text x="0" y="{y}">{html.escape(machine)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + ROOM}" height="{y + 8}" role="img" '
        f'aria-label="jobs a second of jobd, its limits and its rivals">\n<style>{STYLE}</style>\n'
        + '\n'.join(parts)
        + '\n</svg>\n'
    )
