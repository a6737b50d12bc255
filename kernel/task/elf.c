/*
 * ELF64 programs (System V gABI, elf(5)): static, static-PIE, PIE and dynamic ones through PT_INTERP.
 *
 * elf_load() reads and checks all headers, then lays out a fresh address space in one batch of host ops:
 *
 *   ET_EXEC where it wants to be | PIE near 2/3 of the address space | brk above the program
 *   interpreter, static-PIE and vDSO downwards from mmap_base | stack at the top
 *
 * Nothing of current changes here: whatever fails leaves the caller as it was. Every number in the file is
 * hostile until it has passed elf_check().
 */
#include "task_priv.h"
#include <abi/elf.h>
#include <abi/mman.h>
#include <umber/vfs.h>

#define ELF_DYN_BASE (PORT_TASK_SIZE / 3 * 2)
#define STACK_TOP (PORT_TASK_SIZE - PAGE_SIZE)
#define STACK_RANDOM_PAGES (1UL << 22)
#define MMAP_RANDOM_PAGES (1UL << 28)
#define BRK_RANDOM_BYTES (32UL << 20)
#define MAX_PHDR_BYTES 65536
#define PLATFORM "x86_64"

int randomize_va_space = 2;

struct elf_img {
	struct file *file;
	const struct exec_head *head;
	struct elf64_ehdr eh;
	struct elf64_phdr *ph;
	u64 lo, hi, align;     /* page range of all PT_LOADs, before bias */
	u64 bias;
};
struct elf_rnd { u64 mmap, stack, dyn, brk, sp; u8 bytes[16]; };

/* n bytes of the file from off on. -ENOEXEC if it is not so long. */
static int read_exact(const struct elf_img *im, void *buf, size_t n, u64 off)
{
	s64 pos = (s64)off;
	if (off > S64_MAX - n)
		return -ENOEXEC;
	if (off + n <= im->head->len) {
		memcpy(buf, im->head->bytes + off, n);
		return 0;
	}
	for (size_t got = 0; got < n;) {
		ssize_t r = kernel_read(im->file, (u8 *)buf + got, n - got, &pos);
		if (r <= 0)
			return r < 0 ? (int)r : -ENOEXEC;
		got += (size_t)r;
	}
	return 0;
}

static int elf_check_header(const struct elf64_ehdr *e)
{
	if (memcmp(e->e_ident, "\177ELF", 4) || e->e_ident[4] != ELFCLASS64 || e->e_ident[5] != ELFDATA2LSB)
		return -ENOEXEC;
	if ((e->e_type != ET_EXEC && e->e_type != ET_DYN) || e->e_machine != EM_X86_64)
		return -ENOEXEC;
	if (e->e_phentsize != sizeof(struct elf64_phdr) || !e->e_phnum ||
	    (size_t)e->e_phnum * sizeof(struct elf64_phdr) > MAX_PHDR_BYTES)
		return -ENOEXEC;
	return 0;
}

/* Range and sanity of the PT_LOADs. */
static int elf_check(struct elf_img *im)
{
	im->lo = U64_MAX;
	im->hi = 0;
	im->align = PAGE_SIZE;
	for (int i = 0; i < im->eh.e_phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		if (p->p_type != PT_LOAD)
			continue;
		if (p->p_filesz > p->p_memsz || p->p_vaddr >= PORT_TASK_SIZE ||
		    p->p_memsz > PORT_TASK_SIZE - p->p_vaddr)
			return -EINVAL;
		if (PAGE_OFFSET(p->p_vaddr) != PAGE_OFFSET(p->p_offset) || p->p_offset > S64_MAX - p->p_filesz)
			return -EINVAL;
		im->lo = min(im->lo, ALIGN_DOWN(p->p_vaddr, PAGE_SIZE));
		im->hi = max(im->hi, PAGE_ALIGN(p->p_vaddr + p->p_memsz));
		if (p->p_align > im->align && !(p->p_align & (p->p_align - 1)) && p->p_align <= (1UL << 30))
			im->align = p->p_align;
	}
	return im->lo < im->hi ? 0 : -ENOEXEC;
}

