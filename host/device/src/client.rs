//! A request to the daemon, and its answer.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::control::MAX_REQUEST_BYTES;
use crate::json;

/// How long the daemon may be silent: one that is stopped or hangs must not hang its user.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// More than the longest answer: a recording of two segments, each with a snapshot of the largest
/// memory and as many records (docs/recording.md).
const MAX_ANSWER_BYTES: u64 = 600 << 20;

/// The daemon's answer.
#[derive(Debug)]
pub struct Answer {
    pub status: Status,
    pub body: Vec<u8>,
}

/// What the line in front of an answer says.
#[derive(Debug, PartialEq)]
pub enum Status {
    Done,
    /// Done, and something is wrong that the answer tells of.
    Found,
    Refused,
    /// Done: the body is for the file that the command named.
    Save(PathBuf),
    /// A frame of the live screen: which VPN is the first one on it, and how many are on it.
    Frame {
        first: usize,
        shown: usize,
    },
    /// The same for where no live screen can follow.
    Live,
}

/// A part of an answer; `next` is the line that gets the one behind it.
struct Part {
    answer: Answer,
    next: Option<Vec<u8>>,
}

/// Asks the daemon; of an answer in parts, for all of them. One that does not come, or stops, is an
/// error after `patience`.
pub fn request(control: &Path, json: bool, line: &[u8], patience: Duration) -> io::Result<Answer> {
    let Part { mut answer, mut next } = request_part(control, json, line, patience)?;
    while let Some(line) = next {
        let part = request_part(control, json, &line, patience)?;
        if part.answer.status == Status::Refused {
            return Ok(part.answer);
        }
        let body = part.answer.body;
        if body.is_empty() || (answer.body.len() + body.len()) as u64 > MAX_ANSWER_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer has no end"));
        }
        answer.body.extend(body);
        next = part.next;
    }
    Ok(answer)
}

fn request_part(control: &Path, json: bool, line: &[u8], patience: Duration) -> io::Result<Part> {
    let prefix: &[u8] = if json { b"json " } else { b"" };
    if prefix.len() + line.len() > MAX_REQUEST_BYTES {
        return Ok(Part { answer: too_long(json), next: None });
    }
    let line = [prefix, line, b"\n"].concat();
    exchange(control, &line, patience).map_err(|error| told(&error, patience))
}

/// The error in words that say what to look at.
fn told(error: &io::Error, patience: Duration) -> io::Error {
    use io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied, TimedOut, UnexpectedEof};
    let (kind, text) = match error.kind() {
        io::ErrorKind::WouldBlock => (TimedOut, format!("it was silent for {patience:?}")),
        UnexpectedEof => (UnexpectedEof, "it closed the connection".into()),
        kind @ (NotFound | ConnectionRefused) => (kind, format!("{error}; is it running?")),
        PermissionDenied => {
            let who = "root may ask, and who is in its --control-group";
            (PermissionDenied, format!("{error}; {who}"))
        }
        kind => (kind, error.to_string()),
    };
    io::Error::new(kind, text)
}

/// The daemon would close the connection before it has read such a line.
fn too_long(as_json: bool) -> Answer {
    let text = format!("a command has at most {MAX_REQUEST_BYTES} bytes");
    let body = if as_json { json::document("error", &text) } else { text + "\n" };
    Answer { status: Status::Refused, body: body.into() }
}

fn exchange(control: &Path, line: &[u8], patience: Duration) -> io::Result<Part> {
    let mut stream = connect_within(control, patience)?;
    stream.write_all(line)?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    let end = answer.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let body = answer.split_off(end + 1);
    let mut next = None;
    let status = match &answer[..end] {
        b"ok" => Status::Done,
        [b'm', b'o', b'r', b'e', b' ', line @ ..] => {
            next = Some(line.to_vec());
            Status::Done
        }
        b"found" => Status::Found,
        [b'l', b'i', b'v', b'e', b' ', ..] => Status::Live,
        [b'f', b'r', b'a', b'm', b'e', b' ', place @ ..] => frame(place),
        [b's', b'a', b'v', b'e', b' ', file @ ..] if contains(line, file) => {
            Status::Save(OsStr::from_bytes(file).into())
        }
        _ => Status::Refused,
    };
    Ok(Part { answer: Answer { status, body }, next })
}

fn frame(place: &[u8]) -> Status {
    let text = String::from_utf8_lossy(place);
    let mut numbers = text.split(' ').map_while(|number| number.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(shown)) => Status::Frame { first, shown },
        _ => Status::Refused,
    }
}

