/*
 * tmpfs and ramfs: a file system in kernel memory; also the ground of devtmpfs, shmem and memfds.
 *
 * Lives. A tnode is the private half of an inode and lives as long. A directory entry (tent) holds a reference to
 * its inode, so an inode stays until its last name, dentry and open file are gone; then evict gives its pages back.
 * Data is in one of two states:  PAGES  - xarray of kmem pages, nobody maps the file;
 *                                HFD    - a memfd of the host, made by the first mmap, all bytes are there.
 * PAGES -> HFD: tmpfs_to_hfd(), HFD -> PAGES: tmpfs_to_pages() when no open file ever mapped it is left (mappers 0)
 * and too many idle memfds are about. Invariant in PAGES: bytes of a page beyond inode->size are zero.
 * inode->lock: held for write by whoever changes pages or state, for read by readers. Directory operations do not
 * sleep and need no lock of their own.
 * Accounting: sbi->used_pages follows tn->nr_pages, and so does mem_charge() for a memfd; pages of kmem count against
 * mem= by themselves. With a memfd the numbers are what the host says it allocated (tmpfs_resample), since guests
 * touch mapped pages without asking.
 */
#ifndef TMPFS_H
#define TMPFS_H
#include <umber/list.h>
#include <umber/rbtree.h>
#include <umber/vfs.h>
#include <umber/xarray.h>

#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6

struct tmpfs_sb {
	struct super_block *sb;
	u64 max_pages, used_pages;     /* max 0: no limit */
	u64 max_inodes, used_inodes;
	u32 mode, uid, gid;
	u64 live_inodes;               /* in memory; the struct outlives put_super until they are gone */
	bool ramfs, gone;
	struct list_head dev_node;     /* devtmpfs: all its superblocks */
};

struct txattr {
	struct list_head node;
	size_t size;
	char *name;                    /* behind the struct; the value follows the name */
	u8 *val;
};

struct tnode {
	struct inode *inode;
	/* regular files */
	struct xarray pages;
	u64 nr_pages;                  /* charged to the superblock */
	u64 mem_pages;                 /* charged by mem_charge (fewer only when the host ran ahead of mem=) */
	hfd_t hfd;                     /* HFD_NONE in state PAGES */
	u32 mappers;                   /* open files that mapped it at least once */
	u32 seals;                     /* F_SEAL_* */
	struct list_head hfd_node;     /* on hfd_busy or hfd_idle */
	/* directories */
	struct rb_root names;          /* tents by (hash, name) */
	struct xarray offs;            /* tents by readdir offset */
	u64 next_off, nr_ents;
	/* symlinks */
	char *target;
	struct list_head xattrs;
	size_t xattr_bytes;
};

struct tent {
	struct rb_node node;
	struct list_head reap;
	struct inode *inode;           /* reference */
	u64 off;
	u32 hash, len;
	char name[];
};

static inline struct tnode *tnode(const struct inode *i) { return i->priv; }
static inline struct tmpfs_sb *tmpfs_sbi(const struct super_block *sb) { return sb->priv; }

extern struct fs_type tmpfs_fs_type, ramfs_fs_type;
extern const struct inode_ops tmpfs_dir_iops, tmpfs_file_iops, tmpfs_link_iops, tmpfs_special_iops;
extern const struct file_ops tmpfs_dir_fops, tmpfs_file_fops;

/* super.c */
struct inode *tmpfs_inode(struct super_block *sb, struct inode *dir, u32 mode, u32 rdev); /* or ERR_PTR */
int tmpfs_fill(struct super_block *sb, const char *data, bool ramfs);
void tmpfs_evict_inode(struct inode *inode);

/* dir.c: entries without dentries (devtmpfs uses them too) */
struct tent *tmpfs_find(struct inode *dir, const char *name, u32 len);
int tmpfs_enter(struct inode *dir, const char *name, u32 len, struct inode *inode); /* takes its own reference */
void tmpfs_leave(struct inode *dir, struct tent *e);
void tmpfs_dir_free(struct tnode *tn);

/* data.c */
int tmpfs_charge(struct inode *i, u64 pages);
void tmpfs_uncharge(struct inode *i, u64 pages);
int tmpfs_truncate(struct inode *i, u64 size);
void tmpfs_free_range(struct tnode *tn, u64 first, u64 last); /* pages [first, last] in state PAGES */

/* map.c */
int tmpfs_to_hfd(struct inode *i);
hfd_t tmpfs_mmap(struct file *f, bool shared, bool writable, u64 *off);
void tmpfs_release(struct file *f);
void tmpfs_hfd_drop(struct tnode *tn);
void tmpfs_resample(struct inode *i);

/* xattr.c */
ssize_t tmpfs_listxattr(struct inode *inode, char *buf, size_t n);
ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *val, size_t n);
int tmpfs_setxattr(struct inode *inode, const char *name, const void *val, size_t n, int flags);
void tmpfs_xattr_free(struct tnode *tn);
#endif
