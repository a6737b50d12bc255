# The guest's vDSO image, data of the kernel process.
VDSODIR := arch-um/time/vdso
VDSOOBJ := $(B)/$(VDSODIR)/vdso_image.o
$(B)/$(VDSODIR)/vdso.so: $(VDSODIR)/vdso.c $(VDSODIR)/vdso_data.h $(VDSODIR)/vdso.lds
	@mkdir -p $(@D)
	@$(CC) $(filter-out -MMD -MP -fpie -fno-asynchronous-unwind-tables -g,$(SFLAGS)) -fPIC -Wno-missing-prototypes \
		-fno-builtin -shared -nostdlib -Wl,-T,$(VDSODIR)/vdso.lds -Wl,-soname,linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-z,max-page-size=4096 \
		-fvisibility=default -Wl,--eh-frame-hdr -o $@ $<
$(VDSOOBJ): $(VDSODIR)/vdso_image.S $(B)/$(VDSODIR)/vdso.so
	@$(CC) -DVDSO_FILE='"$(B)/$(VDSODIR)/vdso.so"' -c -o $@ $<
