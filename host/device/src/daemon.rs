//! The daemon's loop: waits, feeds the engine what has happened, and carries out what it asks for.

use std::collections::VecDeque;
use std::error::Error;
use std::io;

use crate::abi::{Input, Times};
use crate::cli::Run;
use crate::clock::{self, NEVER};
use crate::config::{self, Configuration};
use crate::control::Control;
use crate::engine::{Engine, Program};
use crate::facts::Facts;
use crate::fault::Fault;
use crate::group;
use crate::guard::Guard;
use crate::hooks::{Ended, Gone, Hooks, Told};
use crate::icmp::Icmp;
use crate::kernel::Kernel;
use crate::log::{self, Log};
use crate::notify::Notify;
use crate::poll::{EventFlags, Poll};
use crate::privilege::{self, explain};
use crate::random;
use crate::recorder::Recorder;
use crate::restart::Restarts;
use crate::save;
use crate::signal::{Signal, Signals};
use crate::timer::Timer;
use crate::vici::Vici;

mod actions;

// What epoll reports, served in this order: replies before anything that could judge their lack.
const REPLIES_4: u64 = 0;
const REPLIES_6: u64 = 1;
const VICI: u64 = 2;
const NETLINK: u64 = 3;
const XFRM: u64 = 4;
const SIGNAL: u64 = 5;
const TIMER: u64 = 6;
const HOOKS: u64 = 7;
/// Greater tokens are the control socket's clients.
const CONTROL: u64 = 8;

/// No hook runs any more (assembly/event/hook.ts).
const HELPER_GONE: Input = Input::HookEnded { outcome: 5, detail: 0, len: 0 };

const NOT_RELOADED: &str =
    "the file was not taken, an earlier configuration is in force; the log says why";
const STOPPED: &str = "stopped; the SAs stay as they are";
const ENGINE_IS_AWAY: &str = "the engine failed and starts anew; the log says why";

pub struct Daemon {
    program: Program,
    /// None between a trap and the start of the next one.
    engine: Option<Engine>,
    restarts: Restarts,
    restart_at_ms: i64,
    /// Inputs that the last one gave rise to.
    pending: VecDeque<Input>,
    config: Configuration,
    config_errors: usize,
    /// SIGHUP came while there was no engine.
    must_reload: bool,
    icmp: Icmp,
    facts: Facts,
    kernel: Kernel,
    vici: Vici,
    control: Control,
    recorder: Recorder,
    hooks: Hooks,
    signals: Signals,
    timer: Timer,
    poll: Poll,
    log: Log,
    notify: Notify,
    _guard: Guard,
}

impl Daemon {
    /// Opens all that needs privileges, gives them up, and starts the engine with a configuration
    /// that has been checked.
    pub fn start(
        program: Program,
        options: Run,
        mut log: Log,
        hooks: Hooks,
    ) -> Result<Daemon, Box<dyn Error>> {
        let control_path = &options.control;
        let limit = program.instantiate()?.input_mut().len();
        let config = Configuration::open(options.config, limit)?;
        let icmp = Icmp::open().map_err(|error| explain("a raw ICMP socket", error, ""))?;
        let guard = Guard::install().map_err(|error| {
            explain("nftables", error, "; the kernel must be 5.12 or later, and have nf_tables")
        })?;
        let group = options.group.as_deref().map(group::find).transpose()?;
        let control = Control::open(control_path, group, CONTROL)
            .map_err(|error| format!("{}: {error}", control_path.display()))?;
        // The tunnels are watched with a service manager or without.
        let notify = Notify::open().unwrap_or_else(|error| {
            log.note(log::NOTICE, &format!("NOTIFY_SOCKET: {error}; it is told nothing"));
            Notify::default()
        });
        let mut daemon = Daemon {
            program,
            engine: None,
            restarts: Restarts::default(),
            restart_at_ms: NEVER,
            pending: VecDeque::new(),
            config,
            config_errors: 0,
            must_reload: false,
            facts: Facts::new(icmp.has_v6()),
            icmp,
            kernel: Kernel::default(),
            vici: Vici::new(VICI),
            control,
            recorder: Recorder::open(&options.recordings),
            hooks,
            signals: Signals::open()?,
            timer: Timer::new()?,
            poll: Poll::new()?,
            log,
            notify,
            _guard: guard,
        };
        daemon.register()?;
        let writable = save::folder_of(daemon.config.path())?;
        let is_confined =
            privilege::drop_privileges(&[&writable], &[save::parent_of(control_path)])?;
        daemon.start_engine();
        let text = format!(
            "version {} started; configuration {}, control socket {}",
            env!("REKEYD_VERSION"),
            daemon.config.path().display(),
            control_path.display()
        );
        daemon.log.note(log::NOTICE, &text);
        if !is_confined {
            daemon.log.note(log::NOTICE, privilege::NOT_CONFINED);
        }
        Ok(daemon)
    }

