/* Rewriting of hot system-call sites: see patch.h. What a shape is and why it is safe stands at each shape. */
#include "patch.h"
#include "../mm/stubs.h"
#include <abi/errno.h>
#include <errno.h>
#include <fcntl.h>
#include <port/boot.h>
#include <port/hfd_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOT 12             /* traps of one site before it is worth a page */
#define NOTE_END 4096      /* traps after which it is not tried again */
#define TEXTS_MAX 128
#define PAGES_MAX 64       /* patched pages a text */
#define NOTE_SLOTS 1024
#define SCAN_MAX (64UL << 20)
#define OP_INVALID 0x06    /* PUSH ES: no instruction in 64-bit mode */
#define SYSCALL_BYTES 2

enum shape { SHAPE_MOV = 1, SHAPE_CMP = 2 };
struct site {
	struct text *text;
	u64 off;           /* of the patch in the file */
	u8 shape;
	u8 orig[8];        /* what the file has there */
	u32 imm;           /* SHAPE_MOV: number; SHAPE_CMP: immediate of the compare */
};
struct patched_page { u64 off, copy_off; };
struct text {
	u64 dev, ino, size;
	struct timespec mtime;
	int fd;
	u32 npages;
	struct patched_page pages[PAGES_MAX];
	hfd_t hfd;         /* of fd, for unpatching */
};
struct patch {
	u32 refs;
	int fd;
	hfd_t ro;
	u8 *map;           /* kernel process's */
	u64 addr[PATCH_SLOTS]; /* address of the site's patch in these mms, 0: not there */
	u32 used;          /* highest slot + 1 */
	bool lent;         /* an mm that lives on may still have the file mapped */
};
#define SPARES_MAX 4

bool patch_enabled;
extern const u64 stub_fast_addr;
static struct text *texts[TEXTS_MAX];
static u32 ntexts;
static struct site sites[PATCH_SLOTS]; /* slot 0 unused */
static u32 nsites = 1;
#define SITE_HASH 16384
static u16 site_index[SITE_HASH];    /* open addressing; half full at most */
static int copies_fd = -1;
static hfd_t copies_ro = HFD_NONE;
static u64 copies_end;
static u32 copies_gen;               /* one more with each new copy */
static struct patch *spares[SPARES_MAX]; /* cleared, of mms that are gone */
static u32 nr_spares;
static struct note { const struct text *text; u64 off; u32 count; } notes[NOTE_SLOTS];

static int reopen_ro(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int patch_init(void)
{
	char v[8];

	if (boot_option("patch", v, sizeof(v)) && !strcmp(v, "off"))
		return 0;
	copies_fd = memfd_create("umber-patched", MFD_CLOEXEC);
	if (copies_fd < 0)
		return -errno;
	copies_ro = hfd_add(reopen_ro(copies_fd));
	patch_enabled = copies_ro >= 0;
	return 0;
}

/* ---- texts ---- */
static struct text *text_find(int fd)
{
	struct stat st;
	struct text *t;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	for (u32 i = 0; i < ntexts; i++) {
		t = texts[i];
		if (t->ino == st.st_ino && t->dev == st.st_dev && t->size == (u64)st.st_size &&
		    t->mtime.tv_sec == st.st_mtim.tv_sec && t->mtime.tv_nsec == st.st_mtim.tv_nsec)
			return t;
	}
	if (ntexts == TEXTS_MAX)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct text){ .dev = st.st_dev, .ino = st.st_ino, .size = (u64)st.st_size, .mtime = st.st_mtim };
	t->fd = reopen_ro(fd);
	if (t->fd < 0) {
		free(t);
		return NULL;
	}
	t->hfd = hfd_add(t->fd);
	if (t->hfd < 0) {
		free(t);
		return NULL;
	}
	texts[ntexts++] = t;
	return t;
}

static struct text_map *map_at(struct stub *s, u64 addr)
{
	for (u32 i = 0; i < s->ntext; i++)
		if (addr >= s->text[i].start && addr < s->text[i].end)
			return &s->text[i];
	return NULL;
}

