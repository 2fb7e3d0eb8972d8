//! The command line of `rekeyd` and, where the program was called by that name, of `rekeyctl`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use lexopt::prelude::*;

pub const DAEMON_USAGE: &str = "\
usage: rekeyd run --config FILE [--control PATH] [--control-group GROUP]
                  [--log TARGET]... [--recordings DIR] [--hook-user USER]
       rekeyd check --config FILE
       rekeyd replay FILE
       rekeyd --version | --help

run     watches and rekeys the VPNs that FILE names, in the foreground
        SIGHUP reads FILE again; SIGTERM and SIGINT end it and touch no SA
        recordings, if there are any, go to DIR (/var/lib/rekeyd)
        --log: stderr, syslog, journald, json:FILE or FILE; may be given several times
        --hook-user: whom hooks run as, instead of who started rekeyd
check   says what is wrong in FILE, or what it would do
replay  plays a recording, and says whether this program does the same
";

pub const CLIENT_USAGE: &str = "\
usage: rekeyctl [--control PATH] [--json] COMMAND...
       rekeyctl [--control PATH] [--json] [-f FILE]
       rekeyctl [--control PATH] snmp
       rekeyctl --version | --help

COMMAND is one command, such as get vpn, watch or doctor; '?' at its end
shows what may stand there, and alone every command.
Without a command, commands are read from FILE (-: standard input), one a line,
or typed at a prompt. snmp serves snmpd (pass_persist).
";

const DEFAULT_CONTROL: &str = "/var/run/rekeyd.sock";
const DEFAULT_RECORDINGS: &str = "/var/lib/rekeyd";

/// What the user wants.
#[derive(Debug, PartialEq)]
pub enum Invocation {
    Run(Run),
    Check {
        config: PathBuf,
    },
    Replay {
        recording: PathBuf,
    },
    /// One command for the daemon.
    Request {
        control: PathBuf,
        json: bool,
        line: Vec<u8>,
    },
    /// As many as a file has; none: standard input, or a prompt where that is a terminal.
    Requests {
        control: PathBuf,
        json: bool,
        file: Option<PathBuf>,
    },
    /// Serves snmpd on standard input and output.
    Snmp {
        control: PathBuf,
    },
    Help(&'static str),
    Version,
}

/// What `rekeyd run` is told.
#[derive(Debug, PartialEq)]
pub struct Run {
    pub config: PathBuf,
    pub control: PathBuf,
    /// Whose members may use the control socket, too.
    pub group: Option<String>,
    pub log: Vec<LogTarget>,
    pub recordings: PathBuf,
    pub hook_user: Option<String>,
}

/// Where `--log` sends the log.
#[derive(Debug, PartialEq)]
pub enum LogTarget {
    Stderr,
    Syslog,
    Journald,
    Json(PathBuf),
    File(PathBuf),
}

/// A command line that makes no sense: what is wrong, and the usage that applies.
#[derive(Debug)]
pub struct UsageError {
    pub message: String,
    pub usage: &'static str,
}

/// Reads the command line, the program's own name first.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let parser = lexopt::Parser::from_iter(arguments);
    let program = parser.bin_name().unwrap_or_default();
    let (usage, result) = if Path::new(program).file_stem().is_some_and(|name| name == "rekeyctl") {
        (CLIENT_USAGE, parse_client(parser))
    } else {
        (DAEMON_USAGE, parse_daemon(parser))
    };
    result.map_err(|error| UsageError { message: error.to_string(), usage })
}

fn parse_daemon(mut parser: lexopt::Parser) -> Result<Invocation, lexopt::Error> {
    let mut command: Option<String> = None;
    let mut recording = None;
    let mut config = None;
    let mut control = None;
    let mut group = None;
    let mut recordings = None;
    let mut log = Vec::new();
    let mut hook_user = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Invocation::Help(DAEMON_USAGE)),
            Long("version") | Short('V') => return Ok(Invocation::Version),
            Long("config") => config = Some(PathBuf::from(parser.value()?)),
            Long("control") => control = Some(PathBuf::from(parser.value()?)),
            Long("control-group") => group = Some(parser.value()?.string()?),
            Long("recordings") => recordings = Some(PathBuf::from(parser.value()?)),
            Long("log") => log.push(log_target(parser.value()?)),
            Long("hook-user") => hook_user = Some(parser.value()?.string()?),
            Value(value) if command.is_none() => command = Some(value.string()?),
            Value(file) if command.as_deref() == Some("replay") && recording.is_none() => {
                recording = Some(PathBuf::from(file));
            }
            _ => return Err(argument.unexpected()),
        }
    }
    let command = command.ok_or("a command is missing: run, check or replay")?;
    if command == "replay" {
        let recording = recording.ok_or("replay FILE: the recording is missing")?;
        return Ok(Invocation::Replay { recording });
    }
    let config = config.ok_or("--config FILE is missing");
    match command.as_str() {
        "run" => Ok(Invocation::Run(Run {
            config: config?,
            control: control.unwrap_or_else(|| DEFAULT_CONTROL.into()),
            group,
            log: if log.is_empty() { vec![LogTarget::Stderr] } else { log },
            recordings: recordings.unwrap_or_else(|| DEFAULT_RECORDINGS.into()),
            hook_user,
        })),
        "check" if group.is_some() => Err("check takes no --control-group".into()),
        "check" if recordings.is_some() => Err("check takes no --recordings".into()),
        "check" if control.is_some() => Err("check takes no --control".into()),
        "check" if !log.is_empty() => Err("check takes no --log".into()),
        "check" if hook_user.is_some() => Err("check takes no --hook-user".into()),
        "check" => Ok(Invocation::Check { config: config? }),
        other => Err(format!("unknown command '{other}': run, check or replay").into()),
    }
}

