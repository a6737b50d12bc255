#!/usr/bin/python3
# needs: python3
import signal as s, os, time, threading, faulthandler, sys
g = []; s.signal(s.SIGUSR1, lambda n, f: g.append(n)); os.kill(os.getpid(), s.SIGUSR1); print(g); s.setitimer(s.ITIMER_REAL, 0.05, 0.02); s.signal(s.SIGALRM, lambda n, f: g.append("alrm")); time.sleep(0.3); s.setitimer(s.ITIMER_REAL, 0); print(g.count("alrm") >= 8 or g.count("alrm")); s.signal(s.SIGVTALRM, lambda n, f: g.append("vt")); s.setitimer(s.ITIMER_VIRTUAL, 0.02)
while "vt" not in g: sum(range(1000))
print("virtual"); s.pthread_sigmask(s.SIG_BLOCK, [s.SIGUSR2]); os.kill(os.getpid(), s.SIGUSR2); print(s.sigpending(), s.sigwait([s.SIGUSR2]), s.sigtimedwait([s.SIGUSR2], 0.02)); r, w = os.pipe(); os.set_blocking(w, False); s.set_wakeup_fd(w); os.kill(os.getpid(), s.SIGUSR1); print(os.read(r, 1)); s.set_wakeup_fd(-1)
def raiser(*a): raise KeyError
s.signal(s.SIGUSR1, raiser); threading.Timer(0.05, lambda: os.kill(os.getpid(), s.SIGUSR1)).start()
try: time.sleep(5)
except KeyError: print("interrupted sleep")
threading.Timer(0.05, lambda: s.raise_signal(s.SIGINT)).start()
try: time.sleep(5)
except KeyboardInterrupt: print("kbd")
pid = os.fork()
if not pid: s.signal(s.SIGTERM, lambda *a: os._exit(9)); os.write(w, b"r"); [time.sleep(0.02) for _ in iter(int, 1)]  # pause() would miss one that came just before it
os.read(r, 1); os.kill(pid, s.SIGTERM); print(os.waitstatus_to_exitcode(os.wait()[1])); pid = os.fork()
if not pid: s.pause()
os.kill(pid, s.SIGSTOP); print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])); os.kill(pid, s.SIGCONT); print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1])); os.kill(pid, s.SIGKILL); x = os.waitid(os.P_PID, pid, os.WEXITED); print(x.si_status, x.si_code == os.CLD_KILLED); 
for n in (s.SIGSEGV, s.SIGABRT, s.SIGFPE, s.SIGHUP, s.SIGQUIT):
    pid = os.fork()
    if not pid: os.kill(os.getpid(), n); time.sleep(5)
    st = os.wait()[1]; print(os.WTERMSIG(st))
print(len(s.valid_signals()), s.strsignal(9), s.getsignal(s.SIGPIPE)); pf = os.pidfd_open(os.getpid()); s.signal(s.SIGUSR1, lambda *a: print("pidfd")); s.pidfd_send_signal(pf, s.SIGUSR1); s.signal(s.SIGTERM, s.SIG_DFL); sys.stdout.flush(); os.kill(os.getpid(), s.SIGTERM)
