# redis over a unix socket: SET and GET, 20 clients, no pipelining; the server starts untimed
prepare() {
	redis-server --port 0 --unixsocket "$W/redis.sock" --save '' --appendonly no --dir "$W" --daemonize yes \
		--pidfile "$W/redis.pid" >/dev/null
	i=0
	while ! redis-cli -s "$W/redis.sock" ping 2>/dev/null | grep -q PONG; do
		i=$((i + 1))
		[ $i -lt 100 ]
		sleep 0.1
	done
}
run() { redis-benchmark -s "$W/redis.sock" -t set,get -n "$(scale 40000 4000)" -c 20 -q >"$W/redis.out"; grep -q 'GET: ' "$W/redis.out"; }
clean() { redis-cli -s "$W/redis.sock" shutdown nosave >/dev/null 2>&1 || :; rm -f "$W"/redis.*; }
