/*
 * Structures of include/abi against the host's own: sizes, and the offset of each member that the kernel reads or
 * writes. (Constants: scripts/check/abi.) The host's names are macros or typedefs in places, so ours are included first
 * and the pairs are listed by hand. TAP on stdout.
 */
#define UMBER_HOSTED 1
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
/* ours, under names that the host's headers do not have */
#define flock64 u_flock64
#define statx_ts u_statx_ts
#define sigstack u_sigstack
#define futex_waitv u_futex_waitv
#define robust_list_head u_robust_list_head
#define msqid64_ds u_msqid64_ds
#define semid64_ds u_semid64_ds
#define ipc64_perm u_ipc64_perm
#define timespec64 u_timespec64
#define timeval64 u_timeval64
#define itimerspec64 u_itimerspec64
#define itimerval64 u_itimerval64
#include <abi/elf.h>
#include <abi/fcntl.h>
#include <abi/futex.h>
#include <abi/inotify.h>
#include <abi/ipc.h>
#include <abi/netlink.h>
#include <abi/prctl.h>
#include <abi/ptrace.h>
#include <abi/shm.h>
#include <abi/signal.h>
#include <abi/socket.h>
#include <abi/stat.h>
#include <abi/termios.h>
#include <abi/time.h>
#include <abi/timex.h>
#include <abi/wait.h>
#include <port/port.h>
#undef current
#undef flock64
#undef sigstack
#undef futex_waitv
#undef robust_list_head
#undef msqid64_ds
#undef semid64_ds
#undef ipc64_perm
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/rseq.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/user.h>
#include <time.h>

static int tests, failed;

static void same(unsigned long ours, unsigned long host, const char *what)
{
	tests++;
	if (ours == host)
		return;
	failed++;
	printf("# %s: %lu, the host has %lu\n", what, ours, host);
}

#define SIZE(a, b) same(sizeof(a), sizeof(b), "sizeof " #a)
#define AT(a, am, b, bm) same(offsetof(a, am), offsetof(b, bm), #a "." #am)
#define AS(a, b, m) AT(a, m, b, m)
#define DONE(what)                                                                                 \
	do {                                                                                       \
		printf("%sok %d - %s\n", failed > before ? "not " : "", ++points, what);           \
		before = failed;                                                                   \
	} while (0)
static int points, before;

static void files(void)
{
	SIZE(struct stat64k, struct stat);
	AS(struct stat64k, struct stat, st_ino);
	AS(struct stat64k, struct stat, st_nlink);
	AS(struct stat64k, struct stat, st_mode);
	AS(struct stat64k, struct stat, st_uid);
	AS(struct stat64k, struct stat, st_rdev);
	AS(struct stat64k, struct stat, st_size);
	AS(struct stat64k, struct stat, st_blksize);
	AS(struct stat64k, struct stat, st_blocks);
	AT(struct stat64k, st_atime_s, struct stat, st_atim);
	AT(struct stat64k, st_mtime_s, struct stat, st_mtim);
	AT(struct stat64k, st_ctime_s, struct stat, st_ctim);
	SIZE(struct statx64, struct statx);
	AS(struct statx64, struct statx, stx_nlink);
	AS(struct statx64, struct statx, stx_mode);
	AS(struct statx64, struct statx, stx_ino);
	AS(struct statx64, struct statx, stx_size);
	AS(struct statx64, struct statx, stx_attributes_mask);
	AS(struct statx64, struct statx, stx_atime);
	AS(struct statx64, struct statx, stx_btime);
	AS(struct statx64, struct statx, stx_mtime);
	AS(struct statx64, struct statx, stx_rdev_major);
	AS(struct statx64, struct statx, stx_dev_minor);
	AS(struct statx64, struct statx, stx_mnt_id);
	SIZE(struct u_flock64, struct flock);
	AS(struct u_flock64, struct flock, l_start);
	AS(struct u_flock64, struct flock, l_len);
	AS(struct u_flock64, struct flock, l_pid);
	AT(struct linux_dirent64_hdr, d_off, struct dirent64, d_off);
	AT(struct linux_dirent64_hdr, d_reclen, struct dirent64, d_reclen);
	AT(struct linux_dirent64_hdr, d_type, struct dirent64, d_type);
	same(sizeof(struct linux_dirent64_hdr), offsetof(struct dirent64, d_name), "linux_dirent64 name");
	SIZE(struct inotify_event64, struct inotify_event);
	AS(struct inotify_event64, struct inotify_event, len);
	DONE("files");
}