fn parse_client(mut parser: lexopt::Parser) -> Result<Invocation, lexopt::Error> {
    let mut control = PathBuf::from(DEFAULT_CONTROL);
    let mut json = false;
    let mut file = None;
    let mut words: Vec<OsString> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Invocation::Help(CLIENT_USAGE)),
            Long("version") | Short('V') => return Ok(Invocation::Version),
            Long("control") => control = parser.value()?.into(),
            Long("json") => json = true,
            Long("file") | Short('f') => file = Some(parser.value()?.into()),
            Value(word) => words.push(word),
            _ => return Err(argument.unexpected()),
        }
    }
    if words.is_empty() {
        return Ok(Invocation::Requests { control, json, file });
    }
    if file.is_some() {
        return Err("there is a command as well as a file of commands".into());
    }
    if words == ["snmp"] {
        return Ok(Invocation::Snmp { control });
    }
    let line = command_line(&words);
    if line.contains(&b'\n') {
        return Err("a command is one line".into());
    }
    Ok(Invocation::Request { control, json, line })
}

/// The words as one line. A word with a space in it, as a file's name may have, is put into quotes;
/// but a single one is the whole line.
fn command_line(words: &[OsString]) -> Vec<u8> {
    let quoted = |word: &OsString| {
        let bytes = word.as_bytes();
        let is_one = words.len() == 1 || !bytes.contains(&b' ') || bytes.contains(&b'"');
        if is_one { bytes.to_vec() } else { [b"\"", bytes, b"\""].concat() }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(&b' ')
}

fn log_target(value: OsString) -> LogTarget {
    match value.to_str() {
        Some("stderr") => LogTarget::Stderr,
        Some("syslog") => LogTarget::Syslog,
        Some("journald") => LogTarget::Journald,
        _ => match value.as_bytes().strip_prefix(b"json:") {
            Some(path) => LogTarget::Json(OsStr::from_bytes(path).into()),
            None => LogTarget::File(value.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Invocation, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn run_has_defaults() {
        let run = Invocation::Run(Run {
            config: "c".into(),
            control: DEFAULT_CONTROL.into(),
            group: None,
            log: vec![LogTarget::Stderr],
            recordings: DEFAULT_RECORDINGS.into(),
            hook_user: None,
        });
        assert_eq!(parse_line("/usr/sbin/rekeyd run --config c").unwrap(), run);
        let run = Invocation::Run(Run {
            config: "c".into(),
            control: "s".into(),
            group: Some("vpn".into()),
            log: vec![
                LogTarget::File("/var/log/rekeyd".into()),
                LogTarget::Syslog,
                LogTarget::Journald,
                LogTarget::Json("/var/log/rekeyd.json".into()),
            ],
            recordings: "d".into(),
            hook_user: Some("nobody".into()),
        });
        let line = "rekeyd run --config=c --control s --control-group vpn \
                    --log /var/log/rekeyd --log syslog \
                    --log journald --log json:/var/log/rekeyd.json --recordings d \
                    --hook-user nobody";
        assert_eq!(parse_line(line).unwrap(), run);
    }

    #[test]
    fn the_name_decides() {
        let control = PathBuf::from(DEFAULT_CONTROL);
        let line = b"get sa".to_vec();
        let request = Invocation::Request { control: control.clone(), json: true, line };
        assert_eq!(parse_line("build/rekeyctl get sa --json").unwrap(), request);
        let file = Some("-".into());
        let requests = Invocation::Requests { control: control.clone(), json: false, file };
        assert_eq!(parse_line("rekeyctl -f -").unwrap(), requests);
        let requests = Invocation::Requests { control, json: true, file: None };
        assert_eq!(parse_line("rekeyctl --json").unwrap(), requests);
        let snmp = Invocation::Snmp { control: "s".into() };
        assert_eq!(parse_line("rekeyctl --control s snmp").unwrap(), snmp);
        assert_eq!(parse_line("rekeyctl --help").unwrap(), Invocation::Help(CLIENT_USAGE));
        assert_eq!(parse_line("rekeyd --version").unwrap(), Invocation::Version);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, message) in [
            ("rekeyd", "a command is missing: run, check or replay"),
            ("rekeyd run", "--config FILE is missing"),
            ("rekeyd walk --config c", "unknown command 'walk': run, check or replay"),
            ("rekeyd replay", "replay FILE: the recording is missing"),
            ("rekeyd replay a b", "unexpected argument \"b\""),
            ("rekeyd check --config c --log x", "check takes no --log"),
            ("rekeyd check --config c --hook-user x", "check takes no --hook-user"),
            ("rekeyd run --config c --fast", "invalid option '--fast'"),
            ("rekeyctl -f x get sa", "there is a command as well as a file of commands"),
        ] {
            assert_eq!(parse_line(line).unwrap_err().message, message);
        }
    }

    #[test]
    fn words_become_a_line() {
        for (words, line) in [
            (&["get", "sa"][..], "get sa"),
            (&["get sa"], "get sa"),
            (&["record", "save", "a file"], "record save \"a file\""),
            (&["complete", "get", ""], "complete get "),
            (&["get", "\"a b\""], "get \"a b\""),
        ] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!(command_line(&words), line.as_bytes());
        }
    }
}
