"""gdb commands for umber's kernel process, running (gdb -p PID) or a core:  source scripts/gdb/umber-gdb.py

umber-tasks          all tasks: tid, pid, state, vCPU, host thread of the user side, where the fibre stands
umber-bt [TASK]      back trace of a task's fibre (tid, or address of a struct task); without TASK: of all
umber-fibre [TASK]   frames of that fibre from now on (bt, up, info locals: frame 1 is where it sleeps); without: off
umber-vcpus          what each vCPU runs, its queue, its counters
umber-log [N]        the kernel log, or its last N lines
umber-mounts         the mount tree
umber-files [PID]    open files of a process (or thread)
umber-maps [PID]     VMAs of a process

Nothing here writes to the process: a fibre's frames are shown by an unwinder, so all of it works on cores too."""
import re
import gdb
from gdb.unwinder import Unwinder

STATES = [(1, "sleep"), (2, "disk sleep"), (4, "killable"), (8, "stopped"), (16, "traced"), (32, "dead"), (64, "new")]
SAVED = ("r15", "r14", "r13", "r12", "rbx", "rbp")   # what fibre_switch_asm leaves, from the saved sp up


def sym(text):
    return gdb.parse_and_eval(text)


def static(source, name):
    """A static variable of a source file."""
    return sym("'%s'::%s" % (source, name))


def string(v, n=256):
    try:
        return v.string("utf-8", "replace", length=n).split("\0")[0] if v.type.code == gdb.TYPE_CODE_ARRAY else \
            v.string("utf-8", "replace")
    except gdb.MemoryError:
        return "?"


