//! rekeyd, and rekeyctl where it is called by that name.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use cli::{Invocation, Run};
use daemon::Daemon;
use engine::Program;
use hooks::Hooks;
use log::Log;
use session::Session;
use user::User;

mod abi;
mod artifact;
mod cli;
mod client;
mod clock;
mod config;
// Neither program uses all of it.
#[allow(dead_code)]
#[path = "../../confine/mod.rs"]
mod confine;
mod control;
mod daemon;
mod engine;
mod facts;
mod fault;
mod filter;
mod group;
mod guard;
mod helper;
mod history;
mod hook_request;
mod hooks;
#[cfg(test)]
mod hostile;
mod icmp;
mod json;
mod kernel;
mod keys;
mod landlock;
mod line;
mod log;
mod netlink;
mod notify;
mod offline;
mod output;
mod poll;
mod privilege;
mod prompt;
mod random;
mod record;
mod recorder;
mod recording;
mod replay;
mod restart;
mod ring;
mod save;
mod session;
mod signal;
mod snmp;
mod terminal;
mod timer;
mod user;
mod vici;
mod wasm_config;
mod watch;
mod wrap;

const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => {
            eprint!("{}\n\n{}", error.message, error.usage);
            return ExitCode::from(USAGE_ERROR);
        }
    };
    match invocation {
        Invocation::Run(options) => report(run(options)),
        Invocation::Check { config } => report(check(&config)),
        Invocation::Replay { recording } => report(replay(&recording)),
        Invocation::Request { control, json, line } => Session { control, json }.run_one(&line),
        Invocation::Requests { control, json, file } => Session { control, json }.run_many(file),
        Invocation::Snmp { control } => report(snmp::serve(&control)),
        Invocation::Help(usage) => print(usage.as_bytes()),
        Invocation::Version => {
            let version = env!("REKEYD_VERSION");
            print(format!("rekeyd {version}\nengine {}\n", record::ENGINE_SHA256).as_bytes())
        }
    }
}

fn run(options: Run) -> Result<ExitCode, Box<dyn Error>> {
    // First of all, while there is nothing that the helper could inherit.
    let hook_user = options.hook_user.as_deref().map(User::find).transpose()?;
    let helper = helper::start(hook_user.as_ref()).map_err(|error| format!("fork: {error}"))?;
    let program = Program::load()?;
    if judge(&program, &options.config)?.is_none() {
        return Ok(ExitCode::FAILURE);
    }
    let log = Log::open(&options.log).map_err(|error| format!("the log: {error}"))?;
    Daemon::start(program, options, log, Hooks::new(helper))?.run()?;
    Ok(ExitCode::SUCCESS)
}

fn check(config: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let Some(summary) = judge(&Program::load()?, config)? else {
        return Ok(ExitCode::FAILURE);
    };
    Ok(print(format!("{}: no mistakes; {summary}\n", config.display()).as_bytes()))
}

fn replay(recording: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let verdict = replay::replay(&Program::load()?, recording)?;
    print(format!("{}: {verdict}\n", recording.display()).as_bytes());
    Ok(ExitCode::from(verdict.exit_status()))
}

/// What a good configuration would do; the mistakes of a bad one are printed.
fn judge(program: &Program, config: &Path) -> Result<Option<String>, Box<dyn Error>> {
    let verdict = config::check(program, config)?;
    for mistake in &verdict.mistakes {
        eprintln!("{mistake}");
    }
    Ok(verdict.mistakes.is_empty().then_some(verdict.summary))
}

fn report(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("rekeyd: {error}");
        ExitCode::FAILURE
    })
}

fn print(bytes: &[u8]) -> ExitCode {
    if session::print(bytes) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
