/*
 * Core files (core(5)): an ELF file of type ET_CORE with the notes that gdb reads and what the process had in memory.
 *
 * The dying thread writes it itself, with its own rights, after the other threads of the process are gone; the status that
 * the parent sees then has bit 0x80. What is written is what /proc/PID/coredump_filter says (0x33, not to be changed):
 * private memory, shared memory without a name, the first page of ELF files. Pages that nobody has touched are holes. Not
 * there: patterns that begin with `|`. Other threads' notes have the registers of their last entry, and no vector state.
 */
#include "task_priv.h"
#include <abi/elf.h>
#include <abi/fcntl.h>
#include <abi/ptrace.h>
#include <umber/mm.h>
#include <umber/printk.h>
#include <umber/signal.h>
#include <umber/time.h>
#include <umber/uts.h>
#include <umber/vfs.h>

#define ET_CORE 4
#define PT_NOTE 4
#define NT_PRPSINFO 3
#define NT_AUXV 6
#define NT_SIGINFO 0x53494749
#define NT_FILE 0x46494c45
#define FXSAVE_BYTES 512u
#define XSTATE_MAX 16384u
#define CHUNK_ORDER 4u
#define CHUNK_PAGES (1u << CHUNK_ORDER)
#define NAME_BYTES 512u
#define FILE_NOTE_MAX (1u << 20)
#define PHNUM_MAX 65000u
#define THREADS_MAX 1024u

char core_pattern[128] = "core";
s32 core_uses_pid;

struct core_time { s64 sec, usec; };
struct prstatus {
	s32 signo, code, err;
	s16 cursig, pad_;
	u64 sigpend, sighold;
	s32 pid, ppid, pgrp, sid;
	struct core_time utime, stime, cutime, cstime;
	struct user_regs reg;
	s32 fpvalid, pad2_;
};
_Static_assert(sizeof(struct prstatus) == 336, "struct elf_prstatus");
struct prpsinfo {
	s8 state, sname, zomb, nice;
	u64 flag;
	u32 uid, gid;
	s32 pid, ppid, pgrp, sid;
	char fname[16], psargs[80];
};
_Static_assert(sizeof(struct prpsinfo) == 136, "struct elf_prpsinfo");

struct notes { u8 *p; size_t n, cap; bool failed; };
struct dump { struct file *f; s64 pos; u64 limit; bool failed; };

