# two dd, 4 KiB and then 64 KiB a time through a pipe
run() {
	dd if=/dev/zero bs=4k count="$(scale 40000 4000)" 2>/dev/null | dd of=/dev/null bs=4k 2>/dev/null
	dd if=/dev/zero bs=64k count="$(scale 8000 800)" 2>/dev/null | dd of=/dev/null bs=64k 2>/dev/null
}
