"""What the rows need before they can run: the static program, and the workloads' input in S.

S is made once and kept (OUT/s); the stamp names what it was made with. File contents are
generated from fixed seeds, so two machines work on the same bytes, but for src, which is umber's
own source at the commit that is checked out."""
import os
import random
import shutil
import subprocess

STAMP = "5"
CFLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-pthread"]


class Place:
    def __init__(self, out, here, quick):
        self.out, self.here = out, here
        self.s, self.f = os.path.join(out, "s"), os.path.join(out, "f")
        self.micro, self.work = os.path.join(self.s, "micro"), os.path.join(self.s, "work")
        self.settings = {"BENCH_MS": "50" if quick else "200", "BENCH_QUICK": "1" if quick else "0"}
        for name in ("BENCH_MS", "BENCH_ROW_S", "BENCH_WORK_S"):
            if os.environ.get(name):
                self.settings[name] = os.environ[name]

    def micro_rows(self):
        got = subprocess.run([self.micro, "--list"], capture_output=True, text=True, check=True)
        return got.stdout.split()

    def work_rows(self):
        return sorted(n[:-3] for n in os.listdir(self.work) if n.endswith(".sh"))

    def clean(self):
        shutil.rmtree(self.f, ignore_errors=True)
        shutil.rmtree("/dev/shm/umber-bench.%d" % os.getpid(), ignore_errors=True)
        shutil.rmtree(os.path.join(self.s, "runsc"), ignore_errors=True)


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def _make_text(path, size):
    rng = random.Random(3)
    words = ["%s" % "".join(rng.choice("etaoinshrdlucmfw") for _ in range(rng.randint(2, 9))) for _ in range(4000)]
    with open(path, "w") as f:
        while f.tell() < size:
            f.write(" ".join(rng.choices(words, k=2000)) + "\n")


def _make_git(top):
    rng = random.Random(4)
    for d in range(200):
        for i in range(20):
            _write("%s/dir%03d/sub%d/file%02d.txt" % (top, d, i % 3, i), ("%d\n" % rng.getrandbits(60)) * 40)
    old = 1700000000	# long before the index: no file needs a second look
    for base, _dirs, files in os.walk(top):
        for n in files:
            os.utime(os.path.join(base, n), (old, old))
    env = dict(os.environ, GIT_AUTHOR_NAME="b", GIT_AUTHOR_EMAIL="b@b", GIT_COMMITTER_NAME="b", GIT_COMMITTER_EMAIL="b@b",
               GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null")
    for args in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "bench"]):
        subprocess.run(["git", "-C", top] + args, env=env, check=True, stdin=subprocess.DEVNULL)


def _make_sql(path, bulk, single, selects):
    rng = random.Random(5)
    with open(path, "w") as f:
        f.write("PRAGMA journal_mode=DELETE;\nCREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, v TEXT);\nBEGIN;\n")
        for i in range(bulk):
            f.write("INSERT INTO t(k,v) VALUES(%d,'value %d of the table');\n" % (rng.randrange(bulk), i))
        f.write("COMMIT;\nCREATE INDEX tk ON t(k);\n")
        for i in range(single):
            f.write("INSERT INTO t(k,v) VALUES(%d,'single %d');\n" % (rng.randrange(bulk), i))
        for i in range(selects):
            f.write("SELECT count(*), max(v) FROM t WHERE k BETWEEN %d AND %d;\n" % ((rng.randrange(bulk),) * 2))
        f.write("SELECT count(*), sum(length(v)) FROM t;\nSELECT 'end';\n")


MAKEFILE = """# gcc_build's: compiles the first N sources to O
SRC := $(wordlist 1,$(N),$(sort $(wildcard kernel/lib/*.c kernel/vfs/*.c)))
all: $(patsubst %.c,$(O)/%.o,$(notdir $(SRC)))
	ld -r -o $(O)/all.o $^
vpath %.c kernel/lib kernel/vfs
$(O)/%.o: %.c
	gcc -std=gnu11 -O2 -g -w -Iinclude -Igenerated -ffreestanding -nostdinc -fno-strict-aliasing -c -o $@ $<
"""


def _make_src(top, root):
    for d in ("include", "kernel/lib", "kernel/vfs"):
        shutil.copytree(os.path.join(root, d), os.path.join(top, d))
    os.makedirs(os.path.join(top, "generated/gen"))
    gen = [os.path.join(root, "scripts/gen/syscalls.py"), os.path.join(root, "kernel/syscall/syscalls.tbl")]
    got = subprocess.run(["python3"] + gen + ["protos"], capture_output=True, text=True, check=True)
    _write(os.path.join(top, "generated/gen/syscall_protos.h"), got.stdout)
    _write(os.path.join(top, "Makefile"), MAKEFILE)


def _compile(place):
    sources = sorted(os.path.join(place.here, n) for n in os.listdir(place.here) if n.startswith("micro") and n.endswith(".c"))
    cc = os.environ.get("CC") or "gcc"
    subprocess.run([cc] + CFLAGS + ["-o", place.micro + ".new"] + sources, check=True)
    os.replace(place.micro + ".new", place.micro)
    place.wall = place.micro + ".wall"
    subprocess.run([cc, "-O2", "-o", place.wall, os.path.join(place.here, "wall.c")], check=True)


def prepare(out, here, quick):
    """Compiles micro, copies the work scripts, makes the input if it is not there. Returns the Place."""
    place = Place(out, here, quick)
    root = os.path.realpath(os.path.join(here, "../.."))
    stamp = os.path.join(place.s, "stamp")
    have = os.path.exists(stamp) and open(stamp).read() == STAMP
    if not have:
        shutil.rmtree(place.s, ignore_errors=True)
    os.makedirs(place.s, exist_ok=True)
    os.makedirs(place.f, exist_ok=True)
    shutil.rmtree(place.work, ignore_errors=True)
    shutil.copytree(os.path.join(here, "work"), place.work)
    _compile(place)
    if not have:
        with open(os.path.join(place.s, "blob"), "wb") as f:
            f.write(random.Random(2).randbytes(16 << 20))
        _make_text(os.path.join(place.s, "text"), 16 << 20)
        _make_sql(os.path.join(place.s, "full.sql"), 20000, 200, 5000)
        _make_sql(os.path.join(place.s, "quick.sql"), 2000, 20, 200)
        _make_git(os.path.join(place.s, "git"))
        _make_src(os.path.join(place.s, "src"), root)
        _write(stamp, STAMP)
    return place