static struct patched_page *page_of(struct text *t, u64 off)
{
	for (u32 i = 0; i < t->npages; i++)
		if (t->pages[i].off == off)
			return &t->pages[i];
	return NULL;
}

static u32 site_bytes(const struct site *st)
{
	return st->shape == SHAPE_MOV ? 7 : 8;
}

static u32 site_hash(const struct text *t, u64 off)
{
	return (u32)((((u64)t >> 4) * 31 + off) * 0x9e3779b97f4a7c15ull >> 50); /* 14 bits */
}

/* Slot of the site at off, 0: none. */
static u32 site_slot(struct text *t, u64 off)
{
	for (u32 h = site_hash(t, off);; h = (h + 1) % SITE_HASH) {
		u32 i = site_index[h];

		if (!i || (sites[i].text == t && sites[i].off == off))
			return i;
	}
}

static void site_add(const struct site *st)
{
	u32 h = site_hash(st->text, st->off);

	while (site_index[h])
		h = (h + 1) % SITE_HASH;
	site_index[h] = (u16)nsites;
	sites[nsites++] = *st;
}

/* ---- table and thunks of an mm ---- */
static void patch_put(struct patch *p)
{
	if (!p || --p->refs)
		return;
	munmap(p->map, PATCH_BYTES);
	port_hfd_close(p->ro);
	close(p->fd);
	free(p);
}

/* Keeps the table of an mm that is gone, as new; false: it has other users, or there are enough. */
static bool patch_keep(struct patch *p)
{
	if (p->refs != 1 || p->lent || nr_spares == SPARES_MAX)
		return false;
	memset(p->map + 8, 0, (p->used - 1) * 8);
	memset(p->map + (PATCH_THUNKS - PATCH_TABLE), 0, p->used * PATCH_THUNK_BYTES);
	memset(p->addr, 0, p->used * sizeof(p->addr[0]));
	p->used = 1;
	spares[nr_spares++] = p;
	return true;
}

static struct patch *patch_new(const struct patch *from)
{
	struct patch *p;
	void *m;

	if (!from && nr_spares)
		return spares[--nr_spares];
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->refs = 1;
	p->fd = memfd_create("umber-thunks", MFD_CLOEXEC);
	if (p->fd < 0 || ftruncate(p->fd, PATCH_BYTES) ||
	    (m = mmap(NULL, PATCH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0)) == MAP_FAILED) {
		if (p->fd >= 0)
			close(p->fd);
		free(p);
		return NULL;
	}
	madvise(m, PATCH_BYTES, MADV_DONTFORK);
	p->map = m;
	p->ro = hfd_add(reopen_ro(p->fd));
	if (p->ro < 0) {
		munmap(m, PATCH_BYTES);
		close(p->fd);
		free(p);
		return NULL;
	}
	if (from) {
		u32 thunks = PATCH_THUNKS - PATCH_TABLE;

		memcpy(p->map, from->map, from->used * 8);
		memcpy(p->map + thunks, from->map + thunks, from->used * PATCH_THUNK_BYTES);
		memcpy(p->addr, from->addr, sizeof(p->addr));
		p->used = from->used;
	} else {
		*(u64 *)p->map = stub_fast_addr;
		p->used = 1;
	}
	return p;
}

