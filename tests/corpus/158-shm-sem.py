#!/usr/bin/python3
# needs: python3
import ctypes, os, mmap, threading, time
c = ctypes.CDLL(None, use_errno=True); k = 0x5eed; i = c.semget(k, 2, 0o1600); print(i >= 0, c.semctl(i, 0, 16, 3), c.semctl(i, 0, 12)); 
class sb(ctypes.Structure): _fields_ = [("n", ctypes.c_ushort), ("op", ctypes.c_short), ("fl", ctypes.c_short)]
print(c.semop(i, (sb * 1)(sb(0, -2, 0)), 1), c.semctl(i, 0, 12), c.semop(i, (sb * 1)(sb(0, -5, 0o4000)), 1), ctypes.get_errno()); p = os.fork()
if not p: time.sleep(0.1); c.semop(i, (sb * 1)(sb(0, 4, 0)), 1); os._exit(0)
print(c.semop(i, (sb * 1)(sb(0, -5, 0)), 1), c.semctl(i, 0, 12)); os.wait(); p = os.fork()
if not p: c.semop(i, (sb * 1)(sb(1, 1, 0x1000)), 1); os._exit(0)
os.wait(); print(c.semctl(i, 1, 12), c.semctl(i, 0, 0)); q = c.msgget(k, 0o1600); print(q >= 0)
class mb(ctypes.Structure): _fields_ = [("t", ctypes.c_long), ("b", ctypes.c_char * 32)]
for t, b in ((1, b"one"), (3, b"three"), (2, b"two")): print(c.msgsnd(q, ctypes.byref(mb(t, b)), len(b), 0), end=" ")
m = mb(); print(c.msgrcv(q, ctypes.byref(m), 32, 3, 0), m.b, c.msgrcv(q, ctypes.byref(m), 32, -2, 0), m.t, c.msgrcv(q, ctypes.byref(m), 1, 0, 0), ctypes.get_errno(), c.msgrcv(q, ctypes.byref(m), 1, 0, 0o10000), c.msgrcv(q, ctypes.byref(m), 32, 0, 0o4000), ctypes.get_errno(), c.msgctl(q, 0, 0)); s = c.shmget(k, 8192, 0o1600); c.shmat.restype = ctypes.c_void_p; a = c.shmat(s, None, 0); ctypes.memset(a, 65, 10); p = os.fork()
if not p: ctypes.memset(a, 66, 5); os._exit(0)
os.wait(); print(ctypes.string_at(a, 10), c.shmctl(s, 0, 0), c.shmdt(ctypes.c_void_p(a)), c.shmget(k, 0, 0), ctypes.get_errno()); rt = ctypes.CDLL("librt.so.1", use_errno=True); c.sem_open.restype = ctypes.c_void_p; s = c.sem_open(b"/corp", 0o100, 0o600, 2); v = ctypes.c_int(); s = ctypes.c_void_p(s); c.sem_wait(s); c.sem_getvalue(s, ctypes.byref(v)); print(v.value, c.sem_unlink(b"/corp")); d = rt.mq_open(b"/mq", 0o102, 0o600, None)
print(d >= 0 or ctypes.get_errno()); print(rt.mq_send(d, b"hi", 2, 1), rt.mq_send(d, b"urgent", 6, 9)); b = ctypes.create_string_buffer(9000); pr = ctypes.c_uint(); print(rt.mq_receive(d, b, 9000, ctypes.byref(pr)), b.value, pr.value, rt.mq_unlink(b"/mq"))
