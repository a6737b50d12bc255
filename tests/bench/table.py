"""From raw records to table.tsv (for machines) and table.md (for people).

A cell's value is the median over the rounds. A ratio is taken between two systems in the same
round, then the median of the rounds is shown: drift of the machine between rounds cancels out."""
import math
import os
import platform
import statistics
import time


def machine(systems, load, rounds, quick):
    cpu = "?"
    try:
        with open("/proc/cpuinfo") as f:
            cpu = next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
        with open("/proc/meminfo") as f:
            mem_gib = int(f.readline().split()[1]) / 1048576
    except (OSError, StopIteration):
        mem_gib = 0
    lines = ["%s; %s, %d cores, %.0f GiB; host Linux %s; load average %.1f at the start; %d round%s%s" % (
        time.strftime("%Y-%m-%d %H:%M"), cpu, os.cpu_count(), mem_gib, platform.release(), load, rounds,
        "s" * (rounds != 1), ", quick" if quick else "")]
    lines += ["- %s: %s" % (s.name, s.reason or s.version) for s in systems]
    return lines


class Cells:
    def __init__(self, records):
        self.by = {}		# (pin, row, system) -> {round: value}
        self.units, self.notes = {}, {}
        for rnd, pin, system, row, value, unit, note in records:
            self.units[row] = unit
            if value is not None:
                self.by.setdefault((pin, row, system), {})[rnd] = value
            if note:
                self.notes.setdefault((pin, row, system), note)

    def values(self, pin, row, system):
        return self.by.get((pin, row, system), {})

    def median(self, pin, row, system):
        v = self.values(pin, row, system)
        return statistics.median(v.values()) if v else None

    def ratio(self, pin, row, system, base):
        """Median over the rounds of system / base; None where they share no round."""
        a, b = self.values(pin, row, system), self.values(pin, row, base)
        r = [a[i] / b[i] for i in a if i in b and b[i] > 0]
        return statistics.median(r) if r else None

    def best_peer(self, pin, row, system, peers):
        """(how many times slower the best peer is than system, its name)."""
        got = [(x, p) for p in peers for x in [self.ratio(pin, row, p, system)] if x is not None]
        return min(got) if got else (None, None)


def human(value, unit):
    if value is None:
        return "-"
    if unit == "bytes":
        return "%.2f MiB" % (value / 1048576)
    if unit == "ppm":
        return "%.2f %%" % (value / 10000)
    for limit, div, name in ((1e3, 1, "ns"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if value < limit:
            return "%.3g %s" % (value / div, name)
    return "%.3g s" % (value / 1e9)


def times(x):
    if x is None:
        return "-"
    return "%.0fx" % x if x >= 100 else "%.1fx" % x if x >= 10 else "%.2fx" % x


def read_goals(path):
    goals = {}
    with open(path) as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            row, cores, native, peer = line.split()
            for pin in ("1", "2") if cores == "*" else (cores,):
                goals[(pin, row)] = (native, peer)
    return goals


def judge(goal, value, to_native, to_peer):
    """'ok', or what is missed; '' without a goal."""
    if not goal:
        return ""
    native, peer = goal
    if value is None:
        return "no value"
    missed, known = [], False
    if native.startswith("="):
        known = True
        if value > float(native[1:]):
            missed.append("limit")
    elif native != "-" and to_native is not None:
        known = True
        if to_native > float(native):
            missed.append("<=%sx native" % native)
    if peer != "-" and to_peer is not None:
        known = True
        if to_peer < float(peer):
            missed.append(">=%sx peer" % peer)
    return ", ".join(missed) if missed else "ok" if known else ""


def _geomean(values):
    values = [v for v in values if v and v > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def _table(cells, pin, rows, systems, peers, goals):
    names = [s.name for s in systems]
    ours = next((n for n in names if n.split(":")[0] == "umber"), None)
    head = ["row"] + names + ["umber vs best peer", "goal"]
    out = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * len(names) + " --- | --- |"]
    for row in rows:
        line = [row]
        for n in names:
            text = human(cells.median(pin, row, n), cells.units.get(row, "ns"))
            ratio = cells.ratio(pin, row, n, "native") if n != "native" and row not in ("boot", "idle.mem", "idle.cpu") else None
            line.append(text + (" (%s)" % times(ratio) if ratio is not None else ""))
        to_peer, who = cells.best_peer(pin, row, ours, peers) if ours else (None, None)
        line.append("%s (%s)" % (times(to_peer), who) if who else "-")
        line.append(judge(goals.get((pin, row)), cells.median(pin, row, ours), cells.ratio(pin, row, ours, "native"), to_peer)
                    if ours else "")
        out.append("| " + " | ".join(line) + " |")
    return out


def _summary(cells, pin, label, rows, systems):
    parts = []
    for s in systems:
        got = [cells.ratio(pin, r, s.name, "native") for r in rows]
        mean = _geomean(got)
        if s.name != "native" and mean:
            parts.append("%s %s (%d rows)" % (s.name, times(mean), sum(1 for g in got if g)))
    return "- %s, geometric mean to native: %s" % (label, ", ".join(parts) or "-")


def _failures(cells, systems):
    seen = {}
    for (pin, row, system), note in sorted(cells.notes.items()):
        seen.setdefault((system, row, note), []).append(pin)
    lines = []
    for s in systems:
        for (system, row, note), pins in seen.items():
            if system == s.name:
                failed = "" if any(cells.values(p, row, system) for p in pins) else "no value: "
                lines.append("- %s, %s: %s%s" % (system, row, failed, note))
    return lines


def write(out, header, records, systems, rows, micro, pins, goals_path):
    cells, goals = Cells(records), read_goals(goals_path)
    peers = [s.name for s in systems if s.name.startswith("uml") or s.name == "gvisor"]
    with open(os.path.join(out, "table.tsv"), "w") as f:
        f.write("pin\trow\tunit\tsystem\tmedian\tmin\tmax\trounds\tto_native\tnote\n")
        for pin in pins:
            for row in rows:
                for s in systems:
                    v = cells.values(pin, row, s.name)
                    ratio = cells.ratio(pin, row, s.name, "native")
                    nums = ["%.3f" % x for x in (statistics.median(v.values()), min(v.values()), max(v.values()))] if v else ["-"] * 3
                    note = s.reason or cells.notes.get((pin, row, s.name), "")
                    f.write("\t".join([pin, row, cells.units.get(row, "ns"), s.name] + nums +
                                      [str(len(v)), "%.4f" % ratio if ratio else "-", note]) + "\n")
    with open(os.path.join(out, "table.md"), "w") as f:
        f.write("\n".join(header) + "\n")
        host = ("boot", "idle.mem", "idle.cpu")
        for pin in pins:
            f.write("\n### %s\n\n" % ("all on one core" if pin == "1" else "free on two cores"))
            f.write("\n".join(_table(cells, pin, rows, systems, peers, goals)) + "\n\n")
            f.write(_summary(cells, pin, "micro", [r for r in rows if r in micro], systems) + "\n")
            f.write(_summary(cells, pin, "work", [r for r in rows if r not in micro and r not in host], systems) + "\n")
        lines = _failures(cells, systems)
        if lines:
            f.write("\nNotes:\n" + "\n".join(lines) + "\n")
