"""How a command is started natively and in each guest; which of them this machine has.

Every system sees the host's root at /, a tmpfs at /dev/shm, and the bench's own directory at the
same path: read-only input in S; F, where files are written, is the host's file system natively
and for UML (hostfs), and the guest's overlay over it in umber and gVisor."""
import os
import shlex
import shutil
import subprocess


class Job:
    def __init__(self, argv, env):
        self.argv, self.env = argv, env


class System:
    name, version, reason = "?", "", None

    def __init__(self, place):
        self.place = place
        self.hopeless = {}	# (pin, row) -> why it is not tried again
        self.dead_boots = 0

    def tmpfs(self):
        return "/dev/shm"

    def script(self, kind, body):
        """A script file of this system's own: arguments do not reach every kind of guest."""
        path = os.path.join(self.place.s, "job-%s-%s.sh" % (self.name.replace(":", "_"), kind))
        with open(path + ".new", "w") as f:
            f.write("#!/bin/sh\n" + body)
        os.chmod(path + ".new", 0o755)
        os.replace(path + ".new", path)
        return path

    def exports(self):
        w = self.tmpfs() + "/umber-bench.%d" % os.getpid()
        env = dict(self.place.settings, W=w, F=self.place.f, S=self.place.s, WORK=self.place.work,
                   PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C")
        lines = ["export %s=%s\n" % (k, shlex.quote(v)) for k, v in sorted(env.items())]
        return "".join(lines) + 'mkdir -p "$W" "$F"\ncd "$W"\n'

    def command(self, rows, cpus):
        body = self.exports() + "exec %s %s\n" % (shlex.quote(self.place.micro), " ".join(map(shlex.quote, rows)))
        return self.job(self.script("rows", body), cpus)

    def true_command(self, cpus):
        return self.job("/bin/true", cpus)

    def idle_command(self, cpus):
        return self.job(self.script("idle", "echo '@@ ready'\nexec sleep 1000\n"), cpus)

    def job(self, program, cpus):
        raise NotImplementedError

    @staticmethod
    def env():
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/root", "LC_ALL": "C"}


class Native(System):
    name = "native"

    def __init__(self, place):
        super().__init__(place)
        self.version = os.uname().release

    def job(self, program, cpus):
        return Job([program], self.env())


class Umber(System):
    def __init__(self, place, binary, variant=""):
        super().__init__(place)
        self.name = "umber" + (":" + variant if variant else "")
        self.binary = os.path.abspath(binary)
        key = "_" + variant if variant else ""
        self.args = shlex.split(os.environ.get("UMBER_ARGS", ""))
        if variant:
            self.args += shlex.split(os.environ.get("UMBER_ARGS" + key, ""))
        self.more_env = dict(w.split("=", 1) for w in shlex.split(os.environ.get("UMBER_ENV" + key, "")))
        if not os.access(self.binary, os.X_OK):
            self.reason = "%s is not built" % binary
            return
        got = subprocess.run([self.binary, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.version = (got.stdout.strip().splitlines() or ["?"])[0] + self.commit()

    def commit(self):
        got = subprocess.run(["git", "-C", os.path.dirname(self.binary), "rev-parse", "--short", "HEAD"],
                             capture_output=True, text=True)
        return " (%s)" % got.stdout.strip() if got.returncode == 0 else ""

    def job(self, program, cpus):
        argv = [self.binary, "run", "--mem", "2G", "--ncpus", str(len(cpus))] + self.args + ["--", program]
        return Job(argv, dict(self.env(), **self.more_env))


class Uml(System):
    def __init__(self, place, name, binary, version, options):
        super().__init__(place)
        self.name, self.binary, self.version, self.options = name, binary, version, options
        # In a pid namespace of its own where there is one: its stubs outlive a killed kernel.
        self.wrap = ["unshare", "-m", "-p", "-f", "--kill-child"]
        if subprocess.run(self.wrap + ["true"], capture_output=True).returncode:
            self.wrap = []

    def init(self, kind, body):
        return self.script(kind, body + shlex.quote(self.place.micro) + " --halt\n")

    def mounts(self):
        f = shlex.quote(self.place.f)
        return ("mount -t proc proc /proc\n"
                "grep -q ' /dev ' /proc/mounts || mount -t devtmpfs dev /dev\n"
                "[ -d /proc/self/fd ] && ln -s /proc/self/fd /dev/fd 2>/dev/null\n"
                "mkdir -p /dev/shm\nmount -t tmpfs -o size=1500m shm /dev/shm\n"
                "mount -t hostfs none %s -o %s 2>/dev/null || mount -t hostfs none %s -o hostfs=%s\n" % (f, f, f, f))

    def job(self, program, cpus):
        return self.boot(self.init("init", self.mounts() + shlex.quote(program) + "\n"))

    def true_command(self, cpus):
        return self.boot(self.init("true", "/bin/true\n"))

    def boot(self, init):
        argv = self.wrap + [self.binary, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "mem=2G", "quiet",
                            "uml_dir=" + self.place.s, "con=null", "con0=null,fd:1", "init=" + init] + self.options
        return Job(argv, self.env())


class Gvisor(System):
    name = "gvisor"

    def __init__(self, place, binary, version):
        super().__init__(place)
        self.binary, self.version = binary, version

    def job(self, program, cpus):
        run = os.path.join(self.place.s, "runsc")
        shutil.rmtree(run, ignore_errors=True)
        os.makedirs(run)
        argv = [self.binary, "--root=" + run, "--network=none", "--ignore-cgroups", "--platform=systrap",
                "--overlay2=root:memory"] + (["--rootless"] if os.geteuid() else []) + ["do", program]
        return Job(argv, self.env())


class Missing(System):
    def __init__(self, place, name, reason):
        super().__init__(place)
        self.name, self.reason = name, reason


def _read(path, dflt="?"):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return dflt


def _peer_dir(place):
    """The directory with the peers, and a reason if there is none. ./peers fetches what apt has."""
    given = os.environ.get("PEERS")
    if given == "none":
        return None, "PEERS=none"
    if given:
        return os.path.abspath(given), None
    mine = os.path.join(place.out, "peers")
    try:
        subprocess.run([os.path.join(place.here, "peers"), mine], stdin=subprocess.DEVNULL, timeout=600,
                       stdout=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as e:
        return mine, str(e)
    return mine, None


def _peer(place, name, peers, why):
    if not peers:
        return Missing(place, name, why)
    base = os.path.join(peers, name)
    binary = os.path.join(base, "usr/bin/runsc" if name == "gvisor" else "linux")
    if not os.access(binary, os.X_OK):
        reason = why or _read(os.path.join(base, ".reason"), "not in " + peers)
        return Missing(place, name, reason)
    boots = _read(os.path.join(base, ".boots"), "")
    if boots:
        return Missing(place, name, "does not boot here: " + boots)
    version = _read(os.path.join(base, ".version"))
    if name == "gvisor":
        return Gvisor(place, binary, version)
    return Uml(place, name, binary, version, ["seccomp=on"] if name == "uml-new" else [])


def find(place):
    """All systems that SYSTEMS asks for, in its order; the missing ones with their reason."""
    names = os.environ.get("SYSTEMS", "native umber uml-stable uml-new gvisor").replace(",", " ").split()
    umber = os.environ.get("UMBER") or os.path.join(place.here, "../../umber")
    peers, why = None, None
    systems = []
    for n in names:
        if n == "native":
            systems.append(Native(place))
        elif n.split(":")[0] == "umber":
            systems.append(Umber(place, umber, n.partition(":")[2]))
        elif n in ("uml-stable", "uml-new", "gvisor"):
            if peers is None and why is None:
                peers, why = _peer_dir(place)
            systems.append(_peer(place, n, peers, why))
        else:
            raise SystemExit("bench: no system is called %r" % n)
    return systems
