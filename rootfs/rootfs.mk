# The embedded initramfs: Debian's busybox-static and rootfs/files.
BUSYBOX   ?= $(firstword $(wildcard /bin/busybox /usr/bin/busybox))
ROOTFSOBJ := $(B)/rootfs/rootfs_image.o
$(B)/rootfs/rootfs.cpio.gz: rootfs/mkrootfs.py $(shell find rootfs/files -type f) $(BUSYBOX)
	@mkdir -p $(@D)
	@test -n "$(BUSYBOX)" || { echo "rootfs: no busybox; run scripts/setup (package busybox-static)" >&2; exit 1; }
	@python3 rootfs/mkrootfs.py $(BUSYBOX) $@
$(ROOTFSOBJ): rootfs/rootfs_image.S $(B)/rootfs/rootfs.cpio.gz
	@$(CC) -DROOTFS_FILE='"$(B)/rootfs/rootfs.cpio.gz"' -c -o $@ $<
