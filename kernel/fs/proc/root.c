/* /proc itself: the file system type, the fixed tree, self and thread-self. */
#include "proc.h"

#define PROC_MAGIC 0x9fa0

static struct pseudo_dir *proc_root;
static struct super_ops proc_sops;     /* pseudofs's, with our eviction */

struct pseudo_dir *proc_dir(const char *path)
{
	if (!proc_root)
		proc_root = pseudo_mkdir(NULL, "/", 0555);
	return proc_root ? pseudo_mkdir_path(proc_root, path, 0555) : NULL;
}

static void proc_evict(struct inode *i)
{
	if (i->flags & I_PROC)
		pid_inode_free(i);
	else
		pseudo_evict_inode(i);
}

/* gid= and hidepid=0 ask for what is so anyway; other options are not supported. */
static int check_options(const char *s)
{
	while (s && *s) {
		const char *e = strchr(s, ',');
		size_t n = e ? (size_t)(e - s) : strlen(s);

		if (n && strncmp(s, "gid=", 4) && !(n == 9 && !strncmp(s, "hidepid=0", 9)) &&
		    !(n == 11 && !strncmp(s, "hidepid=off", 11)))
			return -EINVAL;
		s += n + (e != NULL);
	}
	return 0;
}

static int proc_fill_super(struct super_block *sb, const char *source, const char *data)
{
	int err = check_options(data);

	if (!err)
		err = pseudo_fill_super(sb, proc_dir(""), PROC_MAGIC, 0);
	if (err)
		return err;
	proc_sops = *sb->op;
	proc_sops.evict_inode = proc_evict;
	sb->op = &proc_sops;
	return 0;
}

static char *text_or_error(char *s)
{
	return s ? s : ERR_PTR(-ENOMEM);
}

static char *get_self(void *arg)
{
	return text_or_error(kasprintf("%d", current->tg->pid));
}

static char *get_thread_self(void *arg)
{
	return text_or_error(kasprintf("%d/task/%d", current->tg->pid, current->tid));
}

static struct fs_type proc_type = {
	.name = "proc", .nodev = true, .user_mountable = true, .fill_super = proc_fill_super,
};

static int proc_init(void)
{
	struct pseudo_dir *root = proc_dir("");
	int err = 0;

	if (!root || !pseudo_symlink_fn(root, "self", get_self, NULL) ||
	    !pseudo_symlink_fn(root, "thread-self", get_thread_self, NULL) ||
	    !pseudo_symlink(root, "mounts", "self/mounts") || !pseudo_symlink(root, "net", "self/net"))
		return -ENOMEM;
	pseudo_set_dynamic(root, pid_root_lookup, pid_root_iterate);
	err |= proc_build_stat(root);
	err |= proc_build_meminfo(root);
	err |= proc_build_cpuinfo(root);
	err |= proc_build_misc(root);
	err |= proc_build_kmsg(root);
	fs_register(&proc_type);
	return err ? -ENOMEM : 0;
}
INITCALL(INIT_FS, proc_init);