/* ---- notes ---- */
static void *notes_room(struct notes *b, size_t n)
{
	if (b->n + n > b->cap) {
		size_t cap = max(b->cap * 2, ALIGN_UP(b->n + n, PAGE_SIZE));
		u8 *p = krealloc(b->p, cap);

		if (!p) {
			b->failed = true;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	memset(b->p + b->n, 0, n);
	b->n += n;
	return b->p + b->n - n;
}

static void note(struct notes *b, const char *name, u32 type, const void *desc, size_t n)
{
	size_t len = strlen(name) + 1, room = 12 + ALIGN_UP(len, 4) + ALIGN_UP(n, 4);
	u32 *h = notes_room(b, room);

	if (!h)
		return;
	h[0] = (u32)len, h[1] = (u32)n, h[2] = type;
	memcpy(h + 3, name, len);
	memcpy((u8 *)(h + 3) + ALIGN_UP(len, 4), desc, n);
}

static struct core_time core_time(u64 ns)
{
	return (struct core_time){ (s64)(ns / 1000000000), (s64)(ns % 1000000000 / 1000) };
}

static void fill_ids(const struct task *t, s32 *pid, s32 *ppid, s32 *pgrp, s32 *sid)
{
	*pid = t->tid;
	*ppid = t->tg->parent ? t->tg->parent->tg->pid : 0;
	*pgrp = t->tg->pgid;
	*sid = t->tg->session ? t->tg->session->sid : 0;
}

static void fill_prstatus(struct prstatus *s, const struct task *t, int sig)
{
	memset(s, 0, sizeof(*s));
	s->signo = s->cursig = (s16)sig;
	s->sigpend = t->pending.set;
	s->sighold = t->blocked;
	fill_ids(t, &s->pid, &s->ppid, &s->pgrp, &s->sid);
	s->utime = core_time(t->se.utime_ns);
	s->stime = core_time(t->se.stime_ns);
	s->reg = t->port.regs;
}

static void note_prpsinfo(struct notes *b)
{
	struct task *t = current;
	struct mm *mm = t->mm;
	struct prpsinfo i = { .sname = 'R', .uid = t->cred->uid, .gid = t->cred->gid };
	size_t n = min(mm->arg_end - mm->arg_start, (u64)sizeof(i.psargs) - 1);

	i.nice = (s8)t->se.nice;
	fill_ids(t, &i.pid, &i.ppid, &i.pgrp, &i.sid);
	i.pid = t->tg->pid;
	memcpy(i.fname, t->comm, min(sizeof(i.fname), sizeof(t->comm)));
	if (mm->arg_end > mm->arg_start && port_copy_in(mm->port, i.psargs, mm->arg_start, n, PORT_COPY_FORCE) == (ssize_t)n)
		for (size_t k = 0; k + 1 < n; k++)
			if (!i.psargs[k])
				i.psargs[k] = ' ';
	note(b, "CORE", NT_PRPSINFO, &i, sizeof(i));
}

static void notes_add(struct notes *b, const void *p, size_t n)
{
	void *to = notes_room(b, n);

	if (to)
		memcpy(to, p, n);
}

/* NT_FILE: count, page size, then start, end and offset in pages of each file mapping, then the names. mm->lock held. */
static void note_files(struct notes *b, struct mm *mm)
{
	char *name = page_alloc(0), *p;
	struct notes head = { 0 }, names = { 0 };
	u64 h[3] = { 0, PAGE_SIZE };
	struct vma *v;

	if (!name)
		return;
	notes_add(&head, h, 16);
	mm_for_each_vma(v, mm) {
		if (!v->file || head.n + names.n > FILE_NOTE_MAX)
			continue;
		p = d_path(&v->file->path, name, PAGE_SIZE);
		if (IS_ERR(p))
			continue;
		h[0] = v->start, h[1] = v->end, h[2] = v->off >> PAGE_SHIFT;
		notes_add(&head, h, sizeof(h));
		notes_add(&names, p, strlen(p) + 1);
	}
	if (names.n && !names.failed)
		notes_add(&head, names.p, names.n);
	if (names.n && !head.failed && !names.failed) {
		h[0] = (head.n - names.n - 16) / sizeof(h);
		memcpy(head.p, h, 8);
		note(b, "CORE", NT_FILE, head.p, head.n);
	}
	kfree(head.p);
	kfree(names.p);
	page_free(name, 0);
}

static void note_fpu(struct notes *b)
{
	u8 *x = kmalloc(XSTATE_MAX);
	ssize_t n = x ? port_fpu_get(&current->port, x, XSTATE_MAX) : -ENOMEM;

	if (n >= (ssize_t)FXSAVE_BYTES)
		note(b, "CORE", NT_PRFPREG, x, FXSAVE_BYTES);
	if (n > (ssize_t)FXSAVE_BYTES)
		note(b, "LINUX", NT_X86_XSTATE, x, (size_t)n);
	kfree(x);
}

static void make_notes(struct notes *b, int sig, const struct siginfo *info, const struct prstatus *others, u32 n)
{
	struct mm *mm = current->mm;
	struct prstatus s;

	fill_prstatus(&s, current, sig);
	s.fpvalid = 1;
	note(b, "CORE", NT_PRSTATUS, &s, sizeof(s));
	note_prpsinfo(b);
	note(b, "CORE", NT_SIGINFO, info, sizeof(*info));
	note(b, "CORE", NT_AUXV, mm->auxv, mm->auxv_n * sizeof(mm->auxv[0]));
	note_files(b, mm);
	note_fpu(b);
	for (u32 i = 0; i < n; i++)
		note(b, "CORE", NT_PRSTATUS, &others[i], sizeof(others[i]));
}

/* ---- the file ---- */
static void emit(struct dump *d, const void *p, size_t n)
{
	if (d->failed)
		return;
	if ((u64)d->pos + n > d->limit || fatal_signal_pending(current)) {
		d->failed = true;
		return;
	}
	for (size_t done = 0; done < n;) {
		ssize_t r = kernel_write(d->f, (const u8 *)p + done, n - done, &d->pos);

		if (r <= 0) {
			d->failed = true;
			return;
		}
		done += (size_t)r;
	}
}

/* Is a private mapping of a file, which may be read only by now (RELRO), another than the file? Both buffers: a chunk. */
static bool modified(struct mm *mm, const struct vma *v, u8 *buf, u8 *orig)
{
	for (u64 at = v->start, n; at < v->end; at += n) {
		s64 pos = (s64)(v->off + (at - v->start));
		ssize_t got, want;

		n = min(v->end - at, (u64)PAGE_SIZE << CHUNK_ORDER);
		want = port_copy_in(mm->port, buf, at, n, PORT_COPY_FORCE);
		got = kernel_read(v->file, orig, n, &pos);
		if (got < want || memcmp(buf, orig, want > 0 ? (size_t)want : 0)) {
			/* behind the end of the file memory is zero, and a short read says nothing */
			if (got <= 0 || memcmp(buf, orig, min((size_t)got, (size_t)max(want, (ssize_t)0))))
				return got > 0;
		}
		if (want < (ssize_t)n || fatal_signal_pending(current))
			return false;
		cond_resched();
	}
	return false;
}

/* How much of a mapping goes into the file: see the top. mm->lock held. */
static u64 dump_bytes(struct mm *mm, const struct vma *v, u8 *buf, u8 *orig)
{
	u64 all = v->end - v->start;
	u32 magic;

	if (v->flags & VM_VDSO)
		return all;
	if ((v->flags & VM_DONTDUMP) || !(v->flags & (VM_READ | VM_WRITE | VM_EXEC)))
		return 0;
	if (!v->file)
		return all;
	if (v->flags & VM_SHARED)
		return v->file->inode->nlink ? 0 : all;
	if ((v->flags & VM_WRITE) || modified(mm, v, buf, orig))
		return all;
	if (v->off || port_copy_in(mm->port, &magic, v->start, 4, PORT_COPY_FORCE) != 4)
		return 0;
	return memcmp(&magic, "\177ELF", 4) ? 0 : PAGE_SIZE;
}

static void emit_memory(struct dump *d, struct mm *mm, const struct vma *v, u64 bytes, u8 *buf)
{
	u8 in[CHUNK_PAGES];

	for (u64 at = v->start; at < v->start + bytes && !d->failed;) {
		u64 n = min((v->start + bytes - at) >> PAGE_SHIFT, (u64)CHUNK_PAGES);

		if (v->file || port_mm_mincore(mm->port, at, n, in))
			memset(in, 1, sizeof(in));
		for (u64 i = 0, k; i < n && !d->failed; i = k) {
			size_t len;

			for (k = i + 1; k < n && !((in[k] ^ in[i]) & 1); k++)
				;
			len = (k - i) << PAGE_SHIFT;
			if (in[i] & 1 && port_copy_in(mm->port, buf, at + (i << PAGE_SHIFT), len, PORT_COPY_FORCE) == (ssize_t)len)
				emit(d, buf, len);
			else
				d->pos += (s64)len; /* a hole */
		}
		at += n << PAGE_SHIFT;
		cond_resched();
	}
}

static void write_core(struct dump *d, const struct notes *b, u8 *buf, u8 *orig)
{
	struct mm *mm = current->mm;
	u64 *sizes; /* decided once: a file can change meanwhile */
	struct elf64_ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 }, .e_type = ET_CORE,
				 .e_machine = EM_X86_64, .e_version = 1, .e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
				 .e_phentsize = sizeof(struct elf64_phdr) };
	struct elf64_phdr ph = { .p_type = PT_NOTE, .p_filesz = b->n, .p_align = 4 };
	u32 nr = 0, k = 0;
	struct vma *v;
	u64 off;

	mm_for_each_vma(v, mm)
		nr++;
	nr = min(nr, PHNUM_MAX);
	sizes = kmalloc(nr * sizeof(*sizes) + 8);
	if (!sizes) {
		d->failed = true;
		return;
	}
	eh.e_phnum = (u16)(nr + 1);
	ph.p_offset = sizeof(eh) + (nr + 1) * sizeof(ph);
	off = PAGE_ALIGN(ph.p_offset + b->n);
	emit(d, &eh, sizeof(eh));
	emit(d, &ph, sizeof(ph));
	mm_for_each_vma(v, mm) {
		if (k++ == nr)
			break;
		sizes[k - 1] = dump_bytes(mm, v, buf, orig);
		ph = (struct elf64_phdr){ .p_type = PT_LOAD, .p_offset = off, .p_vaddr = v->start, .p_filesz = sizes[k - 1],
					  .p_memsz = v->end - v->start, .p_align = PAGE_SIZE };
		ph.p_flags = (v->flags & VM_READ ? PF_R : 0) | (v->flags & VM_WRITE ? PF_W : 0) | (v->flags & VM_EXEC ? PF_X : 0);
		off += ph.p_filesz;
		emit(d, &ph, sizeof(ph));
	}
	emit(d, b->p, b->n);
	d->pos = (s64)PAGE_ALIGN((u64)d->pos);
	k = 0;
	mm_for_each_vma(v, mm) {
		if (k++ == nr || d->failed)
			break;
		emit_memory(d, mm, v, sizes[k - 1], buf);
	}
	kfree(sizes);
	if (!d->failed && (u64)d->pos > d->f->inode->size)
		vfs_truncate(&d->f->path, (u64)d->pos, d->f);
}

