//! The control socket: a client sends one line, gets one answer, and is closed.
//! Everything is bounded, so that no client can hold up the daemon or fill its memory.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

use crate::clock::NEVER;
use crate::group;
use crate::json;
use crate::poll::{EventFlags, Poll};

/// More wait in the kernel until one of these is served.
pub const MAX_CLIENTS: usize = 256;
/// Of answers that wait to be read; while there are more, nobody's request is carried out.
const MAX_UNREAD_BYTES: usize = 32 << 20;
/// The longest answer (assembly/limits.ts). A recording is longer, and counts as one.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// A request, without its newline (assembly/limits.ts).
pub const MAX_REQUEST_BYTES: usize = 1024;
/// From connecting to the whole request, and for each step of reading the answer.
const CLIENT_TIMEOUT_MS: i64 = 5_000;
/// Rest after an accept that failed for lack of something.
const ACCEPT_PAUSE_MS: i64 = 1_000;

pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    token: u64,
    /// A client's id, which is also its token, is never used again.
    next_id: u32,
    clients: Vec<Client>,
    resume_at_ms: i64,
    is_listening: bool,
}

struct Client {
    id: u32,
    stream: UnixStream,
    request: Vec<u8>,
    wants_json: bool,
    answer: Vec<u8>,
    state: State,
    deadline_ms: i64,
}

#[derive(PartialEq)]
enum State {
    Asking,
    Waiting,
    Reading { written: usize },
}

impl Control {
    /// Listens at the path, for this user alone, and for a group's members. Client ids, and tokens,
    /// are greater than `token`.
    pub fn open(path: &Path, group: Option<u32>, token: u64) -> io::Result<Control> {
        remove_stale(path)?;
        let mask = umask(Mode::from_raw_mode(0o177));
        let listener = UnixListener::bind(path);
        umask(mask);
        let listener = listener?;
        if let Some(group) = group {
            group::admit(path, group)?;
        }
        listener.set_nonblocking(true)?;
        Ok(Control {
            listener,
            path: path.to_path_buf(),
            token,
            next_id: token as u32 + 1,
            clients: Vec::with_capacity(MAX_CLIENTS),
            resume_at_ms: NEVER,
            is_listening: true,
        })
    }

    pub fn register(&self, poll: &Poll) -> io::Result<()> {
        poll.add(&self.listener, self.token, EventFlags::IN)
    }