    fn register(&self) -> io::Result<()> {
        self.poll.add(&self.signals, SIGNAL, EventFlags::IN)?;
        self.poll.add(&self.timer, TIMER, EventFlags::IN | EventFlags::ET)?;
        self.hooks.register(&self.poll, HOOKS)?;
        self.control.register(&self.poll)
    }

    /// Runs until SIGTERM or SIGINT.
    pub fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let is_due = self.set_timer()? <= clock::now_ms();
            self.poll.wait(&mut ready, is_due)?;
            for &(token, flags) in &ready {
                match token {
                    REPLIES_4 => self.receive_replies(4),
                    REPLIES_6 => self.receive_replies(6),
                    VICI => self.serve_vici(flags),
                    NETLINK => self.receive_netlink(Kernel::receive_routing),
                    XFRM => self.receive_netlink(Kernel::receive_ipsec),
                    SIGNAL => match self.signals.read()? {
                        Signal::Reload => {
                            self.notify.reloading();
                            if !self.reload() {
                                self.notify.ready(NOT_RELOADED);
                            }
                        }
                        Signal::Stop => {
                            self.log.note(log::NOTICE, STOPPED);
                            self.notify.stopping(STOPPED);
                            return Ok(());
                        }
                        Signal::Resize => (),
                    },
                    TIMER => (),
                    HOOKS => self.receive_hooks(),
                    CONTROL => self.control.accept(clock::now_ms(), &self.poll),
                    // One request a turn, the oldest client's: what echoes need comes first.
                    client if self.serve_client(client as u32) => break,
                    _ => (),
                }
            }
            self.serve_deadlines();
        }
    }

    /// Sets the timer to the next deadline, and returns that.
    fn set_timer(&mut self) -> io::Result<i64> {
        let engine_at_ms = self.engine.as_mut().map_or(self.restart_at_ms, Engine::deadline_ms);
        let at_ms = engine_at_ms.min(self.control.deadline_ms()).min(self.notify.deadline_ms());
        self.timer.set(at_ms)?;
        Ok(at_ms)
    }

    fn serve_deadlines(&mut self) {
        let now_ms = clock::now_ms();
        self.notify.alive(now_ms);
        if self.control.deadline_ms() <= now_ms {
            self.control.expire(now_ms, &self.poll);
        }
        if let Some(engine) = &mut self.engine {
            // One batch; what else is due has its turn after the replies that have come in.
            if engine.deadline_ms() <= now_ms {
                self.feed(Input::Tick);
                self.feed(Input::Chores);
            }
        } else if self.restart_at_ms <= now_ms {
            self.start_engine();
        }
    }

    fn receive_replies(&mut self, version: u32) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        let count = self.icmp.receive(version, engine.receive_slots_mut());
        if count > 0 {
            self.feed(Input::Replies { version, count });
        }
    }

    fn serve_vici(&mut self, flags: EventFlags) {
        if flags.contains(EventFlags::OUT)
            && let Err(error) = self.vici.flush(&self.poll)
        {
            return self.feed(Input::ViciClosed { errno: errno(&error) });
        }
        let Some(engine) = &mut self.engine else {
            return;
        };
        match self.vici.receive(engine.read_buffer()) {
            Ok(Some(len)) => self.feed(Input::ViciBytes { len }),
            Ok(None) => (),
            Err(error) => self.feed(Input::ViciClosed { errno: errno(&error) }),
        }
    }

    fn receive_netlink(&mut self, receive: impl Fn(&Kernel, &mut [u8]) -> Option<Input>) {
        if let Some(engine) = &mut self.engine
            && let Some(input) = receive(&self.kernel, engine.read_buffer())
        {
            self.feed(input);
        }
    }

    /// Tells the engine which hooks have ended.
    fn receive_hooks(&mut self) {
        loop {
            match self.hooks.receive() {
                Ok(None) => return,
                Ok(Some(Ended { outcome, detail, name })) => {
                    if let Some(engine) = &mut self.engine {
                        let len = engine.write_input(&[&name]);
                        self.feed(Input::HookEnded { outcome, detail, len });
                    }
                }
                Err(Gone) => return self.feed(HELPER_GONE),
            }
        }
    }

    /// Tells a fresh engine what hooks the one before it had run.
    fn recall_hooks(&mut self) {
        if !self.hooks.is_alive() {
            self.feed(HELPER_GONE);
        }
        for (name, Told { what, runs }) in self.hooks.told() {
            let Some(engine) = &mut self.engine else {
                return;
            };
            let len = engine.write_input(&[&name]);
            self.feed(Input::HookTold { what, runs, len });
        }
    }

    /// True: it had a request.
    fn serve_client(&mut self, id: u32) -> bool {
        let now_ms = clock::now_ms();
        let request = self.control.serve(id, now_ms, &self.poll);
        request.map(|request| self.carry_out_request(id, &request)).is_some()
    }

    fn carry_out_request(&mut self, id: u32, request: &[u8]) {
        let Some(engine) = &mut self.engine else {
            return self.control.refuse(id, ENGINE_IS_AWAY, clock::now_ms(), &self.poll);
        };
        #[cfg(feature = "fault")]
        if let Some(input) = engine.fault(id, request) {
            return self.feed(input);
        }
        let len = engine.write_input(&[request]);
        self.feed(Input::Command { client: id, len });
    }

    /// Reads the configuration again; true: the new one is good. The engine keeps the one that it
    /// has otherwise.
    fn reload(&mut self) -> bool {
        let Some(engine) = &mut self.engine else {
            self.must_reload = true;
            return false;
        };
        self.must_reload = false;
        match config::read(self.config.path(), engine.input_mut().len()) {
            Ok(text) => {
                let is_good = self.configure(Some(&text));
                if is_good {
                    self.config.take(text);
                }
                is_good
            }
            Err(error) => {
                let path = self.config.path().display();
                self.log.note(log::ERROR, &format!("not reloaded: {path}: {error}"));
                false
            }
        }
    }

    /// Hands the engine the text of the file, else the configuration in force; true: it is good.
    fn configure(&mut self, text: Option<&[u8]>) -> bool {
        let Some(engine) = &mut self.engine else {
            return false;
        };
        self.config_errors = 0;
        let input = match text {
            Some(text) => config::input(engine, self.config.path(), text, false),
            None => self.config.input(engine),
        };
        self.feed(input);
        self.engine.is_some() && self.config_errors == 0
    }

    /// Starts a fresh engine with the last good configuration. What it knows of the machine and of
    /// strongSwan it asks for anew.
    fn start_engine(&mut self) {
        self.restart_at_ms = NEVER;
        let told = match self.renew_engine() {
            Ok(told) => told,
            Err(error) => {
                self.log.note(log::CRITICAL, &format!("no engine: {error}"));
                return self.pause_engine();
            }
        };
        let utc_offset_s = clock::utc_offset_s();
        let identifier = self.icmp.identifier();
        self.recorder.begin();
        match random::key().and_then(|key| Ok((key, random::seed()?))) {
            Ok((key, seed)) => self.feed(Input::Start { key, seed, identifier, utc_offset_s }),
            Err(error) => {
                self.log.note(log::CRITICAL, &format!("no random key: {error}"));
                return self.pause_engine();
            }
        }
        self.feed(told);
        // The file first, if it was to be read: it may be the cure.
        if !(self.must_reload && self.reload()) {
            self.configure(None);
        }
        self.recorder.settle();
        self.recall_hooks();
    }

    /// Answers what the engine is to be told of the kernel.
    fn renew_engine(&mut self) -> Result<Input, Box<dyn Error>> {
        let told = self.kernel.open(&self.poll, NETLINK, XFRM)?;
        self.engine = Some(self.program.instantiate()?);
        self.icmp.listen(&self.poll, [REPLIES_4, REPLIES_6])?;
        Ok(told)
    }

    /// Lays the engine aside until the restart that this plans.
    fn pause_engine(&mut self) {
        let now_ms = clock::now_ms();
        let pause_ms = self.restarts.pause_ms(now_ms);
        self.restart_at_ms = now_ms + pause_ms;
        self.engine = None;
        self.kernel.close();
        self.vici.close();
        self.pending.clear();
        // An error: they were not listened to.
        let _ = self.icmp.ignore(&self.poll);
        self.control.refuse_waiting(ENGINE_IS_AWAY, now_ms, &self.poll);
        let text = match pause_ms {
            0 => "a fresh engine starts at once; the tunnels keep running".to_string(),
            _ => {
                format!("a fresh engine starts in {} s; the tunnels keep running", pause_ms / 1000)
            }
        };
        self.log.note(log::CRITICAL, &text);
    }

    /// Feeds the engine an input, and then those that carrying out its actions gives rise to.
    fn feed(&mut self, input: Input) {
        let mut actions = Vec::new();
        let mut next = Some(input);
        while let Some(input) = next {
            let Some(engine) = &mut self.engine else {
                return self.pending.clear();
            };
            let times = Times::now();
            self.recorder.input(engine, input, times);
            match engine.feed(input, times, &mut actions) {
                Ok(()) => {
                    self.recorder.actions(engine, &actions);
                    actions.drain(..).for_each(|action| self.carry_out(action));
                }
                Err(fault) => self.fail(fault),
            }
            next = self.pending.pop_front().or_else(|| self.mind_recorder());
        }
    }

    /// When nothing else is left to be done about an input.
    fn mind_recorder(&mut self) -> Option<Input> {
        self.engine.as_mut().and_then(|engine| self.recorder.mind(engine))
    }

    /// Logs why the engine trapped, and on what.
    fn fail(&mut self, fault: Fault) {
        self.log.note(log::CRITICAL, &fault.to_string());
        fault.dump().for_each(|line| self.log.note(log::CRITICAL, &line));
        match self.recorder.trap(&fault) {
            Some(Ok(path)) => {
                let text = format!("what led to it is recorded in {}", path.display());
                self.log.note(log::CRITICAL, &text);
            }
            Some(Err(error)) => {
                self.log.note(log::CRITICAL, &format!("the recording is not kept: {error}"));
            }
            None => (),
        }
        self.pause_engine();
    }
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}
