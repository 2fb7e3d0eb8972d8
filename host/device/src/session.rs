//! `rekeyctl`: commands from the command line, a file, standard input or a prompt, and where their
//! answers go.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::client::{self, Answer, PATIENCE, Status};
use crate::json;
use crate::offline;
use crate::prompt;
use crate::signal::Signals;
use crate::watch;
use crate::wrap::fit;

const REFUSED: u8 = 1;
const UNREADABLE: u8 = 2;
const UNREACHABLE: u8 = 3;
const FOUND: u8 = 4;

/// Where a command stands in a file.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    file: &'a str,
    line: usize,
}

/// Whom to ask, and for which kind of answers.
pub struct Session {
    pub control: PathBuf,
    pub json: bool,
}

/// What became of a command. Greater ones are worse: the exit status says the worst.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub enum Outcome {
    Done,
    /// Of what was looked at something is wrong.
    Found,
    Refused,
    Unreachable,
}

impl Session {
    /// The one command that was given as arguments.
    pub fn run_one(&self, line: &[u8]) -> ExitCode {
        finish(self.run(line, None))
    }

    /// The commands of a file, or of standard input; a prompt where that is a terminal.
    pub fn run_many(&self, file: Option<PathBuf>) -> ExitCode {
        let result = match file {
            Some(path) if path.as_os_str() != "-" => File::open(&path)
                .and_then(|file| self.run_lines(file, &path.to_string_lossy()))
                .map_err(|error| format!("{}: {error}", path.display()).into()),
            None if is_interactive() => prompt::run(self),
            _ => self.run_lines(io::stdin(), "standard input").map_err(Box::<dyn Error>::from),
        };
        match result {
            Ok(outcome) => finish(outcome),
            Err(error) => {
                eprintln!("rekeyctl: {error}");
                ExitCode::from(UNREADABLE)
            }
        }
    }

    /// Goes on after a command that is refused, as a terminal does into which lines are pasted;
    /// without a daemon the rest is not tried.
    fn run_lines(&self, input: impl Read, name: &str) -> io::Result<Outcome> {
        let mut input = BufReader::new(input);
        let mut worst = Outcome::Done;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let command = line.trim_ascii();
            if command.is_empty() || command.starts_with(b"#") {
                continue;
            }
            let outcome = self.run(command, Some(Place { file: name, line: number }));
            if outcome > worst {
                worst = outcome;
            }
            if outcome == Outcome::Unreachable {
                break;
            }
        }
        Ok(worst)
    }

    /// Runs a command. Its answer goes to standard output, an error to standard error, with its
    /// place.
    pub fn run(&self, line: &[u8], place: Option<Place>) -> Outcome {
        match self.ask(line, self.json) {
            Ok(Answer { status: Status::Live, body }) => self.watch(line, place, body),
            answer => self.show(answer, place),
        }
    }

    fn show(&self, answer: io::Result<Answer>, place: Option<Place>) -> Outcome {
        match answer {
            Ok(Answer { status: Status::Refused, body }) => {
                let text = if self.json { body.into() } else { fit(io::stderr(), &body) };
                self.tell(&text, place);
                Outcome::Refused
            }
            Ok(Answer { status: Status::Found, body }) => match shown(self.print(&body)) {
                Outcome::Done => Outcome::Found,
                refused => refused,
            },
            Ok(Answer { status: Status::Save(file), body }) => self.save(&file, &body, place),
            Ok(Answer { status: Status::Done, body }) => shown(self.print(&body)),
            Ok(Answer { body, .. }) => shown(print(&body)),
            Err(error) => {
                let control = self.control.display();
                self.complain(&format!("no answer from rekeyd at {control}: {error}"), place);
                Outcome::Unreachable
            }
        }
    }

    /// Shows the live screen, or a document a second; where there is no terminal, the one frame.
    fn watch(&self, line: &[u8], place: Option<Place>, body: Vec<u8>) -> Outcome {
        let result = if self.json {
            self.follow(line, place, body)
        } else if is_interactive() {
            watch::run(&self.control).map(|()| Outcome::Done)
        } else {
            return shown(print(&body));
        };
        result.unwrap_or_else(|error| {
            self.complain(&error.to_string(), place);
            Outcome::Refused
        })
    }

    /// Prints a document a second until a signal ends it, nobody reads any more, or the daemon has
    /// none.
    fn follow(
        &self,
        line: &[u8],
        place: Option<Place>,
        mut document: Vec<u8>,
    ) -> Result<Outcome, Box<dyn Error>> {
        let signals = Signals::open_for_screen()?;
        loop {
            let mut out = io::stdout();
            match out.write_all(&document).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                written => written?,
            }
            if watch::is_stopped(&signals)? {
                break;
            }
            match self.ask(line, true) {
                Ok(Answer { status: Status::Live, body }) => document = body,
                answer => return Ok(self.show(answer, place)),
            }
        }
        Ok(Outcome::Done)
    }

    fn print(&self, body: &[u8]) -> bool {
        if self.json { print(body) } else { print(&fit(io::stdout(), body)) }
    }

    /// Says on standard error why a command was not carried out, and where it stands.
    fn tell(&self, body: &[u8], place: Option<Place>) {
        let (head, body) = match (place, body.strip_prefix(b"{")) {
            (Some(Place { file, line }), Some(members)) if self.json => {
                (format!("{{\"file\":{},\"line\":{line},", json::quote(file)), members)
            }
            (Some(Place { file, line }), _) => (format!("{file}:{line}:\n"), body),
            (None, _) => (String::new(), body),
        };
        let _ = io::stderr().write_all(&[head.as_bytes(), body].concat());
    }

    /// The same of a reason that the daemon does not know.
    fn complain(&self, text: &str, place: Option<Place>) {
        let body =
            if self.json { json::document("error", text) } else { format!("rekeyctl: {text}\n") };
        self.tell(body.as_bytes(), place);
    }

    /// Writes what the daemon hands over to the file that the command named.
    fn save(&self, file: &Path, body: &[u8], place: Option<Place>) -> Outcome {
        let path = file.display();
        if let Err(error) = client::replace(file, body) {
            self.complain(&format!("{path}: {error}"), place);
            return Outcome::Refused;
        }
        let text = format!("{path}: {} bytes; npm run replay -- {path}", body.len());
        let text = if self.json { json::document("message", &text) } else { text + "\n" };
        shown(print(text.as_bytes()))
    }

    /// Asks the daemon. Words are completed without one, too.
    pub fn ask(&self, line: &[u8], json: bool) -> io::Result<Answer> {
        client::request(&self.control, json, line, PATIENCE)
            .or_else(|error| offline::complete(line, json).ok_or(error))
    }
}

fn shown(is_shown: bool) -> Outcome {
    if is_shown { Outcome::Done } else { Outcome::Refused }
}

fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::Found => ExitCode::from(FOUND),
        Outcome::Refused => ExitCode::from(REFUSED),
        Outcome::Unreachable => ExitCode::from(UNREACHABLE),
    }
}

/// A terminal at both ends that knows how to move its cursor.
fn is_interactive() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb
}

/// Writes to standard output; false: that failed, and why has been said. A reader that has gone, as
/// `head` goes, is no mistake.
pub fn print(bytes: &[u8]) -> bool {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("rekeyctl: {error}");
            false
        }
        _ => true,
    }
}
