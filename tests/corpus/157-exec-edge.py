#!/usr/bin/python3
# needs: python3
import os, errno, subprocess, sys, stat, shutil
def ex(*a, path=None):
    p = os.fork()
    if not p:
        try: os.execve(path or a[0], a, {"PATH": "/bin"})
        except OSError as e: os._exit(100 + e.errno % 100)
        except ValueError: os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(p, 0)[1])
open("empty", "w").close(); os.chmod("empty", 0o755); open("txt", "w").write("echo hi\n"); os.chmod("txt", 0o755); open("noexec", "w").write("#!/bin/sh\n"); os.mkdir("dir"); open("trunc", "wb").write(open("/bin/true", "rb").read(100)); os.chmod("trunc", 0o755); open("loop", "w").write("#!./loop\n"); os.chmod("loop", 0o755); open("args", "w").write("#!/bin/echo one two  three \n"); os.chmod("args", 0o755); open("long", "w").write("#!" + "/" * 300 + "bin/echo\n"); os.chmod("long", 0o755); open("crlf", "w").write("#!/bin/sh\r\n"); os.chmod("crlf", 0o755); open("noint", "w").write("#!\n"); os.chmod("noint", 0o755)
for n in ("nope", "empty", "txt", "noexec", "dir", "trunc", "loop", "long", "crlf", "noint", "txt/x", "/"): print(n, ex(n))
sys.stdout.flush(); print(ex("args", "a b", "c", path="./args")); print(ex("x" * 131071, path="/bin/true"), ex("t", "x" * 131072, path="/bin/true"), ex("/bin/true", *["y" * 100] * 60000) if False else 0); fd = os.open("/bin/echo", os.O_RDONLY); sys.stdout.flush()
p = os.fork()
if not p: os.execve(fd, ["echo", "by fd"], {})
os.waitpid(p, 0); r, w = os.pipe(); os.set_inheritable(w, True); p = os.fork()
if not p: os.execv("/bin/sh", ["sh", "-c", "echo kept >&%d" % w])
os.waitpid(p, 0); print(os.read(r, 10)); print(subprocess.run(["sh", "-c", "echo $0 $#; exec true"], stdout=-1).stdout); shutil.copy("/bin/sleep", "busy"); q = subprocess.Popen(["./busy", "5"]); 
try: open("busy", "r+b"); print("open")
except OSError as e: print(errno.errorcode[e.errno])
q.kill(); q.wait(); f = open("busy", "r+b"); print(ex("./busy", "0")); f.close(); print(ex("./busy", "0")); os.environ["LD_SHOW_AUXV"] = "1"; o = subprocess.run(["/bin/true"], stdout=-1, text=True).stdout; print(sorted(l.split(":")[0] for l in o.split("\n") if l.split(":")[0] in ("AT_PAGESZ", "AT_PHDR", "AT_ENTRY", "AT_UID", "AT_RANDOM", "AT_SYSINFO_EHDR", "AT_SECURE", "AT_EXECFN", "AT_PLATFORM", "AT_HWCAP", "AT_CLKTCK", "AT_BASE"))); 
