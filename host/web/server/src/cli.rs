//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use lexopt::prelude::*;

pub const USAGE: &str = "\
usage: rekeyd-web [--listen ADDRESS:PORT] [--control PATH] [--secret-file FILE]
                  [--host NAME]... [--user USER] [--control-group GROUP]
       rekeyd-web --version | --help

Serves the WebUI of the rekeyd whose control socket is at PATH.
--listen: 127.0.0.1:8380 unless told otherwise; in brackets an IPv6 address: [::1]:8380
--secret-file: FILE's first line is the password or token; without it a token is drawn,
  and the address with it printed
--host: a name that browsers may reach it by, besides the address and localhost
--user: whom to become; needed where it is started as root
--control-group: a group to be in, besides USER's own: that of rekeyd --control-group
";

const DEFAULT_CONTROL: &str = "/var/run/rekeyd.sock";
const DEFAULT_LISTEN: &str = "127.0.0.1:8380";

#[derive(Debug, PartialEq)]
pub enum Invocation {
    Serve(Options),
    Help,
    Version,
}

#[derive(Debug, PartialEq)]
pub struct Options {
    pub listen: SocketAddr,
    pub control: PathBuf,
    pub secret_file: Option<PathBuf>,
    /// In lower case.
    pub hosts: Vec<String>,
    pub user: Option<String>,
    pub control_group: Option<String>,
}

/// Reads the command line, the program's own name first.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, lexopt::Error> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let mut listen = DEFAULT_LISTEN.to_string();
    let mut control = PathBuf::from(DEFAULT_CONTROL);
    let mut secret_file = None;
    let mut hosts = Vec::new();
    let mut user = None;
    let mut control_group = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Invocation::Help),
            Long("version") | Short('V') => return Ok(Invocation::Version),
            Long("listen") => listen = parser.value()?.string()?,
            Long("control") => control = parser.value()?.into(),
            Long("secret-file") => secret_file = Some(parser.value()?.into()),
            Long("host") => hosts.push(host(parser.value()?.string()?)?),
            Long("user") => user = Some(parser.value()?.string()?),
            Long("control-group") => control_group = Some(parser.value()?.string()?),
            _ => return Err(argument.unexpected()),
        }
    }
    let listen = listen.parse().map_err(|_| {
        format!("--listen {listen}: not ADDRESS:PORT, such as 127.0.0.1:8380 or [::1]:8380")
    })?;
    Ok(Invocation::Serve(Options { listen, control, secret_file, hosts, user, control_group }))
}

/// A name as it stands in a Host header, without a port: any port will do.
fn host(name: String) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err(format!("--host {name}: a name alone, such as router.example"));
    }
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Invocation, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_has_a_default() {
        let defaults = Options {
            listen: "127.0.0.1:8380".parse().unwrap(),
            control: DEFAULT_CONTROL.into(),
            secret_file: None,
            hosts: vec![],
            user: None,
            control_group: None,
        };
        assert_eq!(parse_line("rekeyd-web"), Ok(Invocation::Serve(defaults)));
        let all = Options {
            listen: "[::1]:80".parse().unwrap(),
            control: "s".into(),
            secret_file: Some("f".into()),
            hosts: vec!["router.example".into(), "r".into()],
            user: Some("nobody".into()),
            control_group: Some("vpn".into()),
        };
        let line = "rekeyd-web --listen [::1]:80 --control s --secret-file f \
                    --host Router.Example --host r --user nobody --control-group vpn";
        assert_eq!(parse_line(line), Ok(Invocation::Serve(all)));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, message) in [
            ("rekeyd-web --fast", "invalid option '--fast'"),
            (
                "rekeyd-web --listen 8380",
                "--listen 8380: not ADDRESS:PORT, such as 127.0.0.1:8380 or [::1]:8380",
            ),
            ("rekeyd-web --host r:80", "--host r:80: a name alone, such as router.example"),
            ("rekeyd-web x", "unexpected argument \"x\""),
        ] {
            assert_eq!(parse_line(line), Err(message.to_string()));
        }
    }
}