static void sockets(void)
{
	SIZE(struct sockaddr_un64, struct sockaddr_un);
	AS(struct sockaddr_un64, struct sockaddr_un, sun_path);
	SIZE(struct sockaddr_nl64, struct sockaddr_nl);
	SIZE(struct msghdr64, struct msghdr);
	AS(struct msghdr64, struct msghdr, msg_namelen);
	AS(struct msghdr64, struct msghdr, msg_iov);
	AS(struct msghdr64, struct msghdr, msg_iovlen);
	AS(struct msghdr64, struct msghdr, msg_control);
	AS(struct msghdr64, struct msghdr, msg_controllen);
	AS(struct msghdr64, struct msghdr, msg_flags);
	SIZE(struct mmsghdr64, struct mmsghdr);
	AS(struct mmsghdr64, struct mmsghdr, msg_len);
	SIZE(struct cmsghdr64, struct cmsghdr);
	AS(struct cmsghdr64, struct cmsghdr, cmsg_type);
	SIZE(struct ucred64, struct ucred);
	SIZE(struct linger64, struct linger);
	same(SOCKADDR_MAX, sizeof(struct sockaddr_storage), "SOCKADDR_MAX");
	SIZE(struct nlmsghdr64, struct nlmsghdr);
	AS(struct nlmsghdr64, struct nlmsghdr, nlmsg_pid);
	SIZE(struct nlmsgerr64, struct nlmsgerr);
	SIZE(struct ifinfomsg64, struct ifinfomsg);
	AS(struct ifinfomsg64, struct ifinfomsg, ifi_flags);
	SIZE(struct ifaddrmsg64, struct ifaddrmsg);
	SIZE(struct rtattr64, struct rtattr);
	DONE("sockets");
}

static void processes(void)
{
	SIZE(struct user_regs, struct user_regs_struct);
	AS(struct user_regs, struct user_regs_struct, orig_rax);
	AS(struct user_regs, struct user_regs_struct, rip);
	AS(struct user_regs, struct user_regs_struct, eflags);
	AS(struct user_regs, struct user_regs_struct, fs_base);
	AS(struct user_regs, struct user_regs_struct, gs);
	SIZE(struct siginfo, siginfo_t);
	AT(struct siginfo, u.rt.uid, siginfo_t, si_uid);
	AT(struct siginfo, u.rt.value, siginfo_t, si_value);
	AT(struct siginfo, u.timer.overrun, siginfo_t, si_overrun);
	AT(struct siginfo, u.timer.value, siginfo_t, si_value);
	AT(struct siginfo, u.chld.status, siginfo_t, si_status);
	AT(struct siginfo, u.chld.utime, siginfo_t, si_utime);
	AT(struct siginfo, u.fault.addr, siginfo_t, si_addr);
	AT(struct siginfo, u.fault.addr_lsb, siginfo_t, si_addr_lsb);
	AT(struct siginfo, u.poll.fd, siginfo_t, si_fd);
	AT(struct siginfo, u.sys.syscall, siginfo_t, si_syscall);
	AT(struct siginfo, u.sys.arch, siginfo_t, si_arch);
	SIZE(struct u_sigstack, stack_t);
	AT(struct u_sigstack, ss_flags, stack_t, ss_flags);
	AT(struct u_sigstack, ss_size, stack_t, ss_size);
	SIZE(struct abi_rusage, struct rusage);
	AS(struct abi_rusage, struct rusage, ru_maxrss);
	AS(struct abi_rusage, struct rusage, ru_majflt);
	AS(struct abi_rusage, struct rusage, ru_nivcsw);
	SIZE(struct abi_tms, struct tms);
	SIZE(struct abi_clone_args, struct clone_args);
	AS(struct abi_clone_args, struct clone_args, stack_size);
	AS(struct abi_clone_args, struct clone_args, cgroup);
	SIZE(struct abi_cap_header, struct __user_cap_header_struct);
	SIZE(struct abi_cap_data, struct __user_cap_data_struct);
	SIZE(struct abi_rseq_cs, struct rseq_cs);
	AS(struct abi_rseq_cs, struct rseq_cs, abort_ip);
	AS(struct abi_rseq, struct rseq, cpu_id);
	AS(struct abi_rseq, struct rseq, rseq_cs);
	AS(struct abi_rseq, struct rseq, flags);
	SIZE(struct u_futex_waitv, struct futex_waitv);
	AS(struct u_futex_waitv, struct futex_waitv, flags);
	SIZE(struct u_robust_list_head, struct robust_list_head);
	AS(struct u_robust_list_head, struct robust_list_head, list_op_pending);
	SIZE(struct elf64_ehdr, Elf64_Ehdr);
	AT(struct elf64_ehdr, e_phoff, Elf64_Ehdr, e_phoff);
	AT(struct elf64_ehdr, e_phnum, Elf64_Ehdr, e_phnum);
	SIZE(struct elf64_phdr, Elf64_Phdr);
	AT(struct elf64_phdr, p_memsz, Elf64_Phdr, p_memsz);
	DONE("processes");
}

