//! Completion where no daemon answers: the engine in this program knows every command, though no
//! VPN.

use crate::abi::{Action, Input, Times};
use crate::client::{Answer, Status};
use crate::engine::Program;

/// The answer to `complete LINE`; None to all else.
pub fn complete(line: &[u8], json: bool) -> Option<Answer> {
    if !line.starts_with(b"complete ") {
        return None;
    }
    let mut engine = Program::load().ok()?.instantiate().ok()?;
    let start = Input::Start { key: [0, 0], seed: 0, identifier: 1, utc_offset_s: 0 };
    let prefix: &[u8] = if json { b"json " } else { b"" };
    // `start` takes no bytes and leaves the input as it is.
    let command = Input::Command { client: 0, len: engine.write_input(&[prefix, line]) };
    let mut actions = Vec::new();
    for input in [start, command] {
        engine.feed(input, Times::now(), &mut actions).ok()?;
    }
    let reply = actions.into_iter().find_map(|action| match action {
        Action::Reply { bytes, .. } => Some(engine.bytes(bytes)),
        _ => None,
    });
    let body = reply?.strip_prefix(b"ok\n")?.to_vec();
    Some(Answer { status: Status::Done, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_completed_and_nothing_else_is_answered() {
        let complete = |line: &str| {
            let answer = complete(line.as_bytes(), false)?;
            Some(String::from_utf8(answer.body).unwrap())
        };
        assert_eq!(complete("complete get vp").as_deref(), Some("vpn\nvpnmonitor\n"));
        assert_eq!(complete("complete get vpn b").as_deref(), Some(""));
        assert_eq!(complete(&format!("complete {}", "x".repeat(5000))), None);
        assert_eq!(complete("get vpn"), None);
        assert_eq!(complete("completely"), None);
        let json = super::complete(b"complete sav", true).unwrap();
        assert_eq!(json.body, b"{\"completions\":[\"save\"]}\n");
    }
}
