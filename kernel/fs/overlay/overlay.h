/*
 * overlay: a writable (upper) directory tree over read-only (lower) ones, as Linux's overlayfs on disk: whiteouts are
 * character devices 0:0, a directory with trusted.overlay.opaque=y hides what is below it.
 *
 * Lives. An overlay inode holds the real dentries that it stands for: `upper`, set once by copy-up or creation and never
 * changed, and for directories the stack of lower ones to be merged (files: the one lower). Real dentries are referenced
 * as long as the inode lives. Attributes are copied from the real inode, so permission checks need no look below.
 * Reads, mappings and exec go to a real file that the overlay file holds; writes only ever reach the upper.
 * Copy-up: parents first, made in the work directory and renamed into place; oi->lock makes it happen once, and unlink
 * takes it too. Order of locks: overlay inode->lock > oi->lock > locks of the real file systems.
 * Only what may be shared by two names is in the inode hash: non-directories in upper, by their upper inode.
 * Work on the layers that checks permissions is done with the credentials of the mounter (ovl_su).
 * Without redirect_dir, index and metacopy: renaming a directory that has a lower part gives EXDEV.
 */
#ifndef OVERLAY_H
#define OVERLAY_H
#include <umber/list.h>
#include <umber/vfs.h>

#define OVERLAY_MAGIC 0x794c7630
#define OVL_MAX_LOWER 128
#define OVL_HASH 1024
#define OVL_XATTR "trusted.overlay."
#define OVL_OPAQUE "trusted.overlay.opaque"
#define OVL_INO "trusted.overlay.umber_ino"   /* inode number of a copied-up file: the lower one's */
#define OVL_NEG_NS 1000000000ULL               /* how long a missing name is believed over a changing lower */

struct ovl_layer { struct path path; u32 fsid; };
struct ovl_fs {
	struct super_block *sb;
	bool has_upper, reval;         /* reval: a layer may change by itself (hostfs) */
	struct ovl_layer upper;
	struct dentry *work;
	struct cred *cred;             /* the mounter's */
	u64 tmp_seq;
	char *lowerdir, *upperdir, *workdir; /* as given */
	struct list_head hash[OVL_HASH];
	u32 nr_lower;
	struct ovl_layer lower[];      /* topmost first */
};
struct ovl_low { struct dentry *d; u32 layer; };
struct ovl_inode {
	struct inode *inode;
	struct dentry *upper;          /* W: lock; NULL until copied up */
	struct list_head hash;
	struct mutex lock;
	bool gone;                     /* a lower file that was removed: nlink is 0 */
	u32 nr_lower;
	struct ovl_low lower[];
};
struct ovl_file {
	struct file *real;             /* as opened */
	struct file *upper;            /* opened later, because the inode was copied up since */
	struct ovl_list *list;         /* merged names of a directory */
	bool merged;
};

static inline struct ovl_fs *ovl_fs(const struct super_block *sb) { return sb->priv; }
static inline struct ovl_inode *ovl_i(const struct inode *i) { return i->priv; }
static inline struct dentry *ovl_real(const struct ovl_inode *oi)
{
	return oi->upper ? oi->upper : oi->lower[0].d;
}
static inline bool ovl_merged(const struct ovl_inode *oi)
{
	return (oi->upper != NULL) + oi->nr_lower > 1;
}
struct path ovl_real_path(const struct ovl_inode *oi);  /* not referenced */
bool ovl_is_whiteout(const struct dentry *d);

/* super.c */
struct cred *ovl_su(struct ovl_fs *ofs);
void ovl_unsu(struct cred *old);

/* inode.c */
extern const struct inode_ops ovl_dir_iops, ovl_file_iops, ovl_link_iops, ovl_special_iops;
/* Takes over the dentry references of upper and low[]. Referenced inode or ERR_PTR. */
struct inode *ovl_inode_get(struct super_block *sb, struct dentry *upper, const struct ovl_low *low, u32 nr);
void ovl_hash(struct ovl_inode *oi);
void ovl_evict(struct inode *i);
void ovl_fill(struct inode *i);                          /* attributes from the real inode */
u64 ovl_ino(u32 fsid, u64 ino);
bool ovl_is_opaque(struct dentry *d);
bool ovl_lower_has(struct ovl_inode *odir, const char *name, u32 len, int *err);
int ovl_getattr(struct dentry *d, struct kstat *st, u32 mask);
int ovl_setattr(struct dentry *d, struct iattr *a);
struct dentry *ovl_lookup(struct inode *dir, struct dentry *d, u32 flags);
bool ovl_revalidate(struct dentry *d, u32 flags);
ssize_t ovl_listxattr(struct inode *i, char *buf, size_t n);
ssize_t ovl_getxattr(struct inode *i, const char *name, void *val, size_t n);
int ovl_setxattr(struct inode *i, const char *name, const void *val, size_t n, int flags);

/* copyup.c: size: bytes of a regular file that are wanted, U64_MAX for all. May sleep. 0 or -errno */
int ovl_copy_up(struct dentry *d, u64 size);

/* dirops.c */
int ovl_create(struct inode *dir, struct dentry *d, u32 mode, bool excl);
int ovl_mkdir(struct inode *dir, struct dentry *d, u32 mode);
int ovl_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 rdev);
int ovl_symlink(struct inode *dir, struct dentry *d, const char *target);
int ovl_link(struct dentry *old, struct inode *dir, struct dentry *d);
int ovl_unlink(struct inode *dir, struct dentry *d);
int ovl_rmdir(struct inode *dir, struct dentry *d);
int ovl_tmpfile(struct inode *dir, struct dentry *d, u32 mode);
/* rename.c */
int ovl_rename(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, u32 flags);
int ovl_set_opaque(struct dentry *upper);
int ovl_put_whiteout(struct ovl_inode *odir, const char *name, u32 len);
/* Upper dentry of a name that is free or a whiteout (which is taken away); referenced, negative. */
struct dentry *ovl_upper_slot(struct ovl_inode *odir, const char *name, u32 len, bool *whiteout);

/* readdir.c */
int ovl_check_empty(struct inode *dir);                  /* 0, -ENOTEMPTY or -errno */
int ovl_clear_whiteouts(struct ovl_fs *ofs, struct dentry *upper); /* before rmdir of an upper directory that looks empty */
int ovl_iterate(struct file *f, filldir_t fill, void *ctx);
s64 ovl_dir_llseek(struct file *f, s64 off, int whence);
void ovl_list_free(struct ovl_list *l);

/* file.c */
extern const struct file_ops ovl_file_fops, ovl_dir_fops;
struct file *ovl_open_real(struct ovl_fs *ofs, const struct path *p, u32 flags);
#endif