/// Only a file that the user named is written to, whatever the daemon says.
fn contains(line: &[u8], file: &[u8]) -> bool {
    !file.is_empty() && line.windows(file.len()).any(|part| part == file)
}

/// The time limit stands before the connection does: connecting waits while the daemon's queue of
/// clients is full, for as long as a write would (socket(7), SO_SNDTIMEO).
fn connect_within(control: &Path, patience: Duration) -> io::Result<UnixStream> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    for direction in [Timeout::Send, Timeout::Recv] {
        set_socket_timeout(&socket, direction, Some(patience))?;
    }
    connect(&socket, &SocketAddrUnix::new(control)?)?;
    Ok(socket.into())
}

/// Puts the bytes into the file, for its owner alone: all of them or none.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is no ordinary file"));
    }
    let mut partial = path.as_os_str().to_os_string();
    partial.push(format!(".{}.partial", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    let result = file.write_all(bytes).and_then(|()| file.sync_all());
    let result = result.and_then(|()| fs::rename(&partial, path));
    if result.is_err() {
        let _ = fs::remove_file(&partial);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;
    use std::time::Instant;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(5);

    /// A listener that nobody accepts from, and its path.
    fn listener(name: &str) -> (UnixListener, PathBuf) {
        let name = format!("rekeyctl-test-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        (UnixListener::bind(&path).unwrap(), path)
    }

    fn ask(path: &Path, patience: Duration) -> io::Result<Answer> {
        request(path, true, b"get sa", patience)
    }

    #[test]
    fn a_daemon_that_is_silent_is_given_up() {
        let (listener, path) = listener("silent");
        let begun = Instant::now();
        let error = ask(&path, SHORT).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "it was silent for 100ms");

        // With its queue full, not even a connection comes about.
        rustix::net::listen(&listener, 0).unwrap();
        let clients: Vec<_> = (0..3).map(|_| connect_within(&path, SHORT)).collect();
        assert!(clients.iter().any(Result::is_err));
        assert_eq!(ask(&path, SHORT).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < LONG);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn an_answer_is_taken_apart() {
        let (listener, path) = listener("answers");
        let server = thread::spawn(move || {
            for answer in ["ok\nall is well\n", "error\nno\n", "", "ok"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut line = [0; 12];
                stream.read_exact(&mut line).unwrap();
                assert_eq!(&line, b"json get sa\n");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let good = ask(&path, LONG).unwrap();
        assert!(good.status == Status::Done && good.body == b"all is well\n");
        let bad = ask(&path, LONG).unwrap();
        assert!(bad.status == Status::Refused && bad.body == b"no\n");
        for _ in 0..2 {
            assert_eq!(ask(&path, LONG).unwrap_err().to_string(), "it closed the connection");
        }
        server.join().unwrap();
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn an_answer_in_parts_is_whole_or_none() {
        let (listener, path) = listener("parts");
        let server = thread::spawn(move || {
            for (line, answer) in [
                ("json get sa\n", "more get b\nfirst, "),
                ("json get b\n", "more get c\nsecond, "),
                ("json get c\n", "ok\nlast\n"),
                ("json get sa\n", "more get b\nfirst, "),
                ("json get b\n", "error\nno\n"),
                ("json get sa\n", "more get b\nfirst, "),
                ("json get b\n", "more get b\n"),
                ("json get sa\n", "more get b\nfirst, "),
                ("json get b\n", ""),
            ] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = vec![0; line.len()];
                stream.read_exact(&mut asked).unwrap();
                assert_eq!(asked, line.as_bytes());
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let whole = ask(&path, LONG).unwrap();
        assert!(whole.status == Status::Done && whole.body == b"first, second, last\n");
        let refused = ask(&path, LONG).unwrap();
        assert!(refused.status == Status::Refused && refused.body == b"no\n");
        assert_eq!(ask(&path, LONG).unwrap_err().to_string(), "the answer has no end");
        assert_eq!(ask(&path, LONG).unwrap_err().to_string(), "it closed the connection");
        server.join().unwrap();
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("rekeyctl-save-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("recording");
        for content in ["first", "second"] {
            replace(&file, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(replace(&folder, b"").is_err());
        assert!(replace(Path::new("/dev/null"), b"").is_err());
        assert!(replace(&folder.join("none/recording"), b"").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