static u8 *put(u8 *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

/* Writes thunk and table entry of a slot for a site that lies at `addr`. */
static void thunk_write(struct patch *p, u32 slot, u64 addr)
{
	static const u8 jmp_fast[] = { 0xff, 0x24, 0x25, PATCH_TABLE & 0xff, PATCH_TABLE >> 8 & 0xff,
				       PATCH_TABLE >> 16 & 0xff, 0 };
	const struct site *st = &sites[slot];
	u64 thunk = PATCH_THUNKS + slot * PATCH_THUNK_BYTES;
	u64 rec[3] = { addr + (st->shape == SHAPE_MOV ? 7 : SYSCALL_BYTES) };
	u8 *base = p->map + (thunk - PATCH_TABLE), *at = base;
	s32 rel;

	if (st->shape == SHAPE_MOV) {
		at = put(at, "\xb8", 1);             /* mov $nr,%eax */
		at = put(at, &st->imm, 4);
	}
	at = put(at, "\x4c\x8d\x1d", 3);           /* lea rec(%rip),%r11 */
	rel = (s32)(base + REC_OFF - (at + 4));
	at = put(at, &rel, 4);
	at = put(at, jmp_fast, sizeof(jmp_fast));
	rec[1] = rec[0];
	if (st->shape == SHAPE_CMP) {
		rec[1] = thunk + CONT_OFF;
		rec[2] = addr + 8;
		at = put(base + CONT_OFF, "\x48\x3d", 2); /* cmp $imm,%rax */
		at = put(at, &st->imm, 4);
		at = put(at, "\xff\x25", 2);         /* jmp *rec.back(%rip) */
		rel = (s32)(base + REC_OFF + REC_BACK - (at + 4));
		at = put(at, &rel, 4);
	}
	put(base + REC_OFF, rec, sizeof(rec));
	p->addr[slot] = addr;
	if (slot >= p->used)
		p->used = slot + 1;
	__atomic_store_n((u64 *)(p->map + slot * 8), thunk, __ATOMIC_RELEASE);
}

/* Makes s->patch able to take slot for addr. A new table is not mapped in the mm yet (table_mapped). */
static int patch_ready(struct stub *s, u32 slot, u64 addr)
{
	struct patch *p = s->patch, *n;

	if (p && (!p->addr[slot] || p->addr[slot] == addr)) {
		if (!p->addr[slot])
			thunk_write(p, slot, addr);
		return 0;
	}
	if (p && p->refs == 1)
		return -EBUSY; /* the file is mapped twice: patched in the first place only */
	n = patch_new(p);
	if (!n)
		return -ENOMEM;
	if (p)
		p->lent = true; /* until the new one is mapped, and moved elsewhere perhaps for longer */
	patch_put(p);
	s->patch = n;
	s->table_mapped = false;
	thunk_write(n, slot, addr);
	return 0;
}

/* The same for a site that is not numbered yet: it gets its number if the mm can take it. */
static int patch_ready_new(struct stub *s, const struct site *st, u64 addr)
{
	site_add(st);
	return patch_ready(s, nsites - 1, addr);
}

/* The thunks of all sites of a page, for a mapping of it. 0, or negative errno: the page cannot be used there. */
static int page_ready(struct stub *s, const struct text_map *m, u64 page_off)
{
	int r = 0;

	for (u32 k = 1; k < nsites && !r; k++)
		if (sites[k].text == m->text && (sites[k].off & PAGE_MASK) == page_off)
			r = patch_ready(s, k, m->start + (sites[k].off - m->off));
	return r;
}

static struct port_mmop table_op(struct stub *s)
{
	return (struct port_mmop){ .kind = PORT_MM_MAP_FILE, .prot = PROT_READ | PROT_EXEC, .flags = PORT_MAP_SHARED,
				   .hfd = s->patch->ro, .addr = PATCH_TABLE, .len = PATCH_BYTES };
}

static struct port_mmop page_op(const struct text_map *m, const struct patched_page *pg)
{
	return (struct port_mmop){ .kind = PORT_MM_MAP_FILE, .prot = PROT_READ | PROT_EXEC, .hfd = copies_ro,
				   .addr = m->start + (pg->off - m->off), .len = PAGE_SIZE, .off = pg->copy_off };
}

/* ---- tracking ---- */
static void untrack(struct stub *s, u64 a, u64 b)
{
	for (u32 i = 0; i < s->ntext; i++) {
		struct text_map *m = &s->text[i], tail;

		if (b <= m->start || a >= m->end)
			continue;
		tail = *m;
		if (a > m->start) {
			m->end = a;
		} else {
			*m = s->text[--s->ntext];
			i--;
		}
		if (b < tail.end && s->ntext < PATCH_TEXTS_MAX) {
			tail.off += b - tail.start;
			tail.start = b;
			s->text[s->ntext++] = tail;
		}
	}
}

/* All patched pages of a fresh mapping, and the mm's thunks for their sites. */
static u32 cover(struct stub *s, struct text_map *m, struct port_mmop *out, u32 max)
{
	struct text *t = m->text;
	u32 n = 0;

	if (!t->npages || max < 2)
		return 0;
	n = 1; /* room for the table */
	for (u32 i = 0; i < t->npages && n < max; i++) {
		u64 off = t->pages[i].off;

		if (off < m->off || off + PAGE_SIZE > m->off + (m->end - m->start))
			continue;
		if (!page_ready(s, m, off))
			out[n++] = page_op(m, &t->pages[i]);
	}
	if (n == 1)
		return 0;
	if (s->table_mapped) {
		memmove(out, out + 1, (n - 1) * sizeof(*out));
		return n - 1;
	}
	out[0] = table_op(s);
	s->table_mapped = true; /* by these ops, before what later ones put on it; port_mm_ops_raw() takes it back */
	return n;
}

u32 patch_track(struct stub *s, const struct port_mmop *op, struct port_mmop *out, u32 max)
{
	u64 a = op->addr, b = op->addr + PAGE_ALIGN(op->len);
	struct text_map *m;
	struct text *t;

	if (!patch_enabled || op->kind == PORT_MM_ADVISE)
		return 0;
	if (op->kind == PORT_MM_PROTECT && (op->prot & PROT_EXEC) && !(op->prot & PROT_WRITE))
		return 0;
	if (op->kind == PORT_MM_REMAP)
		untrack(s, op->new_addr, op->new_addr + PAGE_ALIGN(op->new_len));
	untrack(s, a, b);
	if (op->kind != PORT_MM_MAP_FILE || !(op->prot & PROT_EXEC) || (op->prot & PROT_WRITE) ||
	    (op->flags & PORT_MAP_SHARED) || s->ntext == PATCH_TEXTS_MAX || s->no_patch)
		return 0;
	t = text_find(hfd_fd(op->hfd));
	if (!t)
		return 0;
	m = &s->text[s->ntext++];
	*m = (struct text_map){ a, b, op->off, t };
	return cover(s, m, out, max);
}

void patch_fork(struct stub *child, const struct stub *parent)
{
	memcpy(child->text, parent->text, sizeof(parent->text[0]) * parent->ntext);
	child->ntext = parent->ntext;
	child->patch = parent->patch;
	child->patch_gen = parent->patch_gen;
	child->poked = parent->poked;
	child->table_mapped = parent->table_mapped;
	child->no_patch = parent->no_patch;
	if (child->patch) {
		child->patch->refs++;
		child->patch->lent = true;
	}
}

void patch_release(struct stub *s)
{
	if (!s->patch || !stub_left_nobody(s) || !patch_keep(s->patch))
		patch_put(s->patch);
	s->patch = NULL;
}

/* ---- finding and making sites ---- */
/* What is remembered of the site whose syscall ends at off in the file; a newer one may take its place. */
static struct note *note_of(const struct text *t, u64 off)
{
	struct note *n = &notes[site_hash(t, off) % NOTE_SLOTS];

	if (n->text != t || n->off != off)
		*n = (struct note){ .text = t, .off = off };
	return n;
}

void patch_note(struct uthread *ut, struct port_task *pt)
{
	struct stub *s = ut->stub;
	u64 rip = pt->regs.rip;
	struct text_map *m;
	struct note *n;

	if (!patch_enabled || s->no_patch)
		return;
	m = map_at(s, rip - SYSCALL_BYTES);
	if (!m)
		return;
	n = note_of(m->text, m->off + (rip - m->start));
	/* again and again, rarely: another mm may have an older copy, or a reason not to be patched */
	if (n->count < NOTE_END && ++n->count % HOT == 0)
		pt->patch_wanted = rip;
}

/*
 * Does any direct jump or call of the mapping lead to the instruction behind the syscall at `at`? Over-approximate: every
 * byte is tried as the start of one, but for those of the n bytes themselves. Only where an instruction starts can code
 * that is in its right mind come in; the bytes of a short jump are found too often elsewhere to forbid the others.
 */
static bool jumped_into(struct text *t, const struct text_map *m, u64 at, u32 n)
{
	u64 len = m->end - m->start, i;
	bool hit = false;
	u8 *p;

	if (len > SCAN_MAX)
		return true;
	p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, t->fd, (off_t)m->off);
	if (p == MAP_FAILED)
		return true;
	if (m->off + len > t->size)
		len = t->size - m->off;
	at -= m->off;
	for (i = at > 130 ? at - 130 : 0; i + 2 <= len && i < at + 130 && !hit; i++)
		if (p[i] == 0xeb || (p[i] & 0xf0) == 0x70 || (p[i] & 0xfc) == 0xe0) {
			hit = i + 2 + (u64)(s64)(s8)p[i + 1] == at + SYSCALL_BYTES && (i < at || i >= at + n);
		}
	/* disp32 of a long jump or call that ends at d + 4: almost none fits, so what stands before it is looked at last */
	for (i = 1; i + 4 <= len && !hit; i++) {
		u32 rel;

		memcpy(&rel, p + i, 4);
		if (unlikely(rel == (u32)(at + SYSCALL_BYTES - (i + 4))))
			hit = (p[i - 1] & 0xfe) == 0xe8 || (i > 1 && p[i - 2] == 0x0f && (p[i - 1] & 0xf0) == 0x80);
	}
	munmap(p, m->end - m->start);
	return hit;
}

