//! rekeyd-web: the WebUI. It speaks HTTP with browsers and lines with rekeyd's control socket.

use std::error::Error;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::rc::Rc;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;
use tokio::task::LocalSet;

use cli::{Invocation, Options};
use control::Control;
use limits::MAX_ASKING;
use live::Live;
use privilege::User;
use router::Site;
use secret::{Gate, Secret};
use session::Sessions;

mod answer;
mod cli;
mod complaint;
// Neither program uses all of it.
#[allow(dead_code)]
#[path = "../../../confine/mod.rs"]
mod confine;
mod control;
mod form;
#[cfg(test)]
mod hostile;
mod limits;
mod line;
mod live;
mod origin;
mod pages;
mod privilege;
mod random;
mod reply;
mod router;
mod secret;
mod server;
mod session;
mod stall;

const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let result = match cli::parse(std::env::args_os()) {
        Ok(Invocation::Serve(options)) => run(options),
        Ok(Invocation::Help) => print(cli::USAGE),
        Ok(Invocation::Version) => print(&format!("rekeyd-web {}\n", env!("REKEYD_VERSION"))),
        Err(error) => {
            eprint!("{error}\n\n{}", cli::USAGE);
            return ExitCode::from(USAGE_ERROR);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rekeyd-web: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(options.listen)
        .map_err(|error| format!("--listen {}: {error}", options.listen))?;
    listener.set_nonblocking(true)?;
    let local = listener.local_addr()?;
    let (secret, token) = match &options.secret_file {
        Some(path) => {
            let read = Secret::read(path);
            (read.map_err(|error| format!("--secret-file {}: {error}", path.display()))?, None)
        }
        None => Secret::draw().map(|(secret, token)| (secret, Some(token)))?,
    };
    let (user, group) = (options.user.as_deref(), options.control_group.as_deref());
    let user = User::find(user, group, privilege::is_root())?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let end = async {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
        };
        privilege::drop_privileges(user)?;
        if !local.ip().is_loopback() {
            eprintln!("rekeyd-web: without TLS in front the network can read the secret");
        }
        print(&format!("{}\n", address(local, token)))?;
        server::serve(listener, Rc::new(site(options, secret, local)), end).await;
        Ok(())
    })
}

fn site(options: Options, secret: Secret, local: SocketAddr) -> Site {
    Site {
        live: Live::new(Control::new(options.control.clone(), 1)),
        control: Control::new(options.control, MAX_ASKING),
        gate: Gate::new(secret),
        sessions: Sessions::default(),
        hosts: options.hosts,
        cookie: format!("rekeyd-web-{}", local.port()),
        metrics: Mutex::new(None),
    }
}

/// Where a browser finds it. A fragment is never sent: the page reads the token from there.
fn address(local: SocketAddr, token: Option<String>) -> String {
    let fragment = token.map(|token| format!("#token={token}")).unwrap_or_default();
    match local.ip().is_unspecified() {
        true => format!("http://localhost:{}/{fragment}", local.port()),
        false => format!("http://{local}/{fragment}"),
    }
}

fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())?;
    Ok(())
}