static int elf_read(struct elf_img *im, struct file *f, const struct exec_head *head)
{
	im->file = f;
	im->head = head;
	int err = read_exact(im, &im->eh, sizeof(im->eh), 0);
	if (!err)
		err = elf_check_header(&im->eh);
	if (err)
		return err;
	if (!f->op->mmap)
		return -ENOEXEC;
	size_t n = im->eh.e_phnum * sizeof(struct elf64_phdr);
	im->ph = kmalloc(n);
	if (!im->ph)
		return -ENOMEM;
	err = read_exact(im, im->ph, n, im->eh.e_phoff);
	return err ? err : elf_check(im);
}

static const struct elf64_phdr *find_phdr(const struct elf_img *im, u32 type)
{
	for (int i = 0; i < im->eh.e_phnum; i++)
		if (im->ph[i].p_type == type)
			return &im->ph[i];
	return NULL;
}

/* Opens what PT_INTERP names; head is room for its first bytes. 0 with im->file NULL if there is none. */
static int open_interp(const struct elf_img *prog, struct elf_img *im, struct exec_head *head)
{
	const struct elf64_phdr *p = find_phdr(prog, PT_INTERP);
	if (!p)
		return 0;
	if (p->p_filesz < 2 || p->p_filesz > PATH_MAX)
		return -ENOEXEC;
	char *name = kmalloc(p->p_filesz);
	if (!name)
		return -ENOMEM;
	int err = read_exact(prog, name, p->p_filesz, p->p_offset);
	if (!err && name[p->p_filesz - 1])
		err = -ENOEXEC;
	if (!err) {
		struct file *f = file_open_exec(AT_FDCWD, name, LOOKUP_FOLLOW);
		if (IS_ERR(f)) {
			err = (int)PTR_ERR(f);
		} else {
			err = exec_read_head(f, head);
			if (!err)
				err = elf_read(im, f, head);
			im->file = f;
			if (err == -ENOEXEC)
				err = -ELIBBAD;
		}
	}
	kfree(name);
	return err;
}

static u32 seg_prot(const struct elf64_phdr *p)
{
	return ((p->p_flags & PF_R) ? PROT_READ : 0) | ((p->p_flags & PF_W) ? PROT_WRITE : 0) |
	       ((p->p_flags & PF_X) ? PROT_EXEC : 0);
}