/*
 * SHAPE_MOV: mov $nr,%eax; syscall (7 bytes) becomes jmp *table. Returns land behind it; the old syscall is byte
 * 0x06 of the table's address, an invalid opcode, and resolved from SIGILL.
 * SHAPE_CMP: syscall; cmp $imm,%rax (8 bytes) becomes the same jump and one invalid byte. Entries at the syscall
 * with any rax are right. Returns through the kernel to the compare are led to the thunk's copy of it by
 * patch_cont(); that no direct jump of the text goes there is made sure beforehand.
 */
static bool choose_shape(struct site *st, const u8 *pg, u32 at, const struct text_map *m, u64 page_off, u64 nr)
{
	if (at >= 6 && at + 2 <= PAGE_SIZE && pg[at - 5] == 0xb8 && (pg[at - 6] & 0xf0) != 0x40 && pg[at - 6] != 0x0f) {
		memcpy(&st->imm, pg + at - 4, 4);
		st->off = page_off + at - 5;
		st->shape = SHAPE_MOV;
		if (st->imm == nr)
			return true;
	}
	if (at + 8 <= PAGE_SIZE && pg[at + 2] == 0x48 && pg[at + 3] == 0x3d) {
		memcpy(&st->imm, pg + at + 4, 4);
		st->off = page_off + at;
		st->shape = SHAPE_CMP;
		return !jumped_into(st->text, m, st->off, 8);
	}
	return false;
}

