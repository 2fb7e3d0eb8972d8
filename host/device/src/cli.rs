//! The command line of `rekeyd` and, where the program was called by that name, of `rekeyctl`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::prelude::*;

pub const DAEMON_USAGE: &str = "\
usage: rekeyd run --config FILE [--control PATH] [--log FILE|stderr|syslog] [--recordings DIR]
       rekeyd check --config FILE
       rekeyd --version | --help

run     watches and rekeys the VPNs that FILE names, in the foreground
        SIGHUP reads FILE again; SIGTERM and SIGINT end it and touch no SA
        recordings, if there are any, go to DIR (/var/lib/rekeyd)
check   says what is wrong in FILE, or what it would do
";

pub const CLIENT_USAGE: &str = "\
usage: rekeyctl [--control PATH] [--json] COMMAND...
       rekeyctl --version | --help

get sa [active|inactive|id 0xID]  the SAs, as ScreenOS shows them
get vpn [NAME]                    all VPNs, or everything about one
get vpnmonitor                    settings for all, the configuration, counts
get event                         what happened, the newest last
record start|stop                 begins or ends a recording of all that happens
record save FILE                  writes what was recorded to FILE
?                                 in place of any word: what may stand there
";

const DEFAULT_CONTROL: &str = "/var/run/rekeyd.sock";
const DEFAULT_RECORDINGS: &str = "/var/lib/rekeyd";

/// What the user wants.
#[derive(Debug, PartialEq)]
pub enum Invocation {
    Run { config: PathBuf, control: PathBuf, log: LogTarget, recordings: PathBuf },
    Check { config: PathBuf },
    Request { control: PathBuf, json: bool, words: Vec<String> },
    Save { control: PathBuf, file: PathBuf },
    Help(&'static str),
    Version,
}

/// Where `--log` sends the log.
#[derive(Debug, PartialEq)]
pub enum LogTarget {
    Stderr,
    Syslog,
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
    let mut command = None;
    let mut config = None;
    let mut control = None;
    let mut log = None;
    let mut recordings = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Invocation::Help(DAEMON_USAGE)),
            Long("version") | Short('V') => return Ok(Invocation::Version),
            Long("config") => config = Some(PathBuf::from(parser.value()?)),
            Long("control") => control = Some(PathBuf::from(parser.value()?)),
            Long("log") => log = Some(log_target(parser.value()?)),
            Long("recordings") => recordings = Some(PathBuf::from(parser.value()?)),
            Value(value) if command.is_none() => command = Some(value.string()?),
            _ => return Err(argument.unexpected()),
        }
    }
    let command = command.ok_or("a command is missing: run or check")?;
    let config = config.ok_or("--config FILE is missing");
    match command.as_str() {
        "run" => Ok(Invocation::Run {
            config: config?,
            control: control.unwrap_or_else(|| DEFAULT_CONTROL.into()),
            log: log.unwrap_or(LogTarget::Stderr),
            recordings: recordings.unwrap_or_else(|| DEFAULT_RECORDINGS.into()),
        }),
        "check" if control.is_some() => Err("check takes no --control".into()),
        "check" if recordings.is_some() => Err("check takes no --recordings".into()),
        "check" if log.is_some() => Err("check takes no --log".into()),
        "check" => Ok(Invocation::Check { config: config? }),
        other => Err(format!("unknown command '{other}': run or check may stand here").into()),
    }
}

fn parse_client(mut parser: lexopt::Parser) -> Result<Invocation, lexopt::Error> {
    let mut control = PathBuf::from(DEFAULT_CONTROL);
    let mut json = false;
    let mut words: Vec<OsString> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Invocation::Help(CLIENT_USAGE)),
            Long("version") | Short('V') => return Ok(Invocation::Version),
            Long("control") => control = parser.value()?.into(),
            Long("json") => json = true,
            Value(word) => words.push(word),
            _ => return Err(argument.unexpected()),
        }
    }
    if words.is_empty() {
        return Err("a command is missing".into());
    }
    if words.len() >= 2 && words[0] == "record" && words[1] == "save" && words[2..] != ["?"] {
        let file = words.pop().filter(|_| words.len() == 2);
        let file = file.ok_or("name one file: record save FILE")?.into();
        return Ok(Invocation::Save { control, file });
    }
    let words = words.into_iter().map(ValueExt::string).collect::<Result<Vec<String>, _>>()?;
    if words == ["help"] || words == ["?"] {
        return Ok(Invocation::Help(CLIENT_USAGE));
    }
    if words.iter().any(|word| word.contains('\n')) {
        return Err("a command is one line".into());
    }
    Ok(Invocation::Request { control, json, words })
}

fn log_target(value: OsString) -> LogTarget {
    match value.to_str() {
        Some("stderr") => LogTarget::Stderr,
        Some("syslog") => LogTarget::Syslog,
        _ => LogTarget::File(value.into()),
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
        let run = Invocation::Run {
            config: "c".into(),
            control: DEFAULT_CONTROL.into(),
            log: LogTarget::Stderr,
            recordings: DEFAULT_RECORDINGS.into(),
        };
        assert_eq!(parse_line("/usr/sbin/rekeyd run --config c").unwrap(), run);
        let run = Invocation::Run {
            config: "c".into(),
            control: "s".into(),
            log: LogTarget::File("/var/log/rekeyd".into()),
            recordings: "d".into(),
        };
        let line = "rekeyd run --config=c --control s --log /var/log/rekeyd --recordings d";
        assert_eq!(parse_line(line).unwrap(), run);
    }

    #[test]
    fn the_name_decides() {
        let request = Invocation::Request {
            control: DEFAULT_CONTROL.into(),
            json: true,
            words: vec!["get".into(), "sa".into()],
        };
        assert_eq!(parse_line("build/rekeyctl get sa --json").unwrap(), request);
        for line in ["rekeyctl --help", "rekeyctl help", "rekeyctl ?"] {
            assert_eq!(parse_line(line).unwrap(), Invocation::Help(CLIENT_USAGE));
        }
        let save = Invocation::Save { control: DEFAULT_CONTROL.into(), file: "f".into() };
        assert_eq!(parse_line("rekeyctl record save f").unwrap(), save);
        for line in ["rekeyctl record save ?", "rekeyctl record start"] {
            assert!(matches!(parse_line(line).unwrap(), Invocation::Request { .. }));
        }
        assert_eq!(parse_line("rekeyd --version").unwrap(), Invocation::Version);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, message) in [
            ("rekeyd", "a command is missing: run or check"),
            ("rekeyd run", "--config FILE is missing"),
            ("rekeyd walk --config c", "unknown command 'walk': run or check may stand here"),
            ("rekeyd check --config c --log x", "check takes no --log"),
            ("rekeyd run --config c --fast", "invalid option '--fast'"),
            ("rekeyctl --json", "a command is missing"),
            ("rekeyctl record save", "name one file: record save FILE"),
            ("rekeyctl record save a b", "name one file: record save FILE"),
        ] {
            assert_eq!(parse_line(line).unwrap_err().message, message);
        }
    }
}