static int elf_map(struct mm *mm, const struct elf_img *im)
{
	for (int i = 0; i < im->eh.e_phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		u64 start = ALIGN_DOWN(im->bias + p->p_vaddr, PAGE_SIZE), pageoff = PAGE_OFFSET(p->p_vaddr);
		u64 file_end = p->p_filesz ? PAGE_ALIGN(im->bias + p->p_vaddr + p->p_filesz) : start;
		u64 end = PAGE_ALIGN(im->bias + p->p_vaddr + p->p_memsz);
		s64 r = 0;
		if (file_end > start)
			r = mm_map(mm, im->file, start, file_end - start, seg_prot(p), MAP_PRIVATE | MAP_FIXED,
				   p->p_offset - pageoff);
		if (r >= 0 && end > file_end)
			r = mm_map(mm, NULL, file_end, end - file_end, seg_prot(p),
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

/* To memory of the new mm that is surely writable. */
static int out(struct mm *mm, uaddr_t dst, const void *src, size_t n)
{
	return port_copy_out(mm->port, dst, src, n, PORT_COPY_LATE) == (ssize_t)n ? 0 : -EFAULT;
}

/* After the batch: the rest of the last file page of each segment with bss must read as zeros; in a read-only segment
 * it keeps what the file has there, as in Linux. */
static int elf_clear_bss(struct mm *mm, const struct elf_img *im)
{
	u8 *zero = NULL;
	int err = 0;
	for (int i = 0; i < im->eh.e_phnum && !err; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		if (p->p_type != PT_LOAD || p->p_filesz >= p->p_memsz || !p->p_filesz || !(p->p_flags & PF_W))
			continue;
		u64 from = im->bias + p->p_vaddr + p->p_filesz, n = PAGE_ALIGN(from) - from;
		if (!n)
			continue;
		if (!zero)
			zero = kzalloc(PAGE_SIZE);
		if (!zero)
			return -ENOMEM;
		err = out(mm, from, zero, n);
	}
	kfree(zero);
	return err;
}

static void draw_random(struct elf_rnd *r)
{
	port_random(r, sizeof(*r));
	if (!randomize_va_space || (current->personality & ADDR_NO_RANDOMIZE)) {
		r->mmap = r->stack = r->dyn = r->brk = r->sp = 0;
		return;
	}
	r->mmap %= MMAP_RANDOM_PAGES;
	r->stack %= STACK_RANDOM_PAGES;
	r->dyn %= MMAP_RANDOM_PAGES;
	r->brk = randomize_va_space > 1 ? r->brk % BRK_RANDOM_BYTES : 0;
	r->sp %= 8192;
}

/* As Linux's: below the stack's limit and the room in which it may be placed, at least 128 MiB. */
static uaddr_t mmap_base(const struct elf_rnd *r)
{
	u64 pad = (STACK_RANDOM_PAGES << PAGE_SHIFT) + (256UL << PAGE_SHIFT);
	u64 gap = min(rlimit(RLIMIT_STACK), 1UL << 30); /* mm_map_stack maps no more */
	gap = max(gap, 128UL << 20) + pad;
	return PAGE_ALIGN(PORT_TASK_SIZE - gap - (r->mmap << PAGE_SHIFT));
}

/* Takes room for im downwards from *top. 0 or -ENOMEM. */
static int place_below(struct elf_img *im, uaddr_t *top)
{
	u64 size = im->hi - im->lo;
	if (size >= *top)
		return -ENOMEM;
	uaddr_t at = ALIGN_DOWN(*top - size, im->align);
	im->bias = at - ALIGN_DOWN(im->lo, im->align);
	if (im->bias + im->lo + size > *top) /* lo is not itself aligned to a large align */
		im->bias -= im->align;
	*top = im->bias + im->lo;
	return 0;
}

static int place(struct elf_img *prog, struct elf_img *interp, struct mm *mm, const struct elf_rnd *r)
{
	uaddr_t top = mm->mmap_base;
	int err = 0;
	if (prog->eh.e_type == ET_EXEC) {
		prog->bias = 0;
	} else if (interp->file) {
		if (prog->hi - prog->lo > PORT_TASK_SIZE / 6)
			return -ENOMEM;
		prog->bias = ALIGN_DOWN(ELF_DYN_BASE + (r->dyn << PAGE_SHIFT) - prog->lo, prog->align);
	} else {
		err = place_below(prog, &top);
	}
	if (!err && interp->file) {
		if (interp->eh.e_type == ET_EXEC)
			interp->bias = 0;
		else
			err = place_below(interp, &top);
	}
	return err;
}

static void note_ranges(struct mm *mm, const struct elf_img *im)
{
	mm->start_code = mm->start_data = U64_MAX;
	for (int i = 0; i < im->eh.e_phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		if (p->p_type != PT_LOAD)
			continue;
		u64 a = im->bias + p->p_vaddr, e = a + p->p_filesz;
		mm->start_code = min(mm->start_code, a);
		if (p->p_flags & PF_X)
			mm->end_code = max(mm->end_code, e);
		if (mm->start_data == U64_MAX || a > mm->start_data)
			mm->start_data = a;
		mm->end_data = max(mm->end_data, e);
	}
}

static u64 phdr_addr(const struct elf_img *im)
{
	for (int i = 0; i < im->eh.e_phnum; i++) {
		const struct elf64_phdr *p = &im->ph[i];
		if (p->p_type == PT_LOAD && p->p_offset <= im->eh.e_phoff &&
		    im->eh.e_phoff - p->p_offset < p->p_filesz)
			return im->bias + p->p_vaddr + (im->eh.e_phoff - p->p_offset);
	}
	return 0;
}

static void aux(struct mm *mm, u64 type, u64 val)
{
	if (mm->auxv_n + 2 > ARRAY_SIZE(mm->auxv))
		panic("auxv overflow");
	mm->auxv[mm->auxv_n++] = type;
	mm->auxv[mm->auxv_n++] = val;
}

static void fill_auxv(struct exec_params *p, const struct elf_img *prog, const struct elf_img *interp,
		      uaddr_t platform, uaddr_t random, uaddr_t execfn)
{
	struct mm *mm = p->mm;
	const struct cred *c = p->cred;
	mm->auxv_n = 0;
	if (mm->vdso)
		aux(mm, AT_SYSINFO_EHDR, mm->vdso);
	aux(mm, AT_MINSIGSTKSZ, port_minsigstksz());
	aux(mm, AT_HWCAP, port_hwcap(1));
	aux(mm, AT_PAGESZ, PAGE_SIZE);
	aux(mm, AT_CLKTCK, 100);
	aux(mm, AT_PHDR, phdr_addr(prog));
	aux(mm, AT_PHENT, sizeof(struct elf64_phdr));
	aux(mm, AT_PHNUM, prog->eh.e_phnum);
	aux(mm, AT_BASE, interp->file ? interp->bias : 0);
	aux(mm, AT_FLAGS, 0);
	aux(mm, AT_ENTRY, prog->bias + prog->eh.e_entry);
	aux(mm, AT_UID, c->uid);
	aux(mm, AT_EUID, c->euid);
	aux(mm, AT_GID, c->gid);
	aux(mm, AT_EGID, c->egid);
	aux(mm, AT_SECURE, p->secure);
	aux(mm, AT_RANDOM, random);
	aux(mm, AT_HWCAP2, port_hwcap(2));
	aux(mm, AT_EXECFN, execfn);
	aux(mm, AT_PLATFORM, platform);
	aux(mm, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_BYTES);
	aux(mm, AT_RSEQ_ALIGN, RSEQ_MIN_BYTES);
	aux(mm, AT_NULL, 0);
}

/*
 * The initial stack, from the top: 8 zero bytes, file name, strings, platform, random bytes, auxv, envp,
 * argv, argc. exec_args bounds the strings and pointers to a quarter of the stack's limit.
 */
static int build_stack(struct exec_params *p, uaddr_t top, const struct elf_img *prog,
		       const struct elf_img *interp, const struct elf_rnd *r)
{
	struct mm *mm = p->mm;
	struct exec_args *a = &p->args;
	size_t fn = strlen(p->filename) + 1;
	uaddr_t execfn = top - 8 - fn, strings = execfn - a->len;
	uaddr_t platform = strings - sizeof(PLATFORM) - r->sp;
	uaddr_t random = ALIGN_DOWN(platform - sizeof(r->bytes), 16);
	fill_auxv(p, prog, interp, platform, random, execfn);
	size_t words = 1 + a->argc + 1 + a->envc + 1 + mm->auxv_n;
	uaddr_t sp = ALIGN_DOWN(random - words * 8, 16);
	u64 *w = kmalloc(words * 8);
	if (!w)
		return -ENOMEM;
	size_t k = 0, off = 0;
	w[k++] = a->argc;
	for (u32 i = 0; i < a->argc + a->envc; i++) {
		if (i == a->argc)
			w[k++] = 0;
		w[k++] = strings + off;
		off += strlen(a->buf + off) + 1;
	}
	if (!a->envc)
		w[k++] = 0;
	w[k++] = 0;
	memcpy(&w[k], mm->auxv, mm->auxv_n * 8);
	int err = out(mm, sp, w, words * 8);
	kfree(w);
	if (!err)
		err = out(mm, execfn, p->filename, fn);
	if (!err && a->len)
		err = out(mm, strings, a->buf, a->len);
	if (!err)
		err = out(mm, platform, PLATFORM, sizeof(PLATFORM));
	if (!err)
		err = out(mm, random, r->bytes, sizeof(r->bytes));
	mm->arg_start = strings;
	mm->arg_end = mm->env_start = strings + a->env_off;
	mm->env_end = strings + a->len;
	mm->start_stack = sp;
	p->sp = sp;
	return err;
}

static int layout(struct exec_params *p, struct elf_img *prog, struct elf_img *interp)
{
	struct mm *mm = p->mm;
	struct elf_rnd r;
	draw_random(&r);
	mm->mmap_base = mmap_base(&r);
	int err = place(prog, interp, mm, &r);
	if (err)
		return err;
	const struct elf64_phdr *gs = find_phdr(prog, PT_GNU_STACK);
	mm_batch_begin(mm);
	err = elf_map(mm, prog);
	if (!err && interp->file)
		err = elf_map(mm, interp);
	s64 top = 0;
	if (!err) {
		top = mm_map_stack(mm, STACK_TOP - (r.stack << PAGE_SHIFT), rlimit(RLIMIT_STACK),
				   gs && (gs->p_flags & PF_X));
		err = top < 0 ? (int)top : 0;
	}
	if (!err) {
		s64 v = mm_map_vdso(mm);
		mm->vdso = v > 0 ? (uaddr_t)v : 0;
		err = v < 0 ? (int)v : 0;
	}
	if (!err) {
		/* a static PIE lies where mmap goes on: its brk gets a place of its own */
		u64 brk = prog->eh.e_type == ET_DYN && !interp->file ? PAGE_ALIGN(ELF_DYN_BASE) : prog->bias + prog->hi;
		err = mm_set_brk_start(mm, PAGE_ALIGN(brk + r.brk));
	}
	int commit = mm_batch_commit(mm);
	if (!err)
		err = commit;
	if (!err)
		err = elf_clear_bss(mm, prog);
	if (!err && interp->file)
		err = elf_clear_bss(mm, interp);
	if (err)
		return err;
	note_ranges(mm, prog);
	const struct elf_img *first = interp->file ? interp : prog;
	p->entry = first->bias + first->eh.e_entry;
	if (p->entry >= PORT_TASK_SIZE)
		return -EINVAL;
	return build_stack(p, (uaddr_t)top, prog, interp, &r);
}

/*
 * Loads p->file into a new address space p->mm and sets p->entry, p->sp. 0; -ENOEXEC if the file is no ELF64
 * program for this machine; other negative errno. May sleep. On error p->mm is NULL.
 */
int elf_load(struct exec_params *p)
{
	struct elf_img prog = { 0 }, interp = { 0 };
	struct exec_head *head = kmalloc(sizeof(*head));
	int err = head ? elf_read(&prog, p->file, &p->head) : -ENOMEM;
	if (!err)
		err = open_interp(&prog, &interp, head);
	if (err)
		goto out;
	p->mm = mm_new();
	if (!p->mm || IS_ERR(p->mm)) {
		err = p->mm ? (int)PTR_ERR(p->mm) : -ENOMEM;
		p->mm = NULL;
		goto out;
	}
	err = layout(p, &prog, &interp);
	if (err) {
		mm_users_put(p->mm);
		p->mm = NULL;
	}
out:
	kfree(prog.ph);
	kfree(interp.ph);
	kfree(head);
	if (interp.file)
		file_put(interp.file);
	return err;
}