/* Is what an mm has at a page the file's own bytes, but for sites that are patched there? A private change stays. */
static bool is_plain(struct text *t, u64 page_off, u8 *now, const u8 *orig)
{
	for (u32 k = 1; k < nsites; k++) {
		u32 in = (u32)(sites[k].off - page_off);

		if (sites[k].text == t && (sites[k].off & PAGE_MASK) == page_off)
			memcpy(now + in, orig + in, site_bytes(&sites[k]));
	}
	return !memcmp(now, orig, PAGE_SIZE);
}

/*
 * A thread that runs user code may stand just behind a `syscall` of the page, where SHAPE_CMP has no instruction of its
 * own: while one does, nothing is replaced. Those that do not run come back through patch_cont(), which knows the
 * site from then on; so that none starts before thunks and page are mapped, klock is kept meanwhile.
 */
static bool others_quiet(const struct stub *s, const struct uthread *me)
{
	for (const struct uthread *ut = s->threads; ut; ut = ut->next)
		if (ut != me && (ut->running || !ut->started))
			return false;
	return true;
}

int port_patch(struct port_task *pt)
{
	struct uthread *ut = uthread_by_id(pt->uthread);
	struct stub *s = ut ? ut->stub : NULL;
	u64 at = pt->patch_wanted - SYSCALL_BYTES, page_off;
	static u8 now[PAGE_SIZE], orig[PAGE_SIZE], copy[PAGE_SIZE];
	struct site st = { 0 };
	struct port_mmop ops[2];
	struct patched_page *pg;
	struct text_map *m;
	u32 n = 0, in = (u32)(at & ~PAGE_MASK);
	int r;

	pt->patch_wanted = 0;
	m = s ? map_at(s, at) : NULL;
	if (!m || stub_dead(s) || !others_quiet(s, ut) || nsites == PATCH_SLOTS || in + SYSCALL_BYTES > PAGE_SIZE)
		return -ENOENT;
	st.text = m->text;
	page_off = m->off + ((at & PAGE_MASK) - m->start);
	pg = page_of(st.text, page_off);
	if (!pg && st.text->npages == PAGES_MAX)
		return -ENOSPC;
	if (pread(st.text->fd, orig, PAGE_SIZE, (off_t)page_off) != PAGE_SIZE ||
	    (pg && pread(copies_fd, copy, PAGE_SIZE, (off_t)pg->copy_off) != PAGE_SIZE))
		return -EIO;
	if (!pg)
		memcpy(copy, orig, PAGE_SIZE);
	if (port_copy_in(s->id, now, at & PAGE_MASK, PAGE_SIZE, 0) != PAGE_SIZE || now[in] != 0x0f ||
	    now[in + 1] != 0x05 || !is_plain(st.text, page_off, now, orig))
		return -ENOENT;
	if (copy[in] == 0x0f && copy[in + 1] == 0x05) { /* else another mm had it patched: only map the newest copy */
		if (!choose_shape(&st, copy, in, m, page_off, pt->patch_nr) || site_slot(st.text, st.off)) {
			note_of(st.text, page_off + in + SYSCALL_BYTES)->count = NOTE_END; /* the file's bytes will say no again */
			return -ENOENT;
		}
		r = patch_ready_new(s, &st, m->start + (st.off - m->off));
		if (r)
			return r;
		in = (u32)(st.off & ~PAGE_MASK);
		memcpy(sites[nsites - 1].orig, copy + in, site_bytes(&st));
		memcpy(copy + in, "\xff\x24\x25", 3);
		*(u32 *)(copy + in + 3) = PATCH_TABLE + (nsites - 1) * 8;
		if (st.shape == SHAPE_CMP)
			copy[in + 7] = OP_INVALID;
		if (pwrite(copies_fd, copy, PAGE_SIZE, (off_t)copies_end) != PAGE_SIZE)
			return -ENOSPC;
		if (!pg) {
			pg = &st.text->pages[st.text->npages++];
			pg->off = page_off;
		}
		pg->copy_off = copies_end;
		copies_end += PAGE_SIZE;
		copies_gen++;
	}
	r = page_ready(s, m, page_off);
	if (r)
		return r;
	if (!s->table_mapped)
		ops[n++] = table_op(s);
	ops[n++] = page_op(m, pg);
	s->keep_klock = s->nr_threads - s->nr_parked > 1;
	r = port_mm_ops_raw(s->id, ops, n);
	s->keep_klock = false;
	return r;
}

