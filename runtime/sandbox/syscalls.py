"""Numbers of the system calls that the parser must not use."""

from __future__ import annotations

Numbers = dict[str, tuple[int | None, int | None]]  # x86-64, arm64; None if it lacks the call


def _table(text: str) -> Numbers:
    """Returns the numbers by name, from comma-separated entries "name x86-64 arm64"."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = (entry.split() for entry in ",".join(lines).split(",") if entry.strip())
    return {name: (_number(first), _number(second)) for name, first, second in rows}


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


# Always denied. Source: asm/unistd_64.h and asm-generic/unistd.h of Linux 6.1. The later calls
# fchmodat2, setxattrat, removexattrat and open_tree_attr are 452, 463, 466 and 467 on all
# architectures.
DENIED = _table(
    """
# sockets
socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202,
accept4 288 242, getsockname 51 204, getpeername 52 205, setsockopt 54 208, getsockopt 55 209,
sendto 44 206, recvfrom 45 207, sendmsg 46 211, recvmsg 47 212, sendmmsg 307 269, recvmmsg 299 243,
shutdown 48 210
# other processes
ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, kcmp 312 272,
pidfd_open 434 434, pidfd_getfd 438 438, pidfd_send_signal 424 424, process_madvise 440 440,
process_mrelease 448 448, tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240,
setsid 112 157, setpgid 109 154, setpriority 141 140, ioprio_set 251 30, sched_setscheduler 144 119,
sched_setparam 142 118, sched_setattr 314 274, sched_setaffinity 203 122, migrate_pages 256 238,
move_pages 279 239
# user and group ids
setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147,
setresgid 119 149, setgroups 116 159, setfsuid 122 151, setfsgid 123 152
# file modifications, including those that Landlock does not cover
creat 85 -, truncate 76 45, ftruncate 77 46, fallocate 285 47, rename 82 -, renameat 264 38,
renameat2 316 276, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, unlink 87 -,
unlinkat 263 35, mkdir 83 -, mkdirat 258 34, rmdir 84 -, mknod 133 -, mknodat 259 33, chmod 90 -,
fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, fchown 93 55, lchown 94 -,
fchownat 260 54, utime 132 -, utimes 235 -, utimensat 280 88, futimesat 261 -, setxattr 188 5,
lsetxattr 189 6, fsetxattr 190 7, setxattrat 463 463, removexattr 197 14, lremovexattr 198 15,
fremovexattr 199 16, removexattrat 466 466, copy_file_range 326 285, sync 162 81, syncfs 306 267
# namespaces and mounts
mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, move_mount 429 429,
open_tree 428 428, open_tree_attr 467 467, fsopen 430 430, fsconfig 431 431, fsmount 432 432,
fspick 433 433, mount_setattr 442 442, unshare 272 97, setns 308 268, name_to_handle_at 303 264,
open_by_handle_at 304 265
# large kernel subsystems that the parser does not need
bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, io_uring_setup 425 425,
io_uring_enter 426 426, io_uring_register 427 427, add_key 248 217, request_key 249 218,
keyctl 250 219, memfd_create 319 279, memfd_secret 447 447, fanotify_init 300 262,
fanotify_mark 301 263, shmget 29 194, shmat 30 196, shmctl 31 195, semget 64 190, semop 65 193,
semtimedop 220 192, semctl 66 191, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187,
mq_open 240 180, mq_unlink 241 181, mq_notify 244 184
# system administration
init_module 175 105, finit_module 313 273, delete_module 176 106, kexec_load 246 104,
kexec_file_load 320 294, reboot 169 142, swapon 167 224, swapoff 168 225, acct 163 89,
quotactl 179 60, quotactl_fd 443 443, syslog 103 116, nfsservctl 180 42, vhangup 153 58, iopl 172 -,
ioperm 173 -, modify_ldt 154 -, uselib 134 -, personality 135 92, sethostname 170 161,
setdomainname 171 162, settimeofday 164 170, clock_settime 227 112, clock_adjtime 305 266,
adjtimex 159 171, execveat 322 281
"""
)
# Denied by argument or by mode of the sandbox (`seccomp._rules`).
RESTRICTED = _table(
    """
clone 56 220, clone3 435 435, execve 59 221, fcntl 72 25, fork 57 -, ioctl 16 29, kill 62 129,
open 2 -, openat 257 56, openat2 437 437, prctl 157 167, prlimit64 302 261, tgkill 234 131,
vfork 58 -
"""
)
NUMBERS = DENIED | RESTRICTED
