//! The process that runs hooks: forked before the daemon gives up its rights, so that the daemon
//! itself can start no program. It knows nothing but its end of a socket; each message asks for one
//! hook (assembly/monitor/hook_message.ts), and each hook that ends is answered for (answer).
//! When the daemon has gone, whatever way, it ends its hooks and itself.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::clock::{self, NEVER};
use crate::hook_request::{Request, is_safe, name_of, parse};
use crate::user::User;

/// The longest message (assembly/limits.ts, MAX_HOOK_BYTES).
pub const MAX_MESSAGE_BYTES: usize = 2048;
/// The engine asks for 8 at once; an engine that trapped may have left as many behind.
const MAX_RUNS: usize = 16;
/// From the request to end to the signal that nothing survives.
const GRACE_MS: i64 = 1000;
const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
const NAME: &CStr = c"rekeyd-hooks";

/// How a hook ended (assembly/event/hook.ts).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    Exited = 0,
    Signalled = 1,
    TimedOut = 2,
    NotStarted = 3,
    Unsafe = 4,
}

/// Forks the helper, and returns the daemon's end of the socket. There may be no threads yet, and
/// nothing open that the helper should not hold.
pub fn start(user: Option<&User>) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    // SAFETY: there is one thread, so the child may do whatever its parent might have done.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(ours);
            let code = match settle_in(user).and_then(|()| serve(theirs)) {
                Ok(()) => 0,
                Err(_) => 1,
            };
            std::process::exit(code)
        }
        _ => {
            // Nobody waits for it: the daemon may not, once its rights are gone.
            // SAFETY: no handler of ours is installed.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            Ok(ours)
        }
    }
}

/// Away from the daemon's terminal, folder and user; only the end of the socket ends it.
fn settle_in(user: Option<&User>) -> io::Result<()> {
    if let Some(user) = user {
        user.become_it()?;
    }
    std::env::set_current_dir("/")?;
    rustix::process::setsid()?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    rustix::thread::set_name(NAME)?;
    change_signals(libc::SIG_BLOCK)
}

