//! The log: what happened, to one or several outputs at the same time. Events are the engine's, in
//! three forms of which each output takes one; a few lines are the host's own.

use std::io;

use crate::cli::LogTarget;
use crate::clock;
use crate::output::{Form, Output};

/// Severities of RFC 5424, as the engine's actions carry them.
pub const CRITICAL: u32 = 2;
pub const ERROR: u32 = 3;
pub const NOTICE: u32 = 5;

pub struct Log {
    outputs: Vec<Counted>,
}

/// An output, and how much of the log it has not taken.
struct Counted {
    output: Output,
    lost: u64,
}

impl Log {
    pub fn open(targets: &[LogTarget]) -> io::Result<Log> {
        let outputs = targets.iter().map(Output::open).collect::<io::Result<Vec<_>>>()?;
        Ok(Log::to(outputs))
    }

    fn to(outputs: Vec<Output>) -> Log {
        Log { outputs: outputs.into_iter().map(|output| Counted { output, lost: 0 }).collect() }
    }

    /// Logs a line of the host's own.
    pub fn note(&mut self, severity: u32, text: &str) {
        for counted in &mut self.outputs {
            counted.write(severity, &own(counted.output.form(), severity, text));
        }
    }

    /// Logs an event's line.
    pub fn write(&mut self, severity: u32, line: &[u8]) {
        self.write_form(|form| matches!(form, Form::Line | Form::Syslog), severity, line);
    }

    /// Logs an event's JSON.
    pub fn write_json(&mut self, severity: u32, line: &[u8]) {
        self.write_form(|form| form == Form::Json, severity, line);
    }

    /// Logs an event's fields of the journal.
    pub fn write_fields(&mut self, severity: u32, fields: &[u8]) {
        self.write_form(|form| form == Form::Fields, severity, fields);
    }

    fn write_form(&mut self, takes: impl Fn(Form) -> bool, severity: u32, bytes: &[u8]) {
        for counted in self.outputs.iter_mut().filter(|counted| takes(counted.output.form())) {
            counted.write(severity, bytes);
        }
    }
}

impl Counted {
    fn write(&mut self, severity: u32, bytes: &[u8]) {
        if self.lost > 0 {
            let notice = format!("{} log lines were lost", self.lost);
            let notice = own(self.output.form(), NOTICE, &notice);
            if self.output.write(NOTICE, &notice).is_ok() {
                self.lost = 0;
            }
        }
        if self.output.write(severity, bytes).is_err() {
            self.lost += 1;
        }
    }
}

/// A text of the host's own in the form that an output takes: as the engine's events have it.
fn own(form: Form, severity: u32, text: &str) -> Vec<u8> {
    let text: String =
        text.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect();
    let line = match form {
        // The logger adds name and time itself.
        Form::Syslog => text,
        Form::Line => format!("rekeyd: {text} ({})", date(&clock::local_time(), ' ')),
        Form::Json => {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            let severity = severity_word(severity);
            let time = date(&clock::utc_time(), 'T');
            format!(
                "{{\"id\":null,\"severity\":\"{severity}\",\"time\":\"{time}Z\",\"vpn\":null,\
                 \"text\":\"{text}\"}}\n"
            )
        }
        Form::Fields => {
            format!("MESSAGE={text}\nPRIORITY={severity}\nSYSLOG_IDENTIFIER=rekeyd\n")
        }
    };
    line.into_bytes()
}

fn severity_word(severity: u32) -> &'static str {
    match severity {
        CRITICAL => "critical",
        ERROR => "error",
        _ => "notification",
    }
}

fn date(time: &libc::tm, separator: char) -> String {
    format!(
        "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}",
        time.tm_year + 1900,
        time.tm_mon + 1,
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    fn output(form: Form) -> (Output, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (Output::Stream { file: File::from(OwnedFd::from(ours)), form }, theirs)
    }

    fn read(stream: &mut UnixStream) -> String {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_reader_that_sleeps_costs_lines_and_no_time() {
        let (sleeper, mut sleeper_end) = output(Form::Line);
        let (json, mut json_end) = output(Form::Json);
        let mut log = Log::to(vec![sleeper, json]);
        while log.outputs[0].lost == 0 {
            log.write(NOTICE, &[b'x'; 4000]);
            log.write_json(NOTICE, b"{}\n");
        }
        assert_eq!(log.outputs[1].lost, 0, "another output has lost nothing");
        read(&mut sleeper_end);
        assert!(read(&mut json_end).ends_with("{}\n{}\n"));
        log.write(NOTICE, b"awake");
        assert_eq!(log.outputs[0].lost, 0);
        let text = read(&mut sleeper_end);
        assert!(text.starts_with("rekeyd: 1 log lines were lost ("), "{text}");
        assert!(text.ends_with(")\nawake\n"), "{text}");
    }

    #[test]
    fn a_note_of_the_host_has_every_form() {
        let text = "a \"b\" \\ c\nd";
        let (line, mut line_end) = output(Form::Line);
        let (json, mut json_end) = output(Form::Json);
        Log::to(vec![line, json]).note(CRITICAL, text);
        assert!(read(&mut line_end).starts_with("rekeyd: a \"b\" \\ c?d (2"));
        let document = read(&mut json_end);
        assert!(document.starts_with("{\"id\":null,\"severity\":\"critical\",\"time\":\"2"));
        assert!(document.ends_with("Z\",\"vpn\":null,\"text\":\"a \\\"b\\\" \\\\ c?d\"}\n"));
        let fields = String::from_utf8(own(Form::Fields, NOTICE, text)).unwrap();
        let expected = "MESSAGE=a \"b\" \\ c?d\nPRIORITY=5\nSYSLOG_IDENTIFIER=rekeyd\n";
        assert_eq!(fields, expected);
    }
}
