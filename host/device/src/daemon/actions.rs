//! What the daemon does for the engine when a call has returned.

use std::io;

use super::{Daemon, HELPER_GONE, errno};
use crate::abi::{Action, Input};
use crate::clock;
use crate::hooks::Gone;
use crate::log;

impl Daemon {
    pub(super) fn carry_out(&mut self, action: Action) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        match action {
            Action::SendEchoes { version, is_guarded, slots } => {
                let refuse = |index, error: io::Error| {
                    self.pending.push_back(Input::Unsent { version, index, errno: errno(&error) });
                };
                self.icmp.send_echoes(version, is_guarded, engine.bytes(slots), refuse);
            }
            Action::ViciConnect { path } => {
                let connected = self.vici.connect(engine.bytes(path), &self.poll);
                self.pending.push_back(match connected {
                    Ok(()) => Input::ViciOpened,
                    Err(error) => Input::ViciClosed { errno: errno(&error) },
                });
            }
            Action::ViciSend { bytes } => {
                if let Err(error) = self.vici.send(engine.bytes(bytes), &self.poll) {
                    self.pending.push_back(Input::ViciClosed { errno: errno(&error) });
                }
            }
            Action::ViciClose => self.vici.close(),
            Action::Log { severity, text } => self.log.write(severity, engine.bytes(text)),
            Action::Reply { client, bytes } => {
                self.control.reply(client, engine.bytes(bytes), clock::now_ms(), &self.poll);
            }
            Action::ConfigError { line } => {
                self.config_errors += 1;
                self.log.note(log::ERROR, &String::from_utf8_lossy(engine.bytes(line)));
            }
            Action::LogJson { severity, line } => {
                self.log.write_json(severity, engine.bytes(line));
            }
            Action::LogFields { severity, fields } => {
                self.log.write_fields(severity, engine.bytes(fields));
            }
            Action::RunHook { what, message } => {
                if self.hooks.run(what, engine.bytes(message)) == Err(Gone) {
                    self.pending.push_back(HELPER_GONE);
                }
            }
            // An event of the engine tells the log.
            Action::ConfigTaken { summary } => {
                self.notify.ready(&String::from_utf8_lossy(engine.bytes(summary)));
            }
            Action::Recorder { on } => self.recorder.ask(on),
            Action::SaveRecording { client, file } => {
                let head = [b"save ", engine.bytes(file), b"\n"].concat();
                let now_ms = clock::now_ms();
                let text = match self.recorder.saved(&head) {
                    Ok(answer) if answer.len() > head.len() => {
                        return self.control.reply(client, answer, now_ms, &self.poll);
                    }
                    Ok(_) => "nothing has been recorded".to_string(),
                    Err(error) => format!("the recordings: {error}"),
                };
                self.control.refuse(client, &text, now_ms, &self.poll);
            }
            Action::ConfigChanged { text } => self.config.change(engine.bytes(text)),
            Action::SaveConfig { force } => {
                self.pending.push_back(Input::Saved { errno: self.config.save(force) });
            }
            Action::TellFacts => self.pending.push_back(self.facts.tell(engine)),
            Action::NetlinkSend { bytes } => {
                if let Err(error) = self.kernel.send_routing(engine.bytes(bytes)) {
                    self.log.note(log::ERROR, &format!("netlink: {error}"));
                }
            }
            Action::XfrmSend { bytes } => self.kernel.send_ipsec(engine.bytes(bytes)),
        }
    }
}
