# python3 computing: the guest should cost nothing
run() {
	/usr/bin/python3 -B -c 'import sys
n = int(sys.argv[1]); s = 0; d = {}
for i in range(n):
    s = (s * 31 + i) % 1000003
    d[s & 4095] = d.get(s & 4095, 0) + 1
print(s, len(d))' "$(scale 3000000 500000)" >/dev/null
}