/* ---- its name ---- */
static void add(char *name, const char *s, bool safe)
{
	size_t n = strlen(name);

	for (; *s && n + 1 < NAME_BYTES; s++)
		name[n++] = safe && *s == '/' ? '!' : *s;
	name[n] = 0;
}

static void add_number(char *name, u64 v)
{
	char *s = kasprintf("%llu", (unsigned long long)v);

	if (s)
		add(name, s, false);
	kfree(s);
}

static void add_exe(char *name)
{
	char *page = current->mm->exe_file ? page_alloc(0) : NULL, *p;

	if (!page)
		return;
	p = d_path(&current->mm->exe_file->path, page, PAGE_SIZE);
	if (!IS_ERR(p))
		add(name, p, true);
	page_free(page, 0);
}

static void core_name(char *name, int sig)
{
	const struct task *t = current;
	bool pid = false;

	name[0] = 0;
	for (const char *p = core_pattern; *p; p++) {
		char c[2] = { *p, 0 };

		if (*p != '%') {
			add(name, c, false);
			continue;
		}
		if (!*++p)
			break;
		switch (*p) {
		case '%': add(name, "%", false); break;
		case 'p': pid = true; /* fall through */
		case 'P': add_number(name, (u64)t->tg->pid); break;
		case 'i': case 'I': add_number(name, (u64)t->tid); break;
		case 'u': add_number(name, t->cred->uid); break;
		case 'g': add_number(name, t->cred->gid); break;
		case 'd': add_number(name, t->tg->dumpable_); break;
		case 's': add_number(name, (u64)sig); break;
		case 't': add_number(name, ktime_real_ns() / 1000000000); break;
		case 'c': add_number(name, rlimit(RLIMIT_CORE)); break;
		case 'h': add(name, init_uts.nodename, true); break;
		case 'e': case 'f': add(name, t->comm, true); break;
		case 'E': add_exe(name); break;
		default: break;
		}
	}
	if (core_uses_pid && !pid) {
		add(name, ".", false);
		add_number(name, (u64)t->tg->pid);
	}
}