void patch_refresh(struct stub *s, struct uthread *ut)
{
	struct port_mmop ops[PAGES_MAX + 1];
	u32 gen = copies_gen;

	if (s->patch_gen == gen || !s->patch || s->no_patch || s->poked || !others_quiet(s, ut))
		return;
	for (u32 i = 0; i < s->ntext; i++) {
		u32 n = cover(s, &s->text[i], ops, PAGES_MAX + 1);

		if (n && port_mm_ops_raw(s->id, ops, n))
			return;
	}
	s->patch_gen = gen;
}

bool patch_is_old_syscall(struct stub *s, u64 rip)
{
	struct text_map *m = s->patch ? map_at(s, rip) : NULL;
	u32 slot = m ? site_slot(m->text, m->off + (rip - m->start) - 5) : 0;

	return slot && sites[slot].shape == SHAPE_MOV && s->patch->addr[slot] == rip - 5;
}

u64 patch_cont(struct stub *s, u64 rip)
{
	struct text_map *m = s->patch ? map_at(s, rip) : NULL;
	u32 slot = m ? site_slot(m->text, m->off + (rip - m->start) - SYSCALL_BYTES) : 0;

	if (!slot || sites[slot].shape != SHAPE_CMP || s->patch->addr[slot] != rip - SYSCALL_BYTES)
		return rip;
	return PATCH_THUNKS + slot * PATCH_THUNK_BYTES + CONT_OFF;
}