/// Blocks, or lets through, what would end the helper before its hooks.
fn change_signals(how: libc::c_int) -> io::Result<()> {
    // SAFETY: sigemptyset makes a set of it before its use.
    let result = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
            libc::sigaddset(&mut set, signal);
        }
        libc::sigprocmask(how, &set, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A hook that runs, in a process group of its own.
struct Run {
    name: Vec<u8>,
    child: Child,
    group: Pid,
    pidfd: OwnedFd,
    /// When it is asked to end, or, asked before, made to.
    due_ms: i64,
    asked: bool,
}

/// Runs hooks until the other end of the socket is closed.
fn serve(socket: OwnedFd) -> io::Result<()> {
    let mut runs: Vec<Run> = Vec::new();
    loop {
        let (called, ended) = wait(Some(&socket), &runs, NEVER)?;
        finish(&mut runs, ended, |run, status| {
            let (outcome, detail) = judge(status, run.asked);
            answer(&socket, &run.name, outcome, detail);
        });
        end_overdue(&mut runs);
        if !called {
            continue;
        }
        let mut message = [0; MAX_MESSAGE_BYTES];
        match recv(&socket, &mut message[..], RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
            Ok((1.., length)) => match begin(message.get(..length), runs.len()) {
                Ok(run) => runs.push(run),
                Err(refused) => answer(&socket, &refused.name, refused.outcome, refused.detail),
            },
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => (),
            _ => break,
        }
    }
    end_all(runs)
}

/// The daemon has gone: its hooks go, too. What no signal ends is left to the kernel.
fn end_all(mut runs: Vec<Run>) -> io::Result<()> {
    let begun_ms = clock::now_ms();
    runs.iter_mut().for_each(|run| run.due_ms = run.due_ms.min(begun_ms));
    while !runs.is_empty() && clock::now_ms() < begun_ms + 2 * GRACE_MS {
        end_overdue(&mut runs);
        let (_, ended) = wait(None, &runs, begun_ms + 2 * GRACE_MS)?;
        finish(&mut runs, ended, |_, _| ());
    }
    Ok(())
}

/// Waits for the socket, a hook's end, a time limit, or until a time: whether the socket has
/// something, and which hooks have ended.
fn wait(socket: Option<&OwnedFd>, runs: &[Run], until_ms: i64) -> io::Result<(bool, Vec<bool>)> {
    let due_ms = runs.iter().map(|run| run.due_ms).fold(until_ms, i64::min);
    let left_ms = due_ms.saturating_sub(clock::now_ms()).max(0);
    let timeout = Timespec { tv_sec: left_ms / 1000, tv_nsec: left_ms % 1000 * 1_000_000 };
    let mut fds: Vec<PollFd> =
        runs.iter().map(|run| PollFd::new(&run.pidfd, PollFlags::IN)).collect();
    fds.extend(socket.map(|socket| PollFd::new(socket, PollFlags::IN)));
    match poll(&mut fds, (due_ms != NEVER).then_some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => (),
        Err(error) => return Err(error.into()),
    }
    let mut ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    let called = socket.is_some() && ready.pop().unwrap_or(false);
    Ok((called, ready))
}

/// Takes leave of hooks that have ended, and of what they have left behind in their groups.
fn finish(runs: &mut Vec<Run>, ended: Vec<bool>, mut tell: impl FnMut(&Run, ExitStatus)) {
    for at in (0..ended.len()).rev().filter(|&at| ended[at]) {
        let mut run = runs.swap_remove(at);
        // Before it is waited for: until then its number is nobody else's.
        let _ = kill_process_group(run.group, Signal::KILL);
        if let Ok(status) = run.child.wait() {
            tell(&run, status);
        }
    }
}

/// Asks hooks whose time is over to end; those that were asked already are made to.
fn end_overdue(runs: &mut [Run]) {
    let now_ms = clock::now_ms();
    for run in runs.iter_mut().filter(|run| run.due_ms <= now_ms) {
        let signal = if run.asked { Signal::KILL } else { Signal::TERM };
        let _ = kill_process_group(run.group, signal);
        run.due_ms = if run.asked { NEVER } else { now_ms + GRACE_MS };
        run.asked = true;
    }
}

fn judge(status: ExitStatus, asked: bool) -> (Outcome, i32) {
    match (asked, status.code()) {
        (true, _) => (Outcome::TimedOut, 0),
        (false, Some(code)) => (Outcome::Exited, code),
        (false, None) => (Outcome::Signalled, status.signal().unwrap_or(0)),
    }
}

/// `u32 outcome  u32 detail  VPN's name`. The daemon has room for as many as may run.
fn answer(socket: &OwnedFd, name: &[u8], outcome: Outcome, detail: i32) {
    let mut bytes = (outcome as u32).to_ne_bytes().to_vec();
    bytes.extend(detail.to_ne_bytes());
    bytes.extend(name);
    let _ = send(socket, &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
}

/// A hook that does not run.
struct Refused {
    name: Vec<u8>,
    outcome: Outcome,
    detail: i32,
}

fn begin(message: Option<&[u8]>, running: usize) -> Result<Run, Refused> {
    let refuse = |name: &[u8], outcome, detail| Refused { name: name.to_vec(), outcome, detail };
    let Some(request) = message.and_then(parse) else {
        let name = message.and_then(name_of).unwrap_or_default();
        return Err(refuse(name, Outcome::NotStarted, libc::EINVAL));
    };
    let Request { name, limit_ms, path, variables } = request;
    if running >= MAX_RUNS {
        return Err(refuse(&name, Outcome::NotStarted, libc::EAGAIN));
    }
    let failed = |error: io::Error| {
        let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
        refuse(&name, Outcome::NotStarted, errno)
    };
    let program = path.canonicalize().map_err(failed)?;
    if !is_safe(&program).map_err(failed)? {
        return Err(refuse(&name, Outcome::Unsafe, 0));
    }
    let mut command = Command::new(program);
    command.arg0(&path).env_clear().env("PATH", SEARCH_PATH).process_group(0);
    command.envs(variables.iter().map(|(key, value)| (key, OsStr::from_bytes(value))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: sigprocmask may be called between fork and exec, and nothing is allocated.
    unsafe { command.pre_exec(|| change_signals(libc::SIG_UNBLOCK)) };
    let mut child = command.spawn().map_err(failed)?;
    let group = Pid::from_child(&child);
    match pidfd_open(group, PidfdFlags::empty()) {
        Ok(pidfd) => {
            let due_ms = clock::now_ms() + i64::from(limit_ms);
            Ok(Run { name, child, group, pidfd, due_ms, asked: false })
        }
        Err(error) => {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = child.wait();
            Err(failed(error.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook_request::tests::message;
    use crate::hooks::{Ended, Gone, Hooks};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::thread::{self, JoinHandle, sleep};
    use std::time::{Duration, Instant};

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A helper in a thread, the daemon's side of it, and a folder for hooks.
    struct Bench {
        hooks: Option<Hooks>,
        server: Option<JoinHandle<io::Result<()>>>,
        folder: PathBuf,
    }

    impl Bench {
        fn new(name: &str) -> Bench {
            let (ours, theirs) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                    .unwrap();
            let name = format!("rekeyd-helper-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            let server = Some(thread::spawn(move || serve(theirs)));
            Bench { hooks: Some(Hooks::new(ours)), server, folder }
        }

        /// A shell script that is a hook; `$0.out` is its own file.
        fn script(&self, name: &str, text: &str) -> PathBuf {
            let path = self.folder.join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn run(&mut self, name: &str, limit_ms: u32, path: &Path, variables: &[&str]) {
            let message = message(name, limit_ms, path, variables);
            self.hooks.as_mut().unwrap().run(7, &message).unwrap();
        }

        /// The next hook that ends, in words.
        fn next(&mut self) -> String {
            let Ended { outcome, detail, name } = self.next_ended();
            format!("{} {outcome} {detail}", String::from_utf8(name).unwrap())
        }

        fn next_ended(&mut self) -> Ended {
            let begun = Instant::now();
            loop {
                if let Some(ended) = self.hooks.as_mut().unwrap().receive().unwrap() {
                    return ended;
                }
                assert!(begun.elapsed() < PATIENCE, "no hook ended");
                sleep(Duration::from_millis(5));
            }
        }

        fn output(&self, name: &str) -> String {
            let path = self.folder.join(format!("{name}.out"));
            wait_for(|| fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')));
            fs::read_to_string(path).unwrap()
        }

        /// The daemon goes.
        fn close(&mut self) {
            drop(self.hooks.take());
            self.server.take().unwrap().join().unwrap().unwrap();
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            drop(self.hooks.take());
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    fn wait_for(is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE);
            sleep(Duration::from_millis(5));
        }
    }

    fn is_alive(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    #[test]
    fn a_hook_has_its_variables_and_nothing_else() {
        let mut bench = Bench::new("environment");
        let path = bench.script("env", "{ pwd; echo $#; cat; env | sort; } >$0.out; exit 3");
        bench.run("a", 5000, &path, &["REKEYD_EVENT=up", "REKEYD_PEER="]);
        assert_eq!(bench.next(), "a 0 3");
        let expected = format!(
            "{}\n0\nPATH={SEARCH_PATH}\nPWD={0}\nREKEYD_EVENT=up\nREKEYD_PEER=\n",
            std::env::current_dir().unwrap().display(),
        );
        let output: String = bench.output("env").replace("_=/usr/bin/env\n", "");
        assert_eq!(output, expected);
    }

    #[test]
    fn one_that_hangs_ends_with_its_group_and_holds_up_no_other() {
        let mut bench = Bench::new("hangs");
        let stubborn = "trap '' TERM; sleep 300 & echo $$ $! >$0.out; wait; sleep 300";
        let stubborn = bench.script("stubborn", stubborn);
        let quick = bench.script("quick", "exit 0");
        let begun = Instant::now();
        bench.run("slow", 100, &stubborn, &[]);
        bench.run("quick", 5000, &quick, &[]);
        assert_eq!(bench.next(), "quick 0 0");
        let pids = bench.output("stubborn");
        assert_eq!(bench.next(), "slow 2 0");
        assert!(begun.elapsed() >= Duration::from_millis(100 + GRACE_MS as u64));
        wait_for(|| !pids.split_whitespace().any(is_alive));
    }

    #[test]
    fn one_that_is_asked_may_tidy_up() {
        let mut bench = Bench::new("tidy");
        let text = "trap 'echo tidied >$0.out; exit 0' TERM; while :; do sleep 0.01; done";
        let path = bench.script("tidy", text);
        bench.run("a", 200, &path, &[]);
        assert_eq!(bench.next(), "a 2 0");
        assert_eq!(bench.output("tidy"), "tidied\n");
    }

    #[test]
    fn what_a_hook_leaves_behind_ends_with_it() {
        let mut bench = Bench::new("forks");
        let path = bench.script("forks", "sleep 300 & echo $! >$0.out");
        bench.run("a", 5000, &path, &[]);
        assert_eq!(bench.next(), "a 0 0");
        let pid = bench.output("forks");
        wait_for(|| !is_alive(&pid));
    }

    #[test]
    fn a_flood_of_output_goes_nowhere() {
        let mut bench = Bench::new("flood");
        let path =
            bench.script("flood", "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2");
        bench.run("a", 60_000, &path, &[]);
        assert_eq!(bench.next(), "a 0 0");
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        let mut bench = Bench::new("cannot");
        let folder = bench.folder.clone();
        let plain = folder.join("plain");
        fs::write(&plain, "not a program").unwrap();
        let lost = bench.script("lost", "");
        fs::write(&lost, "#!/no/such/interpreter\n").unwrap();
        let writable = bench.script("writable", "exit 0");
        fs::set_permissions(&writable, fs::Permissions::from_mode(0o777)).unwrap();
        let killed = bench.script("killed", "kill -9 $$");
        let open = folder.join("open");
        fs::create_dir(&open).unwrap();
        let inside = bench.script("open/inside", "exit 0");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        for (path, outcome) in [
            (folder.join("nowhere"), "a 3 2"),
            (plain, "a 3 13"),
            (lost, "a 3 2"),
            (writable, "a 4 0"),
            (inside, "a 4 0"),
            (killed, "a 1 9"),
            (folder, "a 3 13"),
        ] {
            bench.run("a", 5000, &path, &[]);
            assert_eq!(bench.next(), outcome, "{}", path.display());
        }
    }

    #[test]
    fn they_are_bounded_in_number() {
        let mut bench = Bench::new("bounded");
        let path = bench.script("sleeps", "sleep 300");
        for _ in 0..=MAX_RUNS {
            bench.run("a", 60_000, &path, &[]);
        }
        assert_eq!(bench.next(), format!("a 3 {}", libc::EAGAIN));
        let begun = Instant::now();
        bench.close();
        assert!(begun.elapsed() < PATIENCE);
    }

    #[test]
    fn they_go_when_the_daemon_goes() {
        let mut bench = Bench::new("goes");
        let text = "trap '' TERM; echo $$ >$0.out; while :; do sleep 1; done";
        let path = bench.script("stays", text);
        bench.run("a", 60_000, &path, &[]);
        let pid = bench.output("stays");
        bench.close();
        wait_for(|| !is_alive(&pid));
    }

    #[test]
    fn a_message_that_is_none_is_answered() {
        let mut bench = Bench::new("messages");
        let hooks = bench.hooks.as_mut().unwrap();
        hooks.run(1, b"\x03vpn").unwrap();
        assert_eq!(bench.next(), format!("vpn 3 {}", libc::EINVAL));
        let long = message("vpn", 1, Path::new("/a"), &[&"x".repeat(MAX_MESSAGE_BYTES)]);
        bench.hooks.as_mut().unwrap().run(1, &long).unwrap();
        assert_eq!(bench.next(), format!(" 3 {}", libc::EINVAL));
    }

    #[test]
    fn what_a_fresh_engine_must_know_is_kept() {
        let mut bench = Bench::new("told");
        let path = bench.script("waits", "sleep 0.2");
        bench.run("a", 5000, &path, &[]);
        let told = |bench: &Bench| bench.hooks.as_ref().unwrap().told();
        assert_eq!(told(&bench), [(b"a".to_vec(), crate::hooks::Told { what: 7, runs: true })]);
        bench.next();
        assert_eq!(told(&bench), [(b"a".to_vec(), crate::hooks::Told { what: 7, runs: false })]);
    }

    #[test]
    fn a_helper_that_has_gone_is_noticed() {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .unwrap();
        let mut hooks = Hooks::new(ours);
        assert_eq!(hooks.receive(), Ok(None));
        drop(theirs);
        assert!(hooks.is_alive());
        assert_eq!(hooks.run(1, b"\x01a"), Err(Gone));
        assert!(!hooks.is_alive());
        assert_eq!(hooks.receive(), Err(Gone));
    }
}
