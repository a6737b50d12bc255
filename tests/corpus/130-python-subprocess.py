#!/usr/bin/python3
# needs: python3
import subprocess as sp, os, sys, signal
print(sp.run(["echo", "hi"], capture_output=True, text=True)); print(sp.check_output("cat; exit 0", shell=True, input=b"in")); 
p = sp.Popen(["sh", "-c", "read x; echo got $x; echo err >&2; exit 5"], stdin=-1, stdout=-1, stderr=-1); print(p.communicate(b"line\n"), p.returncode)
try: sp.run(["sleep", "5"], timeout=0.2)
except sp.TimeoutExpired as e: print("timeout", e.cmd)
try: sp.run(["/nonexistent"])
except FileNotFoundError as e: print(e.errno, e.filename)
try: sp.run(["false"], check=True)
except sp.CalledProcessError as e: print(e.returncode)
p = sp.Popen(["sleep", "100"]); p.terminate(); print(p.wait()); p = sp.Popen(["sleep", "100"], start_new_session=True, preexec_fn=lambda: os.nice(1)); p.kill(); print(p.wait())
a = sp.Popen(["seq", "100000"], stdout=-1); b = sp.Popen(["wc", "-l"], stdin=a.stdout, stdout=-1); a.stdout.close(); print(b.communicate()[0].strip(), a.wait())
ps = [sp.Popen(["sh", "-c", f"exit {i}"]) for i in range(30)]; print([p.wait() for p in ps]); r, w = os.pipe(); p = sp.Popen(["sh", "-c", f"echo fd >&{w}"], pass_fds=[w]); os.close(w); print(os.read(r, 10), p.wait())
print(sp.run(["env"], env={"A": "1"}, capture_output=True).stdout, sp.run(["pwd"], cwd="/", capture_output=True).stdout, sp.getoutput("echo x; echo y"), sp.getstatusoutput("exit 3")); big = os.urandom(3000000); print(sp.run(["cat"], input=big, capture_output=True).stdout == big); sp.run(["sh", "-c", "echo inherited"]); sys.stdout.flush(); os._exit(11)
