//! Asks the daemon at its control socket. Few ask at once: it serves others, too.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::answer::{self, Head};
use crate::limits::{MAX_ANSWER_BYTES, MAX_PART_BYTES, PATIENCE, RETRY_PAUSE};
use crate::line::JSON;

const NOT_OURS: &str = r#"{"error":"only rekeyctl knows what to do with this command's answer"}"#;

/// Why there is no answer to a line.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// It was not carried out: the engine's document says why.
    Refused(String),
    /// Nobody answers, or not as rekeyd does.
    Away(String),
}

pub struct Control {
    path: PathBuf,
    asking: Semaphore,
}

impl Control {
    /// As many ask at once as `at_once` says; others wait.
    pub fn new(path: PathBuf, at_once: usize) -> Control {
        Control { path, asking: Semaphore::new(at_once) }
    }

    /// The document that answers the line.
    pub async fn document(&self, line: &[u8]) -> Result<String, Failure> {
        let (head, body) = self.ask([JSON, line].concat()).await.map_err(|e| self.away(e))?;
        let document = answer::document(&body).map(str::to_string);
        match (head, document) {
            (Head::Other, _) => Err(Failure::Refused(NOT_OURS.into())),
            (Head::Refused, Some(document)) => Err(Failure::Refused(document)),
            (_, Some(document)) => Ok(document),
            (_, None) => Err(self.away(invalid("its answer is no JSON document"))),
        }
    }

    /// The states and counters, in OpenMetrics' format.
    pub async fn metrics(&self) -> Result<Vec<u8>, Failure> {
        match self.ask(b"metrics".to_vec()).await {
            Ok((Head::Done, body)) => Ok(body),
            Ok(_) => Err(self.away(invalid("it tells no metrics"))),
            Err(error) => Err(self.away(error)),
        }
    }

    fn away(&self, error: io::Error) -> Failure {
        Failure::Away(format!("no answer from rekeyd at {}: {error}", self.path.display()))
    }

    /// The whole answer, also of one in parts.
    async fn ask(&self, line: Vec<u8>) -> io::Result<(Head, Vec<u8>)> {
        let turn = timeout(PATIENCE, self.asking.acquire()).await;
        let _turn = turn.map_err(|_| silent())?.map_err(io::Error::other)?;
        let (mut head, mut answer) = self.ask_part(line).await?;
        while let Head::More(next) = head {
            let part;
            (head, part) = self.ask_part(next).await?;
            if matches!(head, Head::Refused | Head::Other) {
                return Ok((head, part));
            }
            if part.is_empty() || answer.len() + part.len() > MAX_ANSWER_BYTES {
                return Err(invalid("its answer has no end"));
            }
            answer.extend(part);
        }
        Ok((head, answer))
    }

    async fn ask_part(&self, mut line: Vec<u8>) -> io::Result<(Head, Vec<u8>)> {
        line.push(b'\n');
        let mut stream = timeout(PATIENCE, self.connect()).await.map_err(|_| silent())??;
        timeout(PATIENCE, stream.write_all(&line)).await.map_err(|_| silent())??;
        let mut answer = Vec::new();
        while timeout(PATIENCE, stream.read_buf(&mut answer)).await.map_err(|_| silent())?? > 0 {
            if answer.len() > MAX_PART_BYTES {
                return Err(invalid("its answer is too long"));
            }
        }
        let parts = answer::split(&answer);
        let (head, body) = parts.ok_or_else(|| invalid("it closed the connection"))?;
        Ok((head, body.to_vec()))
    }

    /// Waits while the daemon's queue of clients is full.
    async fn connect(&self) -> io::Result<UnixStream> {
        loop {
            match UnixStream::connect(&self.path).await {
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(RETRY_PAUSE).await,
                result => return result,
            }
        }
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}

fn silent() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("it was silent for {PATIENCE:?}"))
}
