//! rekeyd, and rekeyctl where it is called by that name.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cli::{Invocation, LogTarget};
use daemon::Daemon;
use engine::Program;
use log::Log;

mod abi;
mod cli;
mod client;
mod clock;
mod config;
mod control;
mod daemon;
mod engine;
mod fault;
mod filter;
mod guard;
#[cfg(test)]
mod hostile;
mod icmp;
mod log;
mod netlink;
mod poll;
mod privilege;
mod random;
mod record;
mod recorder;
mod restart;
mod ring;
mod signal;
mod timer;
mod vici;
mod wasm_config;

const USAGE_ERROR: u8 = 2;
const UNREACHABLE: u8 = 3;

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => {
            eprint!("{}\n\n{}", error.message, error.usage);
            return ExitCode::from(USAGE_ERROR);
        }
    };
    match invocation {
        Invocation::Run { config, control, log, recordings } => {
            report(run(config, &control, &log, &recordings))
        }
        Invocation::Check { config } => report(check(&config)),
        Invocation::Request { control, json, words } => request(&control, json, &words),
        Invocation::Save { control, file } => save(&control, &file),
        Invocation::Help(usage) => print(usage.as_bytes()),
        Invocation::Version => {
            let version = env!("CARGO_PKG_VERSION");
            print(format!("rekeyd {version}\nengine {}\n", record::ENGINE_SHA256).as_bytes())
        }
    }
}

fn run(
    config: PathBuf,
    control: &Path,
    log: &LogTarget,
    recordings: &Path,
) -> Result<ExitCode, Box<dyn Error>> {
    let program = Program::load()?;
    if judge(&program, &config)?.is_none() {
        return Ok(ExitCode::FAILURE);
    }
    let log = Log::open(log).map_err(|error| format!("the log: {error}"))?;
    Daemon::start(program, config, control, log, recordings)?.run()?;
    Ok(ExitCode::SUCCESS)
}

fn check(config: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let Some(summary) = judge(&Program::load()?, config)? else {
        return Ok(ExitCode::FAILURE);
    };
    Ok(print(format!("{}: no mistakes; {summary}\n", config.display()).as_bytes()))
}

/// What a good configuration would do; the mistakes of a bad one are printed.
fn judge(program: &Program, config: &Path) -> Result<Option<String>, Box<dyn Error>> {
    let verdict = config::check(program, config)?;
    for mistake in &verdict.mistakes {
        eprintln!("{mistake}");
    }
    Ok(verdict.mistakes.is_empty().then_some(verdict.summary))
}

fn request(control: &Path, json: bool, words: &[String]) -> ExitCode {
    show(control, client::request(control, json, words, client::PATIENCE))
}

fn show(control: &Path, answer: io::Result<client::Answer>) -> ExitCode {
    match answer {
        Ok(answer) if answer.is_ok => print(&answer.body),
        Ok(answer) => {
            let _ = io::stderr().write_all(&answer.body);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("rekeyctl: no answer from rekeyd at {}: {error}", control.display());
            ExitCode::from(UNREACHABLE)
        }
    }
}

/// Asks for what was recorded, and writes it to the file.
fn save(control: &Path, file: &Path) -> ExitCode {
    let words = ["record".to_string(), "save".to_string()];
    match client::request(control, false, &words, client::PATIENCE) {
        Ok(answer) if answer.is_ok => match client::replace(file, &answer.body) {
            Ok(()) => {
                let (path, length) = (file.display(), answer.body.len());
                print(format!("{path}: {length} bytes; npm run replay -- {path}\n").as_bytes())
            }
            Err(error) => {
                eprintln!("rekeyctl: {}: {error}", file.display());
                ExitCode::FAILURE
            }
        },
        answer => show(control, answer),
    }
}

fn report(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("rekeyd: {error}");
        ExitCode::FAILURE
    })
}

/// A reader that has gone, as `head` goes, is no mistake.
fn print(bytes: &[u8]) -> ExitCode {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
