//! `rekeyctl snmp`: between snmpd, which started it (net-snmp's pass_persist), and the daemon. The
//! engine knows the table; here lines go to and fro.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::client::{self, Answer, PATIENCE, Status};

/// Longer than any line of snmpd's: an identifier has 128 numbers of ten digits at most.
const MAX_LINE_BYTES: usize = 2048;
/// What there is not, or cannot be asked for now.
const NONE: &[u8] = b"NONE\n";

/// Serves until snmpd is done.
pub fn serve(control: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let ask = |line: &[u8]| client::request(control, false, line, PATIENCE);
    match converse(io::stdin().lock(), io::stdout().lock(), ask) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("snmpd: {error}").into())
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn converse(
    mut input: impl BufRead,
    mut output: impl Write,
    ask: impl Fn(&[u8]) -> io::Result<Answer>,
) -> io::Result<()> {
    // snmpd closes its end, or sends an empty line, when it is done.
    while let Some(command) = read_line(&mut input)? {
        match command.as_slice() {
            b"" => break,
            b"PING" => output.write_all(b"PONG\n")?,
            b"get" | b"getnext" => {
                let Some(oid) = read_line(&mut input)? else { break };
                output.write_all(&answer(&command, &oid, &ask))?;
            }
            b"set" => {
                // The identifier, and the value with its type.
                if read_line(&mut input)?.is_none() || read_line(&mut input)?.is_none() {
                    break;
                }
                output.write_all(b"not-writable\n")?;
            }
            _ => output.write_all(NONE)?,
        }
        output.flush()?;
    }
    Ok(())
}

/// What the engine says, or that there is nothing: also while no daemon runs.
fn answer(command: &[u8], oid: &[u8], ask: impl Fn(&[u8]) -> io::Result<Answer>) -> Vec<u8> {
    // A question mark would ask for help.
    if !oid.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return NONE.into();
    }
    match ask(&[b"snmp ", command, b" ", oid].concat()) {
        Ok(Answer { status: Status::Done, body }) => body,
        _ => NONE.into(),
    }
}

/// A line without its end; what is longer than a line may be is left out. None: there are no more.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut is_there = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(is_there.then_some(line));
        }
        is_there = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = MAX_LINE_BYTES - line.len();
        line.extend(&part[..part.len().min(room)]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered to the lines by a daemon that repeats them.
    fn told(input: &[u8]) -> String {
        let mut output = Vec::new();
        let ask = |line: &[u8]| {
            let body = [line, b"\n"].concat();
            let status = if line.ends_with(b".9") { Status::Refused } else { Status::Done };
            if line.ends_with(b".8") {
                return Err(io::ErrorKind::NotFound.into());
            }
            Ok(Answer { status, body })
        };
        converse(input, &mut output, ask).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn lines_go_to_the_daemon_and_back() {
        assert_eq!(told(b"PING\nget\n.1.3\n"), "PONG\nsnmp get .1.3\n");
        assert_eq!(told(b"getnext\n.1.3.6\nPING\n"), "snmp getnext .1.3.6\nPONG\n");
    }

    #[test]
    fn a_daemon_that_is_away_or_refuses_has_nothing() {
        assert_eq!(told(b"get\n.8\nget\n.9\nPING\n"), "NONE\nNONE\nPONG\n");
    }

    #[test]
    fn nothing_can_be_written() {
        assert_eq!(told(b"set\n.1.3\ninteger 1\nPING\n"), "not-writable\nPONG\n");
    }

    #[test]
    fn it_ends_when_snmpd_does() {
        assert_eq!(told(b"PING\n\nPING\n"), "PONG\n");
        assert_eq!(told(b"get\n"), "");
        assert_eq!(told(b"set\n.1"), "");
    }

    #[test]
    fn hostile_lines_are_bounded_and_answered() {
        let mut input = b"get\n".to_vec();
        input.extend(vec![b'1'; 1 << 20]);
        input.extend(b"\nwhat\nget\n?\nget\n.1 ?\n");
        input.extend(vec![b'x'; 1 << 20]);
        let told = told(&input);
        let longest = format!("snmp get {}", "1".repeat(MAX_LINE_BYTES));
        assert_eq!(told, format!("{longest}\nNONE\nNONE\nNONE\nNONE\n"));
    }
}
