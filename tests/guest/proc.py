#!/usr/bin/env python3
"""/proc as programs use it: life and death of /proc/PID, threads, magic links, mem, access checks, sysctl (proc(5)).

Prints TAP. Run as root in the guest: ./umber run -- python3 tests/guest/proc.py
(it renames the host and makes 300 processes: not for the host itself).
"""
import os,sys,threading,time,signal,errno,struct,resource,socket,select
count=0
def ck(name, cond, info=''):
    global count
    count+=1
    print(f"{'ok' if cond else 'not ok'} {count} - {name}", f'# {info}' if not cond else '', flush=True)
pid=os.getpid()
ck('self', os.readlink('/proc/self')==str(pid))
ck('thread-self', os.readlink('/proc/thread-self')==f'{pid}/task/{pid}')
# stale
r,w=os.pipe()
c=os.fork()
if c==0:
    os.read(r,1); os._exit(3)
d=os.open(f'/proc/{c}',os.O_RDONLY|os.O_DIRECTORY)
f=os.open(f'/proc/{c}/stat',os.O_RDONLY)
ck('child cmdline', open(f'/proc/{c}/cmdline','rb').read()==open('/proc/self/cmdline','rb').read())
os.write(w,b'x'); time.sleep(.1)
s=os.pread(f,1000,0).decode(); ck('zombie', ') Z ' in s, s)
ck('zombie exit code', s.split()[-1]==str(3<<8), s)
ck('zombie cmdline empty', open(f'/proc/{c}/cmdline','rb').read()==b'')
try: os.readlink(f'/proc/{c}/exe'); ck('zombie exe',False)
except OSError as e: ck('zombie exe', e.errno==errno.ENOENT, e)
ck('zombie maps', open(f'/proc/{c}/maps').read()=='')
os.waitpid(c,0)
try: os.pread(f,1000,0); ck('reaped read', False)
except OSError as e: ck('reaped read ESRCH', e.errno==errno.ESRCH, e)
try: os.open('stat',os.O_RDONLY,dir_fd=d); ck('reaped open',False)
except OSError as e: ck('reaped open', e.errno in(errno.ENOENT,errno.ESRCH), e)
ck('reaped list', os.listdir(d)==[])
ck('gone', not os.path.exists(f'/proc/{c}'))
# threads
ev=threading.Event()
ths=[threading.Thread(target=ev.wait) for _ in range(20)]
[t.start() for t in ths]
ids=set(os.listdir('/proc/self/task'))
ck('threads', len(ids)==21 and set(str(t.native_id) for t in ths)<=ids, ids)
ck('nlink', os.stat('/proc/self/task').st_nlink==23, os.stat('/proc/self/task').st_nlink)
t=ths[3].native_id
ck('tid in root', os.path.exists(f'/proc/{t}/stat'))
ck('tid hidden', str(t) not in os.listdir('/proc'))
ck('tid status', f'Tgid:\t{pid}\n' in open(f'/proc/{t}/status').read() and f'\nPid:\t{t}\n' in open(f'/proc/{t}/status').read())
open(f'/proc/self/task/{t}/comm','w').write('mythread')
ck('comm', open(f'/proc/self/task/{t}/comm').read()=='mythread\n')
ck('sysc', open(f'/proc/self/task/{t}/syscall').read().startswith('202 '), open(f'/proc/self/task/{t}/syscall').read())
ck('num_threads', open('/proc/self/stat').read().split(') ')[1].split()[17]=='21')
ev.set(); [t.join() for t in ths]
# fd
a=os.open('/tmp/pt_file',os.O_RDWR|os.O_CREAT|os.O_CLOEXEC)
os.write(a,b'hello world')
b=os.open(f'/proc/self/fd/{a}',os.O_RDONLY)
ck('reopen', os.read(b,100)==b'hello world')
os.unlink('/tmp/pt_file')
ck('deleted', os.readlink(f'/proc/self/fd/{a}')=='/tmp/pt_file (deleted)', os.readlink(f'/proc/self/fd/{a}'))
b=os.open(f'/proc/self/fd/{a}',os.O_RDONLY)
ck('reopen deleted', os.read(b,100)==b'hello world')
ck('fd mode', os.lstat(f'/proc/self/fd/{b}').st_mode & 0o777==0o500)
info=open(f'/proc/self/fdinfo/{a}').read()
ck('fdinfo', 'pos:\t11\n' in info and 'flags:\t02' in info, info)
p1,p2=os.pipe()
w2=os.open(f'/proc/self/fd/{p2}',os.O_WRONLY); os.write(w2,b'zz'); ck('pipe reopen', os.read(p1,5)==b'zz')
s1,s2=socket.socketpair()
try: os.open(f'/proc/self/fd/{s1.fileno()}',os.O_RDWR); ck('sock reopen',False)
except OSError as e: ck('sock reopen', e.errno==errno.ENXIO, e)
ck('sock link', os.readlink(f'/proc/self/fd/{s1.fileno()}').startswith('socket:['), os.readlink(f'/proc/self/fd/{s1.fileno()}'))
ck('stat through', os.stat(f'/proc/self/fd/{s1.fileno()}').st_ino==os.fstat(s1.fileno()).st_ino)
ck('nfd', os.stat('/proc/self/fd').st_size==len(os.listdir('/proc/self/fd'))-1)
ep=select.epoll(); ck('epoll link', os.readlink(f'/proc/self/fd/{ep.fileno()}')=='anon_inode:[eventpoll]')
# mem
import ctypes
buf=ctypes.create_string_buffer(b'secret data')
m=os.open('/proc/self/mem',os.O_RDWR)
ck('mem read', os.pread(m,11,ctypes.addressof(buf))==b'secret data')
os.pwrite(m,b'SECRET',ctypes.addressof(buf)); ck('mem write', buf.value==b'SECRET data')
try: os.pread(m,10,0x10); ck('mem hole',False)
except OSError as e: ck('mem hole EIO', e.errno==errno.EIO, e)
txt=[l for l in open('/proc/self/maps') if 'r-xp' in l][0]; ta=int(txt.split('-')[0],16)
o=os.pread(m,4,ta); os.pwrite(m,o,ta); ck('mem text', os.pread(m,4,ta)==o)
try: os.pread(m,10,0x7fff00000000); ck('stub hidden',False)
except OSError as e: ck('stub hidden', e.errno==errno.EIO, e)
try: os.pread(m,10,0x60000); ck('table hidden',False)
except OSError as e: ck('table hidden', e.errno==errno.EIO, e)
pm=os.open('/proc/self/pagemap',os.O_RDONLY); v=struct.unpack('Q',os.pread(pm,8,ctypes.addressof(buf)//4096*8))[0]; ck('pagemap',v>>63==1,hex(v))
os.environ['ZZ']='1'
ck('environ', b'PATH=' in open('/proc/self/environ','rb').read())
ck('auxv', len(open('/proc/self/auxv','rb').read())%16==0 and open('/proc/self/auxv','rb').read()[-16:]==b'\0'*16)
ck('oom', open('/proc/self/oom_score_adj').read()=='0\n')
open('/proc/self/oom_score_adj','w').write('500\n'); ck('oom w', open('/proc/self/oom_score_adj').read()=='500\n')
try:
    os.write(os.open('/proc/self/oom_score_adj',1),b'5000\n'); ck('oom inval',False)
except OSError as e: ck('oom inval', e.errno==errno.EINVAL,e)
ck('limits', 'Max open files            1024' in open('/proc/self/limits').read() or 'Max open files' in open('/proc/self/limits').read())
ck('boot_id', open('/proc/sys/kernel/random/boot_id').read()==open('/proc/sys/kernel/random/boot_id').read())
ck('uuid', open('/proc/sys/kernel/random/uuid').read()!=open('/proc/sys/kernel/random/uuid').read() and len(open('/proc/sys/kernel/random/uuid').read())==37)
open('/proc/sys/kernel/hostname','w').write('foo\n'); ck('hostname', socket.gethostname()=='foo')
for fn,val in (('/proc/sys/kernel/pid_max','5'),('/proc/sys/vm/overcommit_memory','9'),('/proc/sys/kernel/pid_max','abc')):
    try: os.write(os.open(fn,1),val.encode()); ck('sysctl '+fn,False)
    except OSError as e: ck('sysctl inval '+fn, e.errno==errno.EINVAL,e)
ck('root', os.readlink('/proc/self/root')=='/' and os.path.exists('/proc/self/root/etc'))
ck('cwd', os.readlink('/proc/self/cwd')==os.getcwd())
ck('ns', os.stat('/proc/self/ns/mnt').st_ino==4026531841, os.stat('/proc/self/ns/mnt').st_ino)
nf=os.open('/proc/self/ns/uts',os.O_RDONLY); ck('ns open', os.readlink(f'/proc/self/fd/{nf}')=='uts:[4026531838]', os.readlink(f'/proc/self/fd/{nf}'))
try: os.chmod('/proc/self/stat',0o777); ck('chmod',False)
except OSError as e: ck('chmod', e.errno==errno.EPERM,e)
try: open('/proc/foo','w'); ck('create',False)
except OSError as e: ck('create', e.errno in (errno.ENOENT,errno.EACCES,errno.EPERM),e)
# unprivileged
c=os.fork()
if c==0:
    os.setgid(1000); os.setuid(1000)
    for f in ('environ','maps','mem','auxv','io','exe','fd','syscall','smaps'):
        p=f'/proc/{pid}/{f}'
        try:
            if f=='exe': os.readlink(p)
            elif f=='fd': os.listdir(p)
            else: open(p,'rb').read(10)
            ck('unpriv '+f, False)
        except OSError as e: ck('unpriv '+f, e.errno==errno.EACCES, e)
    ck('unpriv stat', 'python' in open(f'/proc/{pid}/stat').read())
    try: open('/proc/self/maps').read(); ck('own maps ok',True)
    except OSError as e: ck('own maps', e.errno==errno.EACCES, e)
    ck('own fd', len(os.listdir('/proc/self/fd'))>0)
    try: open('/proc/sys/kernel/pid_max','w'); ck('sysctl unpriv', False)
    except OSError as e: ck('sysctl unpriv', e.errno==errno.EACCES,e)
    os._exit(0)
os.waitpid(c,0)
# many processes
kids=[]
for i in range(300):
    c=os.fork()
    if c==0: signal.pause(); os._exit(0)
    kids.append(c)
t=time.time(); l=os.listdir('/proc'); dt=time.time()-t
ck('many', set(map(str,kids))<=set(l) and len(set(l))==len(l), len(l)); print('# listdir', dt)
t=time.time()
for k in kids: open(f'/proc/{k}/stat').read()
print('# 300 stats', time.time()-t)
for k in kids: os.kill(k,9); os.waitpid(k,0)
print(f'1..{count}')
