# sqlite3: 20,000 inserts in one transaction, 200 in one each, selects by index and by scan
run() {
	rm -f "$W/db"
	if [ "${BENCH_QUICK:-0}" = 1 ]; then sqlite3 "$W/db" <"$S/quick.sql" >"$W/out"
	else sqlite3 "$W/db" <"$S/full.sql" >"$W/out"; fi
	tail -n 1 "$W/out" | grep -qx end
}
clean() { rm -f "$W/db" "$W/out"; }