/* Calls fn for each patched site of the mm that overlaps [addr, addr + n): the site's address. */
static void for_sites(struct stub *s, u64 addr, size_t n, void (*fn)(struct stub *, const struct site *, u64, void *),
		      void *arg)
{
	for (u32 i = 0; s->patch && i < s->ntext; i++) {
		struct text_map *m = &s->text[i];

		if (addr >= m->end || addr + n <= m->start || !m->text->npages)
			continue;
		for (u32 k = 1; k < s->patch->used; k++) {
			u64 at = s->patch->addr[k];

			if (at && sites[k].text == m->text && at < addr + n && at + site_bytes(&sites[k]) > addr)
				fn(s, &sites[k], at, arg);
		}
	}
}

struct view { u64 addr; u8 *buf; size_t n; };

static void show_orig(struct stub *s, const struct site *st, u64 at, void *arg)
{
	struct view *v = arg;
	u8 now[8];

	/* is the patch really there, whole, or did somebody write over it? */
	if (port_copy_in(s->id, now, at, 3, 0) != 3 || now[0] != 0xff || now[1] != 0x24 || now[2] != 0x25)
		return;
	for (u32 i = 0; i < site_bytes(st); i++)
		if (at + i >= v->addr && at + i < v->addr + v->n)
			v->buf[at + i - v->addr] = st->orig[i];
}

void patch_view(struct stub *s, u64 addr, void *buf, size_t n)
{
	struct view v = { addr, buf, n };

	for_sites(s, addr, n, show_orig, &v);
}

static void put_orig(struct stub *s, const struct site *st, u64 at, void *arg)
{
	u8 now[8];

	(void)arg;
	if (port_copy_in(s->id, now, at, 3, 0) == 3 && now[0] == 0xff && now[1] == 0x24 && now[2] == 0x25)
		port_copy_out(s->id, at, st->orig, site_bytes(st), PORT_COPY_FORCE | PATCH_COPY_RAW);
}

void patch_restore(struct stub *s, u64 addr, size_t n)
{
	for_sites(s, addr, n, put_orig, NULL);
}

void patch_off(struct stub *s)
{
	s->no_patch = true;
	for (u32 i = 0; i < s->ntext; i++) {
		struct text_map *m = &s->text[i];

		for (u32 k = 0; k < m->text->npages; k++) {
			struct port_mmop op = page_op(m, &m->text->pages[k]);

			if (m->text->pages[k].off < m->off || op.addr >= m->end)
				continue;
			op.hfd = m->text->hfd;
			op.off = m->text->pages[k].off;
			port_mm_ops_raw(s->id, &op, 1);
		}
	}
}
