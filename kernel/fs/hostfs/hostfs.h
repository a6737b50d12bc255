/*
 * hostfs: a directory tree of the host as a guest file system.
 *
 * Lives. A hnode is the private half of an inode and lives as long; it is found again by the host's (device, inode
 * number), so hard links share one inode. It names a host object and holds no fd, but through one list of path fds for
 * all mounts (fdcache.c), of which the least recently used is closed; it is opened again from the nearest directory on
 * the way to the root that still has one, component by component, and must then be the same object, else -ESTALE. The
 * root's path fd stays. Files are opened through /proc/self/fd of the path fd. All open files for reading only of one
 * inode share one host fd, since I/O is positional; it is kept a while after the last close (a second bounded list), so
 * that programs and libraries are opened once and not for each exec. Files for writing have host fds of their own.
 * Invariants: no path with more than one component ever reaches the host; a hnode that is `blocked` (proc, sysfs and
 * other file systems that do not store data) shows as an empty directory and is never opened; a path fd is used without
 * klock only while pinned. Data is always the host's: reads and writes go through, mappings are of the host's file.
 * Names and attributes are believed for cache_ns after the host said them (default one second).
 */
#ifndef HOSTFS_H
#define HOSTFS_H
#include <port/hostfs.h>
#include <port/port.h>
#include <umber/list.h>
#include <umber/vfs.h>

#define HOSTFS_MAGIC 0x00c0ffee
#define HOSTFS_HASH 4096
#define HOSTFS_CACHE_NS 1000000000ULL
#define TARGET_KEPT_MAX 256            /* longer targets of links are read each time */

struct hostfs_sb {
	struct super_block *sb;
	hfd_t root;
	bool ro;                       /* mounted read-only for good: no remount to rw */
	bool append;                   /* files only grow, nothing is unlinked */
	bool fuse;                     /* the root is a FUSE file system that the user named */
	u64 cache_ns;                  /* U64_MAX: always believed; 0: never */
	u64 *devs;                     /* host devices seen; the index makes guest inode numbers unique */
	u32 nr_devs;
	char *path;                    /* for /proc/mounts */
	struct list_head hash[HOSTFS_HASH];
};

struct hnode {
	struct inode *inode;
	struct hostfs_sb *hsb;
	u64 dev, ino;                  /* of the host */
	struct hostfs_time btime;
	hfd_t path;                    /* O_PATH fd or HFD_NONE */
	u32 pins;                      /* users of `path` */
	struct list_head lru, hash;
	struct list_head files;        /* hfile.node */
	hfd_t data;                    /* O_RDONLY fd shared by all readers, or HFD_NONE */
	u32 data_users;
	struct list_head data_idle;    /* on the list when data is open without users */
	u64 attr_ns;                   /* when the host last told the attributes; 0: not valid */
	hfd_t fresh;                   /* O_RDWR fd of a file that was just made, for its maker's open */
	int fresh_tid;
	char *target;                  /* of a symbolic link that was read: it never changes. Or NULL */
	bool blocked, keep;            /* keep: O_TMPFILE, has no name to be opened by again */
};

struct hfile {
	struct hnode *hn;
	hfd_t fd;                      /* of its own, or the inode's `data` */
	bool shared, fd_rw, no_nowait; /* shared: fd is the inode's; fd_rw: opened for writing, fd its own */
	bool holds_data;               /* counts in data_users */
	struct list_head node;
	char *dirbuf;                  /* readdir: records from dir_pos on */
	size_t dir_len, dir_at;
	u64 dir_pos;                   /* position of the record at dir_at */
	u64 host_pos;                  /* where fd is, HOSTFS_HERE: unknown */
	bool dir_end;                  /* at dir_pos the host had no more, and the guest has not been told alone */
};

static inline struct hnode *hnode(const struct inode *i) { return i->priv; }
static inline struct hostfs_sb *hostfs_sb(const struct super_block *sb) { return sb->priv; }
static inline u64 hostfs_dev(const struct hnode *hn) { return hn->dev; }

extern const struct inode_ops hostfs_dir_iops, hostfs_file_iops, hostfs_link_iops, hostfs_special_iops;
extern const struct file_ops hostfs_dir_fops, hostfs_file_fops;

/* fdcache.c */
int hnode_pin(struct hnode *hn);                 /* hn->path is open until hnode_unpin. May sleep. 0 or -errno */
void hnode_unpin(struct hnode *hn);
void hnode_set_path(struct hnode *hn, hfd_t path); /* gives it a path fd unless it has one (then closes) */
void hnode_drop_path(struct hnode *hn);
int hnode_data_get(struct hnode *hn);            /* hn->data is open until hnode_data_put. May sleep. 0 or -errno */
void hnode_data_put(struct hnode *hn);
void hnode_drop_data(struct hnode *hn);

/* inode.c */
struct inode *hostfs_iget(struct super_block *sb, const struct hostfs_stat *st); /* referenced or ERR_PTR */
void hostfs_fill(struct inode *i, const struct hostfs_stat *st);
void hostfs_evict(struct inode *i);
u64 hostfs_guest_ino(struct hostfs_sb *hsb, u64 dev, u64 ino);
int hostfs_refresh(struct inode *i, struct dentry *d); /* attributes from the host, if too old */
bool hostfs_revalidate(struct dentry *d, u32 flags);
struct dentry *hostfs_lookup(struct inode *dir, struct dentry *d, u32 flags);
int hostfs_getattr(struct dentry *d, struct kstat *st, u32 mask);
int hostfs_sb_setattr(struct dentry *d, struct iattr *a);
static inline void hostfs_stale(struct inode *i) { hnode(i)->attr_ns = 0; }
ssize_t hostfs_iget_xattr(struct inode *i, const char *name, void *val, size_t n);
ssize_t hostfs_ilist_xattr(struct inode *i, char *buf, size_t n);
int hostfs_iset_xattr(struct inode *i, const char *name, const void *val, size_t n, int flags);
int hostfs_file_open(struct inode *inode, struct file *f);
int hostfs_dir_open(struct inode *inode, struct file *f);
void hostfs_release(struct file *f);
/* 0 if the mount may be changed, -EROFS */
static inline int hostfs_may_write(const struct inode *i)
{
	return hnode(i)->hsb->ro ? -30 /* EROFS */ : 0;
}
#endif
