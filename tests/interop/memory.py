"""What a node's process holds, read from /proc, and how much of a case is run."""

import os

# `just soak` runs the full sizes; CI runs enough of each to see a leak.
SOAK = os.environ.get("HOPLINE_SOAK") == "1"

MIB = 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(pid):
    """Bytes of memory that a process has."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sized(full, usual):
    return full if SOAK else usual


class Growth:
    """How much more memory a process has than when it was first looked at."""

    def __init__(self, pid):
        self.pid = pid
        self.before = resident(pid)
        self.most = 0

    def look(self):
        self.most = max(self.most, resident(self.pid) - self.before)
        return self.most

    def is_under(self, mib):
        grown = self.look()
        assert grown < mib * MIB, f"{grown / MIB:.1f} MiB more, not under {mib}"
