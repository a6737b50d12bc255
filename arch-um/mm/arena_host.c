/*
 * kmem's arena: reserved, sparse, one memfd, so that the whole guest kernel can be read from one file.
 * Memory is the host's until first touch and goes back by port_arena_release().
 */
#include "arena.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACKS_BYTES (1UL << 30) /* 32,768 fibres */

u64 port_arena_bytes;
void *arena_stacks;
u64 arena_stacks_bytes;

int arena_init(u64 mem_bytes)
{
	u64 bytes = ALIGN_UP(mem_bytes + (mem_bytes >> 3) + (64UL << 20), 2UL << 20);
	int fd = memfd_create("umber-kmem", MFD_CLOEXEC);
	void *p;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, bytes + STACKS_BYTES)) {
		close(fd);
		return -errno;
	}
	p = mmap((void *)KMEM_BASE, bytes + STACKS_BYTES, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
	close(fd);
	if (p != (void *)KMEM_BASE)
		return -ENOMEM;
	madvise(p, bytes + STACKS_BYTES, MADV_DONTFORK);
	madvise(p, bytes + STACKS_BYTES, MADV_DODUMP);
	port_arena_bytes = bytes;
	arena_stacks = (char *)p + bytes;
	arena_stacks_bytes = STACKS_BYTES;
	return 0;
}

void port_arena_populate(void *addr, size_t bytes)
{
	madvise(addr, bytes, MADV_POPULATE_WRITE); /* hosts before 5.14 lack it */
}

void port_arena_release(void *addr, size_t bytes)
{
	madvise(addr, bytes, MADV_REMOVE);
}
