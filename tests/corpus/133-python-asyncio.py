#!/usr/bin/python3
# needs: python3
import asyncio, os, signal, sys
async def main():
    async def h(r, w):
        while d := await r.readline(): w.write(b"echo " + d); await w.drain()
        w.close()
    s = await asyncio.start_unix_server(h, "sock")
    async def cl(i):
        r, w = await asyncio.open_unix_connection("sock"); o = []
        for k in range(20): w.write(b"%d %d\n" % (i, k)); await w.drain(); o.append(await r.readline())
        w.close(); return len(o), o[-1]
    print(await asyncio.gather(*[cl(i) for i in range(20)])); r, w = await asyncio.open_unix_connection("sock"); w.write(b"x" * 60000 + b"\n"); w.write_eof(); print(len(await r.read())); s.close(); await s.wait_closed()
    p = await asyncio.create_subprocess_exec("sh", "-c", "cat; exit 4", stdin=-1, stdout=-1); print(await p.communicate(b"sub"), p.returncode); p = await asyncio.create_subprocess_shell("sleep 100"); p.kill(); print(await p.wait())
    loop = asyncio.get_running_loop(); ev = asyncio.Event(); loop.add_signal_handler(signal.SIGUSR1, ev.set); os.kill(os.getpid(), signal.SIGUSR1); await ev.wait(); print("sig"); print(await loop.run_in_executor(None, lambda: 42)); print(await asyncio.to_thread(os.getcwd) == os.getcwd())
    try: await asyncio.wait_for(asyncio.sleep(5), 0.05)
    except asyncio.TimeoutError: print("timeout")
    q = asyncio.Queue(3)
    async def prod(): 
        for i in range(100): await q.put(i)
    t = asyncio.create_task(prod()); print(sum([await q.get() for _ in range(100)])); await t; lock = asyncio.Lock()
    async with lock: print(lock.locked())
    rd, wr = os.pipe(); loop.add_reader(rd, lambda: (print(os.read(rd, 10)), loop.remove_reader(rd), ev.clear())); os.write(wr, b"rdr"); await asyncio.sleep(0.05)
asyncio.run(main())
