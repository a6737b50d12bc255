"""Host processes of a run: start one system, read its lines, measure and end all it left behind.

The harness is a child subreaper, so whatever a guest starts and forgets becomes its descendant:
what is measured and what is killed is exactly what it started, never something found by name."""
import ctypes
import os
import selectors
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _parents():
    """pid -> ppid of all processes that can be seen."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                table[int(name)] = int(f.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            pass
    return table


def descendants():
    parents, me, found = _parents(), os.getpid(), []
    for pid in parents:
        p, steps = pid, 0
        while p in parents and p != me and steps < 10000:
            p, steps = parents[p], steps + 1
        if p == me and pid != me:
            found.append(pid)
    return found


def _reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_all(patience_s=10):
    """Kills every descendant of this process until there is none. Returns whether it worked."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        left = descendants()
        if not left:
            return True
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        _reap()
        time.sleep(0.01)
    return False


def _guest_processes():
    """Descendants that belong to the system measured; unshare is only this harness's wrapper."""
    for pid in descendants():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() != "unshare":
                    yield pid
        except OSError:
            pass


def pss_bytes():
    total = 0
    for pid in _guest_processes():
        try:
            with open("/proc/%d/smaps_rollup" % pid) as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
        except OSError:
            pass
    return total


def cpu_ns():
    """CPU time of all threads of all processes of the guest, in ns, as far as they still live."""
    total = 0
    for pid in _guest_processes():
        try:
            for tid in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
                    total += int(f.read().split()[0])
        except (OSError, ValueError, IndexError):
            pass
    return total


class Group:
    """One run of a system: its standard output by lines, all its processes gone at the end."""

    def __init__(self, job, cpus, logfile):
        self.argv, self.env, self.cpus = job.argv, job.env, cpus
        self.log = open(logfile, "ab")
        self.silent, self.status, self.proc = False, None, None

    def __enter__(self):
        self.log.write(("\n$ " + " ".join(self.argv) + "\n").encode())
        self.log.flush()
        cpus = self.cpus
        self.proc = subprocess.Popen(
            self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            start_new_session=True, close_fds=True, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        return self

    def lines(self, silence):
        """Yields lines until the output ends, or nothing has come for silence() seconds."""
        sel, fd, rest = selectors.DefaultSelector(), self.proc.stdout.fileno(), b""
        sel.register(fd, selectors.EVENT_READ)
        while True:
            if not sel.select(silence()):
                self.silent = True
                return
            data = os.read(fd, 65536)
            if not data:
                break
            self.log.write(data)
            rest += data.replace(b"\r", b"").replace(b"\0", b"")
            *full, rest = rest.split(b"\n")
            for line in full:
                yield line.decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")
        try:
            self.status = self.proc.wait(timeout=silence())
        except subprocess.TimeoutExpired:
            self.silent = True

    def __exit__(self, *exc):
        if not self.silent and self.status is None:
            try:	# a guest that said all it had to may end by itself
                self.status = self.proc.wait(timeout=5)
            except subprocess.TimeoutExpired:
                pass
        self.proc.poll()
        kill_all()
        self.proc.stdout.close()
        self.log.close()
        return False
