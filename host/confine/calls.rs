//! System calls under one name where architectures have them under several: older ones keep older
//! forms, which libraries still take, and those of 32 bits have a second form for times beyond 2038
//! and for files beyond 2 GiB.

use libc::c_long;

// linux/unistd.h, the same numbers on all architectures of 32 bits.
#[cfg(target_pointer_width = "32")]
mod time64 {
    use libc::c_long;

    pub const CLOCK_GETTIME: c_long = 403;
    pub const TIMERFD_SETTIME: c_long = 411;
    pub const PPOLL: c_long = 414;
    pub const RECVMMSG: c_long = 417;
    pub const FUTEX: c_long = 422;
}

#[cfg(target_pointer_width = "64")]
pub const MMAP: c_long = libc::SYS_mmap;
#[cfg(target_pointer_width = "32")]
pub const MMAP: c_long = libc::SYS_mmap2;

#[cfg(target_pointer_width = "64")]
pub const FCNTL: c_long = libc::SYS_fcntl;
#[cfg(target_pointer_width = "32")]
pub const FCNTL: c_long = libc::SYS_fcntl64;

/// With a timeout, whose form is that of 64 bits.
#[cfg(target_pointer_width = "64")]
pub const RECVMMSG: c_long = libc::SYS_recvmmsg;
#[cfg(target_pointer_width = "32")]
pub const RECVMMSG: c_long = time64::RECVMMSG;

pub const MEMORY: &[c_long] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    #[cfg(target_pointer_width = "32")]
    time64::FUTEX,
];

pub const SIGNALS_AND_END: &[c_long] = &[
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    #[cfg(target_arch = "arm")]
    libc::SYS_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Waiting for descriptors.
pub const POLL: &[c_long] = &[
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_ctl,
    libc::SYS_ppoll,
    #[cfg(not(target_arch = "aarch64"))]
    libc::SYS_epoll_wait,
    #[cfg(not(target_arch = "aarch64"))]
    libc::SYS_poll,
    #[cfg(target_pointer_width = "32")]
    time64::PPOLL,
];

pub const CLOCK: &[c_long] = &[
    libc::SYS_clock_gettime,
    #[cfg(target_pointer_width = "32")]
    time64::CLOCK_GETTIME,
];

pub const TIMER: &[c_long] = &[
    libc::SYS_timerfd_settime,
    #[cfg(target_pointer_width = "32")]
    time64::TIMERFD_SETTIME,
];

/// Reading and writing a socket.
pub const RECEIVE_AND_SEND: &[c_long] = &[
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    #[cfg(target_arch = "arm")]
    libc::SYS_recv,
    #[cfg(target_arch = "arm")]
    libc::SYS_send,
];

/// What a file is, and where in it one reads.
pub const LOOK_AT_FILES: &[c_long] = &[
    libc::SYS_fstat,
    #[cfg(target_pointer_width = "64")]
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_lseek,
    libc::SYS_readlinkat,
    #[cfg(not(target_arch = "aarch64"))]
    libc::SYS_stat,
    #[cfg(not(target_arch = "aarch64"))]
    libc::SYS_lstat,
    #[cfg(not(target_arch = "aarch64"))]
    libc::SYS_readlink,
    #[cfg(target_pointer_width = "32")]
    libc::SYS_stat64,
    #[cfg(target_pointer_width = "32")]
    libc::SYS_lstat64,
    #[cfg(target_pointer_width = "32")]
    libc::SYS_fstat64,
    #[cfg(target_pointer_width = "32")]
    libc::SYS_fstatat64,
    #[cfg(target_pointer_width = "32")]
    libc::SYS__llseek,
];

/// Changes of a file that is open.
pub const CHANGE_FILES: &[c_long] = &[
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_ftruncate,
    libc::SYS_fchmod,
    libc::SYS_fchown,
    libc::SYS_fsync,
    #[cfg(target_pointer_width = "32")]
    libc::SYS_ftruncate64,
    #[cfg(target_pointer_width = "32")]
    libc::SYS_fchown32,
];

pub const RENAME_AND_REMOVE: &[c_long] = &[
    libc::SYS_renameat2,
    libc::SYS_renameat,
    libc::SYS_unlinkat,
    #[cfg(not(target_arch = "aarch64"))]
    libc::SYS_unlink,
];