    /// Takes in those who knock.
    pub fn accept(&mut self, now_ms: i64, poll: &Poll) {
        while self.clients.len() < MAX_CLIENTS {
            match self.accept_one(now_ms, poll) {
                Ok(()) => (),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.resume_at_ms = now_ms + ACCEPT_PAUSE_MS;
                    break;
                }
            }
        }
        self.update_listening(poll);
    }

    fn accept_one(&mut self, now_ms: i64, poll: &Poll) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(true)?;
        let id = self.next_id;
        poll.add(&stream, id.into(), EventFlags::IN)?;
        self.next_id = self.next_id.checked_add(1).unwrap_or(self.token as u32 + 1);
        self.clients.push(Client {
            id,
            stream,
            request: Vec::new(),
            wants_json: false,
            answer: Vec::new(),
            state: State::Asking,
            deadline_ms: now_ms + CLIENT_TIMEOUT_MS,
        });
        Ok(())
    }

    /// Serves a client that epoll names. Some: its request, complete, and without the newline.
    pub fn serve(&mut self, id: u32, now_ms: i64, poll: &Poll) -> Option<Vec<u8>> {
        let unread: usize = self.clients.iter().map(Client::unread_bytes).sum();
        let client = self.clients.iter_mut().find(|client| client.id == id)?;
        match client.state {
            State::Asking => match client.read_request() {
                Ok(true) if unread >= MAX_UNREAD_BYTES => {
                    self.refuse(id, "too many answers wait to be read", now_ms, poll);
                }
                Ok(true) => {
                    client.state = State::Waiting;
                    let _ = poll.modify(&client.stream, id.into(), EventFlags::empty());
                    return Some(std::mem::take(&mut client.request));
                }
                Ok(false) => (),
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    let text = format!("a request has at most {MAX_REQUEST_BYTES} bytes");
                    self.refuse(id, &text, now_ms, poll);
                }
                Err(_) => self.close(id, poll),
            },
            // It hung up.
            State::Waiting => self.close(id, poll),
            State::Reading { .. } => self.write_answer(id, now_ms, poll),
        }
        None
    }

    /// Answers a client. One that is gone by now needs no answer.
    pub fn reply(&mut self, id: u32, answer: impl Into<Vec<u8>>, now_ms: i64, poll: &Poll) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
            client.answer = answer.into();
            client.state = State::Reading { written: 0 };
            self.write_answer(id, now_ms, poll);
        }
    }

    /// Tells a client why its request is not carried out, as a JSON document if it asks for one.
    pub fn refuse(&mut self, id: u32, text: &str, now_ms: i64, poll: &Poll) {
        let asks_for = |client: &&Client| client.id == id && client.wants_json;
        let body = match self.clients.iter().find(asks_for) {
            Some(_) => json::document("error", text),
            None => format!("{text}\n"),
        };
        self.reply(id, format!("error\n{body}"), now_ms, poll);
    }

    /// Refuses everybody whose request is with the engine.
    pub fn refuse_waiting(&mut self, text: &str, now_ms: i64, poll: &Poll) {
        let is_waiting = |client: &&Client| client.state == State::Waiting;
        let waiting: Vec<u32> = self.clients.iter().filter(is_waiting).map(|c| c.id).collect();
        for id in waiting {
            self.refuse(id, text, now_ms, poll);
        }
    }

    fn write_answer(&mut self, id: u32, now_ms: i64, poll: &Poll) {
        let Some(client) = self.clients.iter_mut().find(|client| client.id == id) else {
            return;
        };
        match client.write_answer(now_ms) {
            Ok(true) | Err(_) => self.close(id, poll),
            Ok(false) => {
                let _ = poll.modify(&client.stream, id.into(), EventFlags::OUT);
            }
        }
    }

    fn close(&mut self, id: u32, poll: &Poll) {
        self.clients.retain(|client| client.id != id);
        self.update_listening(poll);
    }

    /// When `expire` is due.
    pub fn deadline_ms(&self) -> i64 {
        self.clients.iter().map(|client| client.deadline_ms).fold(self.resume_at_ms, i64::min)
    }

    /// Closes the clients that are too slow.
    pub fn expire(&mut self, now_ms: i64, poll: &Poll) {
        self.clients.retain(|client| client.deadline_ms > now_ms);
        if self.resume_at_ms <= now_ms {
            self.resume_at_ms = NEVER;
        }
        self.update_listening(poll);
    }

    fn update_listening(&mut self, poll: &Poll) {
        let listens = self.clients.len() < MAX_CLIENTS && self.resume_at_ms == NEVER;
        if listens != self.is_listening {
            let interest = if listens { EventFlags::IN } else { EventFlags::empty() };
            let _ = poll.modify(&self.listener, self.token, interest);
            self.is_listening = listens;
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Client {
    /// Reads on; true: the line is complete.
    fn read_request(&mut self) -> io::Result<bool> {
        let mut buffer = [0; MAX_REQUEST_BYTES + 1];
        loop {
            let room = MAX_REQUEST_BYTES + 1 - self.request.len();
            match self.stream.read(&mut buffer[..room]) {
                Ok(0) if room == 0 => return Err(ErrorKind::InvalidInput.into()),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.request.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            self.wants_json = self.request.trim_ascii_start().starts_with(b"json ");
            if let Some(end) = self.request.iter().position(|&byte| byte == b'\n') {
                self.request.truncate(end);
                return Ok(true);
            }
        }
    }

    /// Bytes of its answer that it has not taken.
    fn unread_bytes(&self) -> usize {
        match self.state {
            State::Reading { written } => (self.answer.len() - written).min(MAX_ANSWER_BYTES),
            _ => 0,
        }
    }

    /// Writes on; true: all is written.
    fn write_answer(&mut self, now_ms: i64) -> io::Result<bool> {
        let State::Reading { written } = &mut self.state else {
            return Ok(true);
        };
        while *written < self.answer.len() {
            match self.stream.write(&self.answer[*written..]) {
                Ok(length) => *written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.deadline_ms = now_ms + CLIENT_TIMEOUT_MS;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Makes room for the socket where a daemon that died left its own.
fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            Err(io::Error::new(ErrorKind::AlreadyExists, "something that is no socket is there"))
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            Err(io::Error::new(ErrorKind::AddrInUse, "another rekeyd is running"))
        }
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::Chance;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    const TOKEN: u64 = 10;

    /// The umask belongs to the process, so tests side by side open one after another.
    static OPENING: Mutex<()> = Mutex::new(());

    struct Bench {
        control: Control,
        poll: Poll,
        ready: Vec<(u64, EventFlags)>,
    }

    impl Bench {
        fn new(name: &str) -> Bench {
            let name = format!("rekeyd-control-{name}-{}", std::process::id());
            let control = {
                let _alone = OPENING.lock();
                Control::open(&std::env::temp_dir().join(name), None, TOKEN).unwrap()
            };
            let poll = Poll::new().unwrap();
            control.register(&poll).unwrap();
            Bench { control, poll, ready: Vec::new() }
        }

        fn connect(&self) -> UnixStream {
            let stream = UnixStream::connect(&self.control.path).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        }

        /// One round of the daemon's loop; returns the requests.
        fn turn(&mut self, now_ms: i64) -> Vec<(u32, Vec<u8>)> {
            let mut requests = Vec::new();
            self.poll.wait(&mut self.ready, true).unwrap();
            for (token, _) in std::mem::take(&mut self.ready) {
                if token == TOKEN {
                    self.control.accept(now_ms, &self.poll);
                } else if let Some(request) = self.control.serve(token as u32, now_ms, &self.poll) {
                    requests.push((token as u32, request));
                }
            }
            if self.control.deadline_ms() <= now_ms {
                self.control.expire(now_ms, &self.poll);
            }
            requests
        }
    }

    #[test]
    fn a_request_in_pieces_is_answered_and_closed() {
        let mut bench = Bench::new("pieces");
        let mode = std::fs::metadata(&bench.control.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut stream = bench.connect();
        bench.turn(0);
        stream.write_all(b"get ").unwrap();
        assert!(bench.turn(0).is_empty());
        stream.write_all(b"sa\n").unwrap();
        let requests = bench.turn(0);
        let (id, request) = &requests[0];
        assert_eq!(request, b"get sa");
        bench.control.reply(*id, b"ok\nall is well\n", 0, &bench.poll);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "ok\nall is well\n");
        assert!(bench.control.clients.is_empty());
        assert_eq!(bench.control.deadline_ms(), NEVER);
    }

    #[test]
    fn a_long_answer_goes_out_as_it_is_read() {
        let mut bench = Bench::new("long");
        let mut stream = bench.connect();
        stream.write_all(b"x\n").unwrap();
        bench.turn(0);
        let (id, _) = bench.turn(0)[0];
        bench.control.reply(id, vec![7; 4 << 20], 0, &bench.poll);
        let (mut buffer, mut total) = (vec![0; 1 << 16], 0);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => total += length,
                Err(_) => drop(bench.turn(0)),
            }
        }
        assert_eq!(total, 4 << 20);
    }

    #[test]
    fn a_request_is_its_first_line_however_it_comes() {
        let mut bench = Bench::new("hostile");
        let mut chance = Chance(1);
        for round in 0..300 {
            let mut sent = chance.bytes(2 * MAX_REQUEST_BYTES);
            if chance.below(2) == 0 {
                sent.insert(chance.below(sent.len() + 1), b'\n');
            }
            let mut client = bench.connect();
            let mut taken = bench.turn(round);
            let mut rest = &sent[..];
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(1 + chance.below(rest.len()));
                // Who is refused cannot write on.
                if client.write_all(piece).is_err() {
                    break;
                }
                rest = more;
                taken.extend(bench.turn(round));
            }
            drop(client);
            taken.extend(bench.turn(round));
            // A line counts where it ends within the bound; what follows is nobody's.
            let line = sent.iter().take(MAX_REQUEST_BYTES + 1).position(|&byte| byte == b'\n');
            let requests: Vec<&[u8]> = taken.iter().map(|(_, request)| &request[..]).collect();
            assert_eq!(requests, line.map(|end| &sent[..end]).into_iter().collect::<Vec<_>>());
            assert!(bench.control.clients.is_empty());
        }
    }

    #[test]
    fn too_long_a_request_is_refused() {
        let mut bench = Bench::new("bytes");
        let mut stream = bench.connect();
        stream.write_all(&[b'x'; MAX_REQUEST_BYTES]).unwrap();
        bench.turn(0);
        assert!(bench.turn(0).is_empty());
        stream.write_all(b"xx\n").unwrap();
        assert!(bench.turn(0).is_empty());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, b"error\na request has at most 1024 bytes\n");
    }

    #[test]
    fn answers_that_nobody_reads_are_bounded() {
        let mut bench = Bench::new("unread");
        let ask = |bench: &mut Bench, line: &[u8]| {
            let mut stream = bench.connect();
            stream.write_all(line).unwrap();
            bench.turn(0);
            (stream, bench.turn(0))
        };
        let mut slow = Vec::new();
        while slow.len() <= MAX_UNREAD_BYTES / MAX_ANSWER_BYTES {
            let (stream, requests) = ask(&mut bench, b"get vpn\n");
            // A part of it is in the kernel.
            bench.control.reply(requests[0].0, vec![7; MAX_ANSWER_BYTES], 0, &bench.poll);
            slow.push(stream);
        }
        const TEXT: &str = "too many answers wait to be read";
        for (line, refusal) in [
            (&b"get sa\n"[..], format!("error\n{TEXT}\n")),
            (b" json get sa\n", format!("error\n{{\"error\":\"{TEXT}\"}}\n")),
        ] {
            let (mut stream, requests) = ask(&mut bench, line);
            assert!(requests.is_empty());
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, refusal);
        }
        drop(slow);
        bench.turn(0);
        assert_eq!(ask(&mut bench, b"get sa\n").1.len(), 1);
    }

    #[test]
    fn clients_are_bounded_in_number_and_time() {
        let mut bench = Bench::new("count");
        let streams: Vec<UnixStream> = (0..MAX_CLIENTS + 3).map(|_| bench.connect()).collect();
        bench.turn(0);
        assert_eq!(bench.control.clients.len(), MAX_CLIENTS);
        assert!(bench.turn(1).is_empty() && bench.ready.is_empty());
        assert_eq!(bench.control.deadline_ms(), CLIENT_TIMEOUT_MS);
        bench.turn(CLIENT_TIMEOUT_MS);
        bench.turn(CLIENT_TIMEOUT_MS);
        assert_eq!(bench.control.clients.len(), 3);
        drop(streams);
        bench.turn(CLIENT_TIMEOUT_MS);
        assert!(bench.control.clients.is_empty());
    }

    #[test]
    fn a_path_in_use_is_left_alone() {
        let bench = Bench::new("twice");
        let error = Control::open(&bench.control.path, None, TOKEN).err().unwrap();
        assert_eq!(error.to_string(), "another rekeyd is running");
        let file = bench.control.path.with_extension("file");
        std::fs::write(&file, "precious").unwrap();
        assert!(Control::open(&file, None, TOKEN).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        std::fs::remove_file(&file).unwrap();
    }
}