def entries(head, typename, member):
    """The structs on a list_head."""
    t = gdb.lookup_type(typename)
    off = next(f.bitpos // 8 for f in t.fields() if f.name == member)
    node = head["next"]
    for _ in range(1000000):
        if node == head.address:
            return
        yield (node.cast(gdb.lookup_type("char").pointer()) - off).cast(t.pointer())
        node = node["next"]


def all_tasks():
    return entries(sym("all_tasks"), "struct task", "all_node")


def find_task(arg):
    """By tid, or an expression that gives a struct task *."""
    if re.fullmatch(r"\d+", arg):
        for t in all_tasks():
            if int(t["tid"]) == int(arg):
                return t
        raise gdb.GdbError("no task %s" % arg)
    return sym(arg).cast(gdb.lookup_type("struct task").pointer())


def state(t):
    if t["se"]["on_cpu"]:
        return "user" if t["se"]["in_user"] else "running"
    s = int(t["state"])
    return "ready" if s == 0 else ",".join(n for b, n in STATES if s & b)


def user_side(t):
    """Host process and thread of a task's user code."""
    n = int(t["port"]["uthread"])
    if not n:
        return "-"
    ut = static("stubs_host.c", "uthreads")[n]
    return "%d/%d" % (int(ut["stub"]["pid"]), int(ut["tid"])) if int(ut) else "?"


def fibre_regs(t):
    """Saved registers of a task's fibre; None while it runs on a vCPU."""
    if t["se"]["on_cpu"] or not int(t["port"]["fibre"]["stack"]):
        return None
    u64 = gdb.lookup_type("unsigned long")
    sp = t["port"]["fibre"]["sp"].cast(u64.pointer())
    regs = {r: sp[i] for i, r in enumerate(SAVED)}
    regs["rip"] = sp[len(SAVED)]
    regs["rsp"] = gdb.Value(int(sp) + 8 * (len(SAVED) + 1)).cast(u64)
    return regs


def thread_of(t):
    """The gdb thread whose stack pointer is in the fibre's stack (a vCPU that runs it), or None."""
    lo = int(t["port"]["fibre"]["stack"])
    old, found = gdb.selected_thread(), None
    for th in gdb.selected_inferior().threads():
        th.switch()
        if lo and lo <= int(gdb.parse_and_eval("(unsigned long)$rsp")) < lo + 32768:
            found = th
            break
    if old:
        old.switch()
    return found


def where(t):
    """Innermost function of a sleeping fibre that says something: not the switch and the wait primitive."""
    regs = fibre_regs(t)
    if not regs:
        return "(on vCPU %d)" % int(t["se"]["cpu"]) if t["se"]["on_cpu"] else "-"
    u64p = gdb.lookup_type("unsigned long").pointer()
    pc, bp, names = int(regs["rip"]), int(regs["rbp"]), []
    for _ in range(40):
        name = (gdb.execute("info symbol %d" % pc, to_string=True).split(" ") or "?")[0]
        names.append(name)
        if not bp or bp & 7:
            break
        try:
            frame = gdb.Value(bp).cast(u64p)
            pc, nbp = int(frame[1]), int(frame[0])
        except gdb.MemoryError:
            break
        if nbp <= bp:
            break
        bp = nbp
    dull = ("port_fibre_switch", "fibre_switch_asm", "switch_to", "schedule", "schedule_until", "wait_sleep_")
    return next((n for n in names if n not in dull and n != "No"), names[0])


class FibreUnwinder(Unwinder):
    """Puts a fibre's registers behind the innermost frame of the selected thread."""

    class Id:
        def __init__(self, sp, pc):
            self.sp, self.pc = sp, pc

    def __init__(self):
        super().__init__("umber-fibre")
        self.regs, self.thread = None, None

    def __call__(self, pending):
        th = gdb.selected_thread()
        if not self.regs or pending.level() != 0 or not th or th.num != self.thread:
            return None
        # an id below the fibre's own: gdb takes a caller that lies further in than its callee for a broken stack
        info = pending.create_unwind_info(self.Id(self.regs["rsp"] - 16, pending.read_register("rip")))
        for name, value in self.regs.items():
            info.add_saved_register(name, value)
        return info

    def show(self, t):
        """Turns it on for t (None: off). False if t runs on a vCPU: look at that thread."""
        self.regs = fibre_regs(t) if t is not None else None
        self.thread = gdb.selected_thread().num
        gdb.invalidate_cached_frames()
        return self.regs is not None


unwinder = FibreUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def title(t):
    return "task %d (%s, pid %d, %s) %#x" % (int(t["tid"]), string(t["comm"]), int(t["tg"]["pid"]), state(t), int(t))


class Command(gdb.Command):
    """Base: no repetition by an empty line, errors in one line."""

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        self.dont_repeat()
        try:
            self.run(arg.strip())
        except gdb.MemoryError as e:
            raise gdb.GdbError("memory not there: %s" % e)


class Tasks(Command):
    """All tasks of the guest."""
    name = "umber-tasks"

    def run(self, arg):
        print("%6s %6s %-16s %-12s %4s %-16s %-18s %s" % ("TID", "PID", "COMM", "STATE", "VCPU", "HOST PID/TID",
                                                          "TASK", "WHERE"))
        for t in all_tasks():
            print("%6d %6d %-16s %-12s %4d %-16s %#-18x %s" % (
                int(t["tid"]), int(t["tg"]["pid"]), string(t["comm"]), state(t), int(t["se"]["cpu"]), user_side(t),
                int(t), where(t)))


class Bt(Command):
    """Back trace of a task's fibre: umber-bt [TID | struct task *]. Without argument: of all tasks."""
    name = "umber-bt"

    def one(self, t):
        print(title(t))
        if t["se"]["on_cpu"]:
            th = thread_of(t)
            if th:
                old = gdb.selected_thread()
                th.switch()
                gdb.execute("bt")
                old.switch()
            else:
                print("runs on vCPU %d; no thread stands on its stack" % int(t["se"]["cpu"]))
            return
        if not unwinder.show(t):
            print("has no fibre")
            return
        try:
            out = gdb.execute("bt", to_string=True)
        finally:
            unwinder.show(None)
        for line in out.splitlines():
            if not line.startswith("#0 "):
                print(line)

    def run(self, arg):
        for t in [find_task(arg)] if arg else list(all_tasks()):
            self.one(t)


class Fibre(Command):
    """Shows the frames of a sleeping fibre behind the selected thread's: umber-fibre [TASK]; without argument: off."""
    name = "umber-fibre"

    def run(self, arg):
        if not arg:
            unwinder.show(None)
            return
        t = find_task(arg)
        print(title(t))
        if not unwinder.show(t):
            print("runs on a vCPU: see umber-bt %s" % arg)
            return
        gdb.execute("frame 1")


class Vcpus(Command):
    """vCPUs: what they run, what waits."""
    name = "umber-vcpus"

    def run(self, arg):
        for i in range(int(sym("nr_vcpus"))):
            v, h = sym("vcpus[%d]" % i), sym("hvcpus[%d]" % i)
            cur = v["curr"]
            what = title(cur) if int(cur) else "idle" if v["idle"] else "idle fibre"
            print("vCPU %d on host CPU %d: %s; %d queued; entries %d, sleeps %d, attentions %d" % (
                i, int(h["host_cpu"]), what, int(v["nr_queued"]), int(h["entries"]), int(h["sleeps"]), int(h["attns"])))
        print("klock: %s" % ("free", "held", "held, somebody waits")[int(static("vcpu_host.c", "klock"))])


class Log(Command):
    """The kernel log: umber-log [number of lines]."""
    name = "umber-log"

    def run(self, arg):
        src = "printk.c"
        ring, rec_t = static(src, "ring"), gdb.lookup_type("struct record")
        size, base = ring.type.sizeof, int(ring.address)
        off, seq, end = (int(static(src, n)) for n in ("first_off", "first_seq", "next_seq"))
        lines, mem = [], gdb.selected_inferior()
        while seq < end and off + rec_t.sizeof <= size:
            r = gdb.Value(base + off).cast(rec_t.pointer())
            if not int(r["total"]):
                off = 0
                continue
            text = mem.read_memory(base + off + rec_t.sizeof, int(r["len"])).tobytes().decode("utf-8", "replace")
            ts = int(r["ts_ns"])
            lines.append("<%d>[%5d.%06d] %s" % (int(r["level"]), ts // 10**9, ts % 10**9 // 1000, text))
            seq, off = seq + 1, off + int(r["total"])
            if off + rec_t.sizeof > size:
                off = 0
        print("\n".join(lines[-int(arg):] if arg else lines))


def dentry_name(d):
    return string(d["name"]["name"]) if int(d) else "?"


def path_name(mnt, d):
    """Absolute name from the root of the mount tree."""
    parts = []
    for _ in range(200):
        if int(d) == int(mnt["root"]):
            if int(mnt["parent"]) == int(mnt) or not int(mnt["parent"]):
                break
            d, mnt = mnt["mountpoint"], mnt["parent"]
            continue
        if int(d["parent"]) == int(d) or not int(d["parent"]):
            return dentry_name(d) if not parts else "?/" + "/".join(reversed(parts))
        parts.append(dentry_name(d))
        d = d["parent"]
    return "/" + "/".join(reversed(parts))


class Mounts(Command):
    """The mount tree of the first namespace."""
    name = "umber-mounts"

    def run(self, arg):
        for m in entries(sym("init_mnt_ns")["mounts"], "struct mount", "all"):
            sb = m["sb"]
            print("%4d %-10s %-20s %-30s flags %#x refs %d" % (
                int(m["id"]), string(sb["type"]["name"]), string(m["source"]), path_name(m, m["root"]),
                int(m["flags"]), int(m["ref"]["n"])))


def process(arg):
    if arg:
        return find_task(arg)
    t = sym("init_task")
    if not int(t):
        raise gdb.GdbError("no pid 1 yet")
    return t


class Files(Command):
    """Open files of a process: umber-files [PID]."""
    name = "umber-files"

    def run(self, arg):
        t = process(arg)
        files = t["files"]
        if not int(files):
            raise gdb.GdbError("has none (any more)")
        for i in range(int(files["max"])):
            f = files["fd"][i]
            if not int(f):
                continue
            op = re.sub(r".*<(.*)>", r"\1", f["op"].format_string(symbols=True))
            print("%4d flags %#-9o pos %-10d refs %-3d %-24s %s" % (
                i, int(f["flags"]), int(f["pos"]), int(f["ref"]["n"]), op,
                path_name(f["path"]["mnt"], f["path"]["dentry"]) if int(f["path"]["mnt"]) else "-"))


def rb_nodes(n):
    """In order; depth is small (red-black)."""
    if int(n):
        yield from rb_nodes(n["left"])
        yield n
        yield from rb_nodes(n["right"])


class Maps(Command):
    """VMAs of a process: umber-maps [PID]."""
    name = "umber-maps"

    def run(self, arg):
        mm = process(arg)["mm"]
        if not int(mm):
            raise gdb.GdbError("has no address space")
        vt = gdb.lookup_type("struct vma").pointer()
        for n in rb_nodes(mm["vmas"]["node"]):
            v = n.cast(vt)   # node is its first member
            fl = int(v["flags"])
            perm = "".join(c if fl & b else "-" for c, b in zip("rwx", (1, 2, 4))) + ("s" if fl & 8 else "p")
            f = v["file"]
            name = path_name(f["path"]["mnt"], f["path"]["dentry"]) if int(f) else \
                "[stack]" if fl & 0x10000000 else "[heap]" if fl & 0x20000000 else "[vdso]" if fl & 0x40000000 else \
                string(v["name"])
            print("%012x-%012x %s %08x %s" % (int(v["start"]), int(v["end"]), perm, int(v["off"]), name))


for c in (Tasks, Bt, Fibre, Vcpus, Log, Mounts, Files, Maps):
    c()
print("umber: umber-tasks -bt -fibre -vcpus -log -mounts -files -maps (help umber-NAME)")
