# make -j2 of a part of umber itself (kernel/lib, kernel/vfs), gcc -O2, objects on tmpfs
clean() { rm -rf "$W/obj"; }
run() {
	rm -rf "$W/obj"
	mkdir "$W/obj"
	make -s -j2 -C "$S/src" O="$W/obj" N="$(scale 30 4)"
}