static void clocks(void)
{
	SIZE(struct u_timespec64, struct timespec);
	SIZE(struct u_timeval64, struct timeval);
	SIZE(struct u_itimerspec64, struct itimerspec);
	AS(struct u_itimerspec64, struct itimerspec, it_value);
	SIZE(struct u_itimerval64, struct itimerval);
	SIZE(struct timex64, struct timex);
	AS(struct timex64, struct timex, status);
	AS(struct timex64, struct timex, time);
	AS(struct timex64, struct timex, tick);
	AS(struct timex64, struct timex, stbcnt);
	AS(struct timex64, struct timex, tai);
	SIZE(struct sigevent64, struct sigevent);
	AT(struct sigevent64, signo, struct sigevent, sigev_signo);
	AT(struct sigevent64, notify, struct sigevent, sigev_notify);
	AT(struct sigevent64, tid, struct sigevent, _sigev_un._tid);
	DONE("clocks");
}

static void ipc(void)
{
	SIZE(struct u_ipc64_perm, struct ipc_perm);
	AT(struct u_ipc64_perm, mode, struct ipc_perm, mode);
	AT(struct u_ipc64_perm, seq, struct ipc_perm, __seq);
	SIZE(struct u_semid64_ds, struct semid_ds);
	AT(struct u_semid64_ds, otime, struct semid_ds, sem_otime);
	AT(struct u_semid64_ds, ctime, struct semid_ds, sem_ctime);
	AT(struct u_semid64_ds, nsems, struct semid_ds, sem_nsems);
	SIZE(struct seminfo32, struct seminfo);
	SIZE(struct sembuf16, struct sembuf);
	SIZE(struct u_msqid64_ds, struct msqid_ds);
	AT(struct u_msqid64_ds, stime, struct msqid_ds, msg_stime);
	AT(struct u_msqid64_ds, qnum, struct msqid_ds, msg_qnum);
	AT(struct u_msqid64_ds, qbytes, struct msqid_ds, msg_qbytes);
	AT(struct u_msqid64_ds, lrpid, struct msqid_ds, msg_lrpid);
	SIZE(struct msginfo32, struct msginfo);
	SIZE(struct shm_perm64, struct ipc_perm);
	SIZE(struct shmid64, struct shmid_ds);
	AT(struct shmid64, segsz, struct shmid_ds, shm_segsz);
	AT(struct shmid64, atime, struct shmid_ds, shm_atime);
	AT(struct shmid64, cpid, struct shmid_ds, shm_cpid);
	AT(struct shmid64, nattch, struct shmid_ds, shm_nattch);
	SIZE(struct shminfo64, struct shminfo);
	SIZE(struct shm_info64, struct shm_info);
	DONE("System V IPC");
}

int main(void)
{
	files();
	sockets();
	processes();
	clocks();
	ipc();
	printf("1..%d\n", points);
	fprintf(stderr, "# %d sizes and offsets compared\n", tests);
	return failed != 0;
}
