/*
 * The guest's vDSO: fills the image's data words and offers it as a host file that exec maps. The host's
 * vDSO stays where exec put it in the template (no ASLR there), so one address serves all stubs.
 */
#include "vdso.h"
#include "vdso/vdso_data.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <port/hfd_host.h>
#include <port/port.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char vdso_image[], vdso_image_end[];
static hfd_t vdso_hfd = HFD_NONE;
static size_t vdso_bytes;
static int vdso_fd = -1;       /* writable, ours alone */
static off_t data_off;
static s64 mono_off, real_off;

/* Offset of a function in the host's vDSO (our own mapping of it), 0 if it has none. */
static u64 host_symbol(const char *name)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Phdr *ph;
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *sym = NULL;
	const char *str = NULL;
	const Elf64_Word *hash = NULL;

	if (!base)
		return 0;
	ph = (const void *)(base + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(base + ph[i].p_offset);
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			sym = (const void *)(base + dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_STRTAB)
			str = base + dyn->d_un.d_ptr;
		else if (dyn->d_tag == DT_HASH)
			hash = (const void *)(base + dyn->d_un.d_ptr);
	}
	if (!sym || !str || !hash)
		return 0;
	for (Elf64_Word i = 0; i < hash[1]; i++)
		if (!strcmp(str + sym[i].st_name, name))
			return sym[i].st_value;
	return 0;
}

static void publish(void)
{
	s64 v[2] = { mono_off, real_off };

	if (vdso_fd >= 0)
		(void)!pwrite(vdso_fd, v, sizeof(v), data_off + (off_t)offsetof(struct vdso_data, mono_offset_ns));
}

int vdso_init(u64 host_base)
{
	size_t n = (size_t)(vdso_image_end - vdso_image);
	u64 fn = host_base ? host_symbol("__vdso_clock_gettime") : 0, magic = VDSO_MAGIC, addr;
	const char *at = memmem(vdso_image, n, &magic, sizeof(magic));
	char path[64];

	if (!at || !fn)
		return 0; /* no vDSO: libc asks by system calls */
	vdso_fd = memfd_create("umber-vdso", MFD_CLOEXEC);
	if (vdso_fd < 0)
		return -errno;
	vdso_bytes = PAGE_ALIGN(n);
	data_off = at - vdso_image;
	addr = host_base + fn;
	if (ftruncate(vdso_fd, (off_t)vdso_bytes) || pwrite(vdso_fd, vdso_image, n, 0) != (ssize_t)n ||
	    pwrite(vdso_fd, &addr, 8, data_off + (off_t)offsetof(struct vdso_data, host_clock_gettime)) != 8)
		return -errno;
	publish();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", vdso_fd);
	vdso_hfd = hfd_add(open(path, O_RDONLY | O_CLOEXEC));
	return vdso_hfd < 0 ? vdso_hfd : 0;
}

size_t port_vdso(hfd_t *hfd)
{
	*hfd = vdso_hfd;
	return vdso_hfd < 0 ? 0 : vdso_bytes;
}

void port_time_publish(s64 mono_offset_ns, s64 real_offset_ns)
{
	mono_off = mono_offset_ns;
	real_off = real_offset_ns;
	publish();
}
