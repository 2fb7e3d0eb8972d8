//! The password or token: drawn or read at start, compared without telling how much of it fits,
//! and guessed at slowly.

use std::cell::Cell;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

use crate::complaint::complain;
use crate::limits::{
    FORGIVEN_AFTER, MAX_PAUSE, MAX_PAUSING, MAX_SECRET_BYTES, MIN_SECRET_BYTES, PAUSE_STEP,
};
use crate::random;

pub struct Secret {
    bytes: [u8; MAX_SECRET_BYTES],
    length: u64,
}

impl Secret {
    /// A token that nobody guesses, and its text.
    pub fn draw() -> Result<(Secret, String), Box<dyn Error>> {
        let text = random::hexadecimal()?;
        Ok((Secret::new(text.as_bytes()), text))
    }

    /// The file's first line. A file that all users can read keeps no secret.
    pub fn read(path: &Path) -> Result<Secret, Box<dyn Error>> {
        let file = File::open(path)?;
        if file.metadata()?.mode() & 0o004 != 0 {
            return Err("every user can read it: chmod o-r".into());
        }
        let mut line = Vec::new();
        let bound = MAX_SECRET_BYTES as u64 + 2;
        BufReader::new(file.take(bound)).read_until(b'\n', &mut line)?;
        let end = line.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |at| at + 1);
        if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&end) {
            let bounds = format!("{MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes");
            return Err(format!("its first line, the secret, must have {bounds}").into());
        }
        Ok(Secret::new(&line[..end]))
    }

    fn new(secret: &[u8]) -> Secret {
        let (bytes, length) = padded(secret);
        Secret { bytes, length }
    }

    /// Takes equally long whatever is offered.
    fn is(&self, offered: &[u8]) -> bool {
        let (bytes, length) = padded(offered);
        (self.bytes.ct_eq(&bytes) & self.length.ct_eq(&length)).into()
    }
}

/// Of what is longer than a secret the beginning, with a length that no secret has.
fn padded(secret: &[u8]) -> ([u8; MAX_SECRET_BYTES], u64) {
    let mut bytes = [0; MAX_SECRET_BYTES];
    let length = secret.len().min(MAX_SECRET_BYTES);
    bytes[..length].copy_from_slice(&secret[..length]);
    (bytes, secret.len() as u64)
}

#[derive(Debug, PartialEq)]
pub enum Verdict {
    Right,
    Wrong,
    /// Too many wrong ones wait for their answers: this one was not looked at.
    Busy,
}

/// Lets those in who know the secret. Whoever does not waits for the answer, and the longer, the
/// more of them there were, wherever they came from.
pub struct Gate {
    secret: Secret,
    pausing: Arc<Semaphore>,
    wrong: Cell<u32>,
    last_wrong: Cell<Option<Instant>>,
}

impl Gate {
    pub fn new(secret: Secret) -> Gate {
        let pausing = Arc::new(Semaphore::new(MAX_PAUSING));
        Gate { secret, pausing, wrong: Cell::new(0), last_wrong: Cell::new(None) }
    }

    pub async fn try_secret(&self, offered: &[u8], peer: IpAddr) -> Verdict {
        let Ok(turn) = Arc::clone(&self.pausing).try_acquire_owned() else {
            return Verdict::Busy;
        };
        if self.secret.is(offered) {
            return Verdict::Right;
        }
        complain(&format!("a wrong password or token from {peer}"));
        let pause = self.next_pause(Instant::now());
        // A task of its own: whoever does not wait for the answer has the pause all the same.
        let paused = spawn_local(async move {
            sleep(pause).await;
            drop(turn);
        });
        let _ = paused.await;
        Verdict::Wrong
    }

    fn next_pause(&self, now: Instant) -> Duration {
        let forgiven = self.last_wrong.get().is_none_or(|last| now - last >= FORGIVEN_AFTER);
        self.last_wrong.set(Some(now));
        self.wrong.set(if forgiven { 1 } else { self.wrong.get().saturating_add(1) });
        MAX_PAUSE.min(PAUSE_STEP.saturating_mul(self.wrong.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_secret_is_the_secret() {
        let secret = Secret::new(b"correct horse");
        assert!(secret.is(b"correct horse"));
        for wrong in [&b""[..], b"correct hors", b"correct horse\0", b"Correct horse", &[0; 999]] {
            assert!(!secret.is(wrong));
        }
        let longest = Secret::new(&[7; MAX_SECRET_BYTES]);
        assert!(longest.is(&[7; MAX_SECRET_BYTES]));
        assert!(!longest.is(&[7; MAX_SECRET_BYTES + 1]));
        let (first, text) = Secret::draw().unwrap();
        assert!(first.is(text.as_bytes()) && text.len() == 64);
        assert_ne!(text, Secret::draw().unwrap().1);
    }

    #[test]
    fn a_file_is_read_if_it_keeps_the_secret() {
        let path = std::env::temp_dir().join(format!("rekeyd-web-secret-{}", std::process::id()));
        let read = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            Secret::read(&path).map_err(|error| error.to_string())
        };
        for text in ["correct horse", "correct horse\n", "correct horse\r\nrest\n"] {
            assert!(read(text, 0o640).unwrap().is(b"correct horse"));
        }
        let short = "its first line, the secret, must have 8 to 256 bytes";
        for text in ["", "\n", "1234567\n", &"x".repeat(257), &"x".repeat(9999)] {
            assert_eq!(read(text, 0o600).err().unwrap(), short);
        }
        assert!(read(&"x".repeat(256), 0o600).is_ok());
        let open = "every user can read it: chmod o-r";
        assert_eq!(read("correct horse", 0o644).err().unwrap(), open);
        fs::remove_file(&path).unwrap();
        assert!(Secret::read(&path).is_err());
    }

    #[test]
    fn pauses_grow_and_are_forgiven() {
        let gate = Gate::new(Secret::new(b"correct horse"));
        let now = Instant::now();
        let pauses: Vec<u128> = (0..12).map(|_| gate.next_pause(now).as_millis()).collect();
        assert_eq!(pauses[..3], [500, 1000, 1500]);
        assert_eq!(pauses[9..], [5000, 5000, 5000]);
        assert_eq!(gate.next_pause(now + FORGIVEN_AFTER / 2).as_millis(), 5000);
        assert_eq!(gate.next_pause(now + 2 * FORGIVEN_AFTER).as_millis(), 500);
    }
}
