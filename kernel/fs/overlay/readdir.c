/*
 * overlay: reading directories. One real directory: passed on, with inode numbers mapped. Several: their names are
 * collected into a list that hangs on the open directory until it is rewound; positions are indexes into it, so what
 * is made or removed meanwhile neither hides nor repeats other names.
 */
#include "overlay.h"
#include <abi/errno.h>
#include <umber/kmem.h>
#include <umber/string.h>

#define BUCKETS 1024u

struct ovl_ent {
	struct ovl_ent *chain;
	u64 ino;
	u32 hash;
	u16 len;
	u8 dtype, layer_type;          /* layer_type: as the layer said, for whiteouts */
	bool hidden;
	char name[];
};
struct ovl_list {
	struct ovl_ent **ents;
	u32 nr, room;
	struct ovl_ent *buckets[BUCKETS];
};

struct collect { struct ovl_list *l; u32 fsid, calls; int err; };

void ovl_list_free(struct ovl_list *l)
{
	for (u32 i = 0; i < l->nr; i++)
		kfree(l->ents[i]);
	kfree(l->ents);
	kfree(l);
}

static int add_name(void *ctx, const char *name, int len, u64 off, u64 ino, u32 dtype)
{
	struct collect *c = ctx;
	struct ovl_list *l = c->l;
	u32 hash, room;
	struct ovl_ent *e, **ents;

	c->calls++;
	if (len <= 0 || len > NAME_MAX || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
		return 0;
	hash = name_hash(name, (u32)len);
	for (e = l->buckets[hash % BUCKETS]; e; e = e->chain)
		if (e->hash == hash && e->len == len && !memcmp(e->name, name, (size_t)len))
			return 0; /* an upper layer has it */
	if (l->nr == l->room) {
		room = l->room ? l->room * 2 : 64;
		ents = krealloc(l->ents, room * sizeof(*ents));
		if (!ents)
			goto nomem;
		l->ents = ents;
		l->room = room;
	}
	e = kmalloc(sizeof(*e) + (size_t)len + 1);
	if (!e)
		goto nomem;
	*e = (struct ovl_ent){ .chain = l->buckets[hash % BUCKETS], .ino = ovl_ino(c->fsid, ino), .hash = hash,
			       .len = (u16)len, .dtype = (u8)dtype, .layer_type = (u8)dtype };
	memcpy(e->name, name, (size_t)len);
	e->name[len] = 0;
	l->buckets[hash % BUCKETS] = e;
	l->ents[l->nr++] = e;
	return 0;
nomem:
	c->err = -ENOMEM;
	return 1;
}

/* All names of one real directory. */
static int read_layer(struct ovl_fs *ofs, const struct path *p, struct collect *c)
{
	struct file *f = ovl_open_real(ofs, p, O_RDONLY | O_DIRECTORY);
	int r;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	do {
		c->calls = 0;
		r = vfs_iterate(f, add_name, c);
	} while (!r && c->calls && !c->err);
	file_put(f);
	return c->err ? c->err : r;
}

/* Hides what is a whiteout among the entries from `from` on, which came from the real directory `dir`. */
static int hide_whiteouts(struct ovl_list *l, u32 from, struct dentry *dir)
{
	for (u32 i = from; i < l->nr; i++) {
		struct ovl_ent *e = l->ents[i];
		struct dentry *d;

		if (e->layer_type != DT_CHR && e->layer_type != DT_UNKNOWN && e->layer_type != DT_WHT)
			continue;
		d = lookup_one(dir, e->name, e->len);
		if (IS_ERR(d))
			return (int)PTR_ERR(d);
		e->hidden = !d->inode || ovl_is_whiteout(d);
		dput(d);
	}
	return 0;
}

static struct ovl_list *collect(struct inode *dir)
{
	struct ovl_inode *oi = ovl_i(dir);
	struct ovl_fs *ofs = ovl_fs(dir->sb);
	struct collect c = { .l = kzalloc(sizeof(struct ovl_list)) };
	struct path p;
	u32 from;
	int r = 0;

	if (!c.l)
		return ERR_PTR(-ENOMEM);
	if (oi->upper) {
		p = (struct path){ ofs->upper.path.mnt, oi->upper };
		c.fsid = ofs->upper.fsid;
		r = read_layer(ofs, &p, &c);
		if (!r)
			r = hide_whiteouts(c.l, 0, oi->upper);
	}
	for (u32 k = 0; !r && k < oi->nr_lower; k++) {
		const struct ovl_layer *lay = &ofs->lower[oi->lower[k].layer];

		p = (struct path){ lay->path.mnt, oi->lower[k].d };
		c.fsid = lay->fsid;
		from = c.l->nr;
		r = read_layer(ofs, &p, &c);
		if (!r && oi->lower[k].layer + 1 < ofs->nr_lower)
			r = hide_whiteouts(c.l, from, oi->lower[k].d);
	}
	if (r) {
		ovl_list_free(c.l);
		return ERR_PTR(r);
	}
	return c.l;
}

int ovl_check_empty(struct inode *dir)
{
	struct ovl_list *l = collect(dir);
	int r = 0;

	if (IS_ERR(l))
		return (int)PTR_ERR(l);
	for (u32 i = 0; i < l->nr && !r; i++)
		if (!l->ents[i]->hidden)
			r = -ENOTEMPTY;
	ovl_list_free(l);
	return r;
}

int ovl_clear_whiteouts(struct ovl_fs *ofs, struct dentry *upper)
{
	struct collect c = { .l = kzalloc(sizeof(struct ovl_list)), .fsid = ofs->upper.fsid };
	struct path p = { ofs->upper.path.mnt, upper };
	int r;

	if (!c.l)
		return -ENOMEM;
	r = read_layer(ofs, &p, &c);
	for (u32 i = 0; !r && i < c.l->nr; i++) {
		struct dentry *d = lookup_one(upper, c.l->ents[i]->name, c.l->ents[i]->len);

		if (IS_ERR(d)) {
			r = (int)PTR_ERR(d);
			break;
		}
		if (ovl_is_whiteout(d))
			r = vfs_unlink(upper->inode, d);
		dput(d);
	}
	ovl_list_free(c.l);
	return r;
}

/* An entry of the upper that is known to the dcache shows the number that stat(2) shows (copied-up files). */
static u64 shown_ino(struct file *f, const char *name, u32 len, u64 ino)
{
	struct qstr q = { name, len, name_hash(name, len) };
	struct dentry *d = d_lookup(f->path.dentry, &q);

	if (!d)
		return ino;
	if (d->inode)
		ino = d->inode->ino;
	dput(d);
	return ino;
}

struct pass { struct file *f; filldir_t fill; void *ctx; u32 fsid; bool upper; };

static int pass_one(void *ctx, const char *name, int len, u64 off, u64 ino, u32 dtype)
{
	struct pass *p = ctx;

	if (len == 2 && name[0] == '.' && name[1] == '.')
		ino = p->f->path.dentry->parent->inode ? p->f->path.dentry->parent->inode->ino : p->f->inode->ino;
	else if (len == 1 && name[0] == '.')
		ino = p->f->inode->ino;
	else if (p->upper)
		ino = shown_ino(p->f, name, (u32)len, ovl_ino(p->fsid, ino));
	else
		ino = ovl_ino(p->fsid, ino);
	return p->fill(p->ctx, name, len, off, ino, dtype);
}

static int pass_on(struct file *f, filldir_t fill, void *ctx)
{
	struct ovl_inode *oi = ovl_i(f->inode);
	struct ovl_fs *ofs = ovl_fs(f->inode->sb);
	struct ovl_file *of = f->priv;
	struct pass ps = { f, fill, ctx, oi->upper ? ofs->upper.fsid : ofs->lower[oi->lower[0].layer].fsid,
			   oi->upper != NULL };
	int r;

	of->real->pos = f->pos;
	r = vfs_iterate(of->real, pass_one, &ps);
	f->pos = of->real->pos;
	return r;
}

static int give_list(struct file *f, struct ovl_list *l, filldir_t fill, void *ctx)
{
	struct dentry *up = f->path.dentry->parent;

	if (f->pos == 0) {
		if (fill(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (fill(ctx, "..", 2, 2, up->inode ? up->inode->ino : f->inode->ino, DT_DIR))
			return 0;
		f->pos = 2;
	}
	for (; f->pos >= 2 && (u64)f->pos - 2 < l->nr; f->pos++) {
		struct ovl_ent *e = l->ents[f->pos - 2];

		if (!e->hidden && fill(ctx, e->name, e->len, (u64)f->pos + 1,
				       shown_ino(f, e->name, e->len, e->ino), e->dtype))
			return 0;
	}
	return 0;
}

/* May a single real directory be shown as it is? A lower one above others may hold whiteouts. */
static bool plain(const struct ovl_inode *oi, const struct ovl_fs *ofs)
{
	return !ovl_merged(oi) && (oi->upper || oi->lower[0].layer + 1 == ofs->nr_lower);
}

int ovl_iterate(struct file *f, filldir_t fill, void *ctx)
{
	struct ovl_inode *oi = ovl_i(f->inode);
	struct ovl_fs *ofs = ovl_fs(f->inode->sb);
	struct ovl_file *of = f->priv;
	struct ovl_list *l;
	struct file *real;
	struct path p;

	if (!of->real && !of->list)
		of->merged = !plain(oi, ofs);
	if (f->pos == 0 && !of->merged && !plain(oi, ofs)) {
		/* Copied up since: from the start again it is a merged one. */
		if (of->real)
			file_put(of->real);
		of->real = NULL;
		of->merged = true;
	}
	if (!of->merged) {
		if (!of->real) {
			p = ovl_real_path(oi);
			real = ovl_open_real(ofs, &p, O_RDONLY | O_DIRECTORY);
			if (IS_ERR(real))
				return (int)PTR_ERR(real);
			of->real = real;
		}
		return pass_on(f, fill, ctx);
	}
	if (of->list && f->pos == 0) {
		ovl_list_free(of->list);
		of->list = NULL;
	}
	if (!of->list) {
		l = collect(f->inode);
		if (IS_ERR(l))
			return (int)PTR_ERR(l);
		of->list = l;
	}
	return give_list(f, of->list, fill, ctx);
}

s64 ovl_dir_llseek(struct file *f, s64 off, int whence)
{
	struct ovl_file *of = f->priv;

	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	if (of->real && of->real->op->llseek)
		of->real->op->llseek(of->real, off, SEEK_SET);
	f->pos = off;
	return off;
}
