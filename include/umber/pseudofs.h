/*
 * In-memory trees of generated files: the common part of sysfs, proc and the like (kernel/fs/pseudo).
 *
 * A tree is made of nodes, built at boot (or later) with pseudo_mkdir/mkfile/symlink and shown by any number of
 * superblocks through pseudo_fill_super(). A node lives while it is in the tree or an inode refers to it;
 * pseudo_remove() takes it (and what is below) out: open files of it go on with -ENODEV. Text is rendered by `show`
 * when a read starts at offset 0 and kept with the open file until then, so one reader sees one consistent text.
 * Mixed directories (/proc: fixed names and pids) hang their own lookup and iterate behind the fixed ones.
 * All of it: klock. show and write may sleep; a node's arg must stay valid until pseudo_remove and, for files that
 * are open then, until the end of a running show/write.
 */
#ifndef UMBER_PSEUDOFS_H
#define UMBER_PSEUDOFS_H
#include <umber/types.h>
#include <umber/vfs.h>

struct pseudo_dir;             /* a node of any kind; directories are what parents must be */

/* Writes the whole text; m->priv is the struct file. 0 or negative errno (read then fails with it). */
typedef int (*pseudo_show_fn)(struct seq_file *m, void *arg);
/* buf: kernel copy of what was written, NUL behind its n bytes. Bytes taken or negative errno. */
typedef ssize_t (*pseudo_write_fn)(const char *buf, size_t n, void *arg);

/* Root of a new tree (parent NULL) or a directory in parent. mode: permission bits. NULL: no memory. An existing
 * directory of that name is returned as it is. */
struct pseudo_dir *pseudo_mkdir(struct pseudo_dir *parent, const char *name, u32 mode);
/* A file. show NULL: not readable; write NULL: writes give -EIO. (vfs.h has another pseudo_file(), hence mkfile.) */
struct pseudo_dir *pseudo_mkfile(struct pseudo_dir *parent, const char *name, u32 mode, pseudo_show_fn show,
				 pseudo_write_fn write, void *arg);
/* A file with its own operations; open finds arg by pseudo_arg(inode). */
struct pseudo_dir *pseudo_mkfile_ops(struct pseudo_dir *parent, const char *name, u32 mode,
				     const struct file_ops *fop, void *arg);
/* Constant text (copied). */
struct pseudo_dir *pseudo_mktext(struct pseudo_dir *parent, const char *name, u32 mode, const char *text);
struct pseudo_dir *pseudo_symlink(struct pseudo_dir *parent, const char *name, const char *target);
/* A link whose target is made at each use: kmalloc'd string or ERR_PTR (/proc/self). */
struct pseudo_dir *pseudo_symlink_fn(struct pseudo_dir *parent, const char *name, char *(*get)(void *arg), void *arg);
/* An empty directory that others mount on: "fs/cgroup" makes both. */
struct pseudo_dir *pseudo_mkdir_path(struct pseudo_dir *root, const char *path, u32 mode);
struct pseudo_dir *pseudo_find(struct pseudo_dir *parent, const char *name);
void pseudo_remove(struct pseudo_dir *node);

/* Names after the fixed ones. lookup: as inode_ops.lookup (d_add, or NULL inode when absent). iterate: called with
 * f->pos >= PSEUDO_DYN_POS; as file_ops.iterate but without "." and "..". nlink extra is not counted. */
#define PSEUDO_DYN_POS (1LL << 32)
void pseudo_set_dynamic(struct pseudo_dir *dir, struct dentry *(*lookup)(struct inode *, struct dentry *, u32),
			int (*iterate)(struct file *f, filldir_t fill, void *ctx));

/* For fs_type.fill_super: shows the tree. magic: statfs f_type; file_size: st_size of files (0 proc, 4096 sysfs).
 * The caller may put its own super_ops in afterwards (with pseudo_evict_inode), but must leave sb->priv alone. */
int pseudo_fill_super(struct super_block *sb, struct pseudo_dir *root, u64 magic, u64 file_size);
/* The node of an inode made by this library; its arg. */
struct pseudo_dir *pseudo_node(const struct inode *inode);
void *pseudo_arg(const struct inode *inode);
/* The superblock's evict_inode when the fs mixes own inodes in: drops the node reference of library inodes. An own
 * inode (op not of this library) is left alone. */
void pseudo_evict_inode(struct inode *inode);

/*
 * Rendered text for files with inodes of their own (/proc/PID/...): call seq_render_read() from read_iter. The text
 * hangs on f->priv until seq_render_release() (file_ops.release).
 */
ssize_t seq_render_read(struct file *f, struct iov_iter *it, s64 *pos, pseudo_show_fn show, void *arg);
void seq_render_release(struct file *f);
/* Copies at most max bytes of a write into a NUL-terminated kmalloc'd buffer (caller frees) or ERR_PTR. */
char *seq_copy_write(struct iov_iter *it, size_t max, size_t *n);
#endif