/* A new regular file of the process's own user; what had the name goes. ERR_PTR: there is to be no core. */
static struct file *open_core(int sig)
{
	char *name = kmalloc(NAME_BYTES);
	struct file *f;

	if (!name)
		return ERR_PTR(-ENOMEM);
	core_name(name, sig);
	vfs_unlink_at(AT_FDCWD, name, 0);
	f = file_open(AT_FDCWD, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0600);
	kfree(name);
	if (!IS_ERR(f) && (!inode_is_reg(f->inode) || f->inode->uid != current->cred->fsuid)) {
		file_put(f);
		return ERR_PTR(-EPERM);
	}
	return f;
}

/* The registers of the other threads, and their end. False: this one is to go as well, without a core. */
static bool end_others(struct prstatus **regs, u32 *n)
{
	struct tgroup *tg = current->tg;
	struct task *t;
	int err;

	*regs = NULL;
	*n = 0;
	if (exec_others_gone(tg, current))
		return true;
	*regs = kmalloc(min((u32)tg->nr_threads, THREADS_MAX) * sizeof(**regs));
	list_for_each_entry(t, &tg->threads, tg_node)
		if (t != current && !t->exit_state && !t->exiting && *regs && *n < min((u32)tg->nr_threads, THREADS_MAX))
			fill_prstatus(&(*regs)[(*n)++], t, 0);
	err = kill_other_threads();
	if (err) {
		kfree(*regs);
		*regs = NULL;
	}
	return !err;
}

bool coredump(int sig, const struct siginfo *info)
{
	struct task *t = current;
	struct dump d = { .limit = rlimit(RLIMIT_CORE) };
	struct notes b = { 0 };
	struct prstatus *others;
	u32 n;
	u8 *buf, *orig;

	if (!t->mm || !t->mm->dumpable || d.limit < PAGE_SIZE || t->tg->group_exit || t->tg->exec_task)
		return false;
	if (core_pattern[0] == '|') {
		pr_warn_ratelimited("no core of %s (%d): core_pattern names a program, which is not there yet", t->comm, t->tg->pid);
		return false;
	}
	if (!end_others(&others, &n))
		return false;
	d.f = open_core(sig);
	buf = page_alloc(CHUNK_ORDER);
	orig = page_alloc(CHUNK_ORDER);
	if (!IS_ERR(d.f) && buf && orig) {
		mutex_lock(&t->mm->lock);
		make_notes(&b, sig, info, others, n);
		if (b.failed)
			d.failed = true;
		else
			write_core(&d, &b, buf, orig);
		mutex_unlock(&t->mm->lock);
	}
	kfree(b.p);
	kfree(others);
	if (buf)
		page_free(buf, CHUNK_ORDER);
	if (orig)
		page_free(orig, CHUNK_ORDER);
	if (IS_ERR(d.f))
		return false;
	file_put(d.f);
	return buf && orig && !b.failed; /* a file that its limit cut short is one all the same */
}
