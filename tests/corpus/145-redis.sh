#!/bin/bash
# needs: redis-server redis-cli
redis-server --port 0 --unixsocket r.sock --save '' --dir . --daemonize no --logfile log & p=$!
for i in {1..100}; do [ -S r.sock ] && break; sleep 0.1; done
R="redis-cli -s r.sock"; $R ping; $R set k v; $R get k; for i in {1..50}; do echo "incr n"; done | $R | tail -1; $R lpush l a b c; $R lrange l 0 -1; $R hset h f 1; $R hgetall h; $R eval 'return redis.call("get","k")' 0; $R setex t 1 x; sleep 1.3; $R exists t; $R save; ls *.rdb; seq 1 2000 | sed 's/.*/SET key& val&/' | $R --pipe | tail -1; $R dbsize; $R bgsave > /dev/null; sleep 0.5; $R shutdown nosave; wait $p; echo $?
