"""Numbers of system calls by name, and the calls denied to the parser."""

from __future__ import annotations


def _table(text: str) -> dict[str, tuple[int | None, int | None]]:
    rows = (line.split() for line in text.split("\n") if line)
    return {name: (_number(first), _number(second)) for name, first, second in rows}


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for line in text.split("\n") for name in line.split() if line[:1] != "#")


# Name, number on x86-64, number on arm64. Source: asm/unistd_64.h and asm-generic/unistd.h of Linux
# 6.1. The later calls fchmodat2, setxattrat, removexattrat and open_tree_attr are 452, 463, 466 and
# 467 on all architectures.
NUMBERS = _table(
    """
accept 43 202
accept4 288 242
acct 163 89
add_key 248 217
adjtimex 159 171
bind 49 200
bpf 321 280
chmod 90 -
chown 92 -
chroot 161 51
clock_adjtime 305 266
clock_settime 227 112
clone 56 220
clone3 435 435
connect 42 203
copy_file_range 326 285
creat 85 -
delete_module 176 106
execve 59 221
execveat 322 281
fallocate 285 47
fanotify_init 300 262
fanotify_mark 301 263
fchmod 91 52
fchmodat 268 53
fchmodat2 452 452
fchown 93 55
fchownat 260 54
fcntl 72 25
finit_module 313 273
fork 57 -
fremovexattr 199 16
fsconfig 431 431
fsetxattr 190 7
fsmount 432 432
fsopen 430 430
fspick 433 433
ftruncate 77 46
futimesat 261 -
getpeername 52 205
getsockname 51 204
getsockopt 55 209
init_module 175 105
io_uring_enter 426 426
io_uring_register 427 427
io_uring_setup 425 425
ioctl 16 29
ioperm 173 -
iopl 172 -
ioprio_set 251 30
kcmp 312 272
kexec_file_load 320 294
kexec_load 246 104
keyctl 250 219
kill 62 129
lchown 94 -
link 86 -
linkat 265 37
listen 50 201
lremovexattr 198 15
lsetxattr 189 6
memfd_create 319 279
memfd_secret 447 447
migrate_pages 256 238
mkdir 83 -
mkdirat 258 34
mknod 133 -
mknodat 259 33
modify_ldt 154 -
mount 165 40
mount_setattr 442 442
move_mount 429 429
move_pages 279 239
mq_notify 244 184
mq_open 240 180
mq_unlink 241 181
msgctl 71 187
msgget 68 186
msgrcv 70 188
msgsnd 69 189
name_to_handle_at 303 264
nfsservctl 180 42
open 2 -
open_by_handle_at 304 265
open_tree 428 428
open_tree_attr 467 467
openat 257 56
openat2 437 437
perf_event_open 298 241
personality 135 92
pidfd_getfd 438 438
pidfd_open 434 434
pidfd_send_signal 424 424
pivot_root 155 41
prctl 157 167
prlimit64 302 261
process_madvise 440 440
process_mrelease 448 448
process_vm_readv 310 270
process_vm_writev 311 271
ptrace 101 117
quotactl 179 60
quotactl_fd 443 443
reboot 169 142
recvfrom 45 207
recvmmsg 299 243
recvmsg 47 212
removexattr 197 14
removexattrat 466 466
rename 82 -
renameat 264 38
renameat2 316 276
request_key 249 218
rmdir 84 -
rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240
sched_setaffinity 203 122
sched_setattr 314 274
sched_setparam 142 118
sched_setscheduler 144 119
semctl 66 191
semget 64 190
semop 65 193
semtimedop 220 192
sendmmsg 307 269
sendmsg 46 211
sendto 44 206
setdomainname 171 162
setfsgid 123 152
setfsuid 122 151
setgid 106 144
setgroups 116 159
sethostname 170 161
setns 308 268
setpgid 109 154
setpriority 141 140
setregid 114 143
setresgid 119 149
setresuid 117 147
setreuid 113 145
setsid 112 157
setsockopt 54 208
settimeofday 164 170
setuid 105 146
setxattr 188 5
setxattrat 463 463
shmat 30 196
shmctl 31 195
shmget 29 194
shutdown 48 210
socket 41 198
socketpair 53 199
swapoff 168 225
swapon 167 224
symlink 88 -
symlinkat 266 36
sync 162 81
syncfs 306 267
syslog 103 116
tgkill 234 131
tkill 200 130
truncate 76 45
umount2 166 39
unlink 87 -
unlinkat 263 35
unshare 272 97
uselib 134 -
userfaultfd 323 282
utime 132 -
utimensat 280 88
utimes 235 -
vfork 58 -
vhangup 153 58
"""
)

DENIED = _names(
    """
# sockets
socket socketpair connect bind listen accept accept4 getsockname getpeername setsockopt
getsockopt sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown
# other processes
ptrace process_vm_readv process_vm_writev kcmp pidfd_open pidfd_getfd pidfd_send_signal
process_madvise process_mrelease tkill rt_sigqueueinfo rt_tgsigqueueinfo setsid setpgid
setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr sched_setaffinity
migrate_pages move_pages
# user and group ids
setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid
# file modifications, including those that Landlock does not cover
creat truncate ftruncate fallocate rename renameat renameat2 link linkat symlink symlinkat
unlink unlinkat mkdir mkdirat rmdir mknod mknodat chmod fchmod fchmodat fchmodat2 chown fchown
lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr fsetxattr setxattrat
removexattr lremovexattr fremovexattr removexattrat copy_file_range sync syncfs
# namespaces and mounts
mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount
fspick mount_setattr unshare setns name_to_handle_at open_by_handle_at
# large kernel subsystems that the parser does not need
bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register add_key
request_key keyctl memfd_create memfd_secret fanotify_init fanotify_mark shmget shmat shmctl
semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_notify
# system administration
init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct
quotactl quotactl_fd syslog nfsservctl vhangup iopl ioperm modify_ldt uselib personality
sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex execveat
"""
)
