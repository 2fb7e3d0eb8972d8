//! `rekeyctl watch`: a live screen. The daemon draws the frames, and here one is shown each second,
//! with one write, so that nothing flickers.

use std::env;
use std::error::Error;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};
use rustix::termios::tcgetwinsize;

use crate::client::{self, Answer, Status};
use crate::keys::Key;
use crate::line::Edit;
use crate::signal::{Signal, Signals};
use crate::terminal::Terminal;

const FRAME_INTERVAL: Duration = Duration::from_secs(1);
/// Where the terminal does not know its size.
const DEFAULT_SIZE: (usize, usize) = (80, 24);
/// A place that no list of VPNs reaches: the daemon shows the end.
const END: usize = 1_000_000_000;
const HOME: &[u8] = b"\x1b[H";
const ERASE_LINE: &[u8] = b"\x1b[K\r\n";
const ERASE_BELOW: &[u8] = b"\x1b[J";
const ERASE_ALL: &[u8] = b"\x1b[2J";

/// Shows the screen until `q`, Ctrl-C or a signal ends it.
pub fn run(control: &Path) -> Result<(), Box<dyn Error>> {
    let signals = Signals::open_for_screen()?;
    let terminal = Terminal::open()?;
    let _screen = Screen::open()?;
    let mut view = View::new();
    loop {
        view.refresh(control)?;
        write_whole(&view.picture())?;
        if !view.wait(&signals, &terminal)? {
            return Ok(());
        }
    }
}

/// The terminal's alternate screen (xterm's control sequences), without a cursor, and with lines
/// that end at its edge. What was on the terminal comes back when this goes.
struct Screen;

impl Screen {
    fn open() -> io::Result<Screen> {
        write_whole(b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")?;
        Ok(Screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // An error: the terminal has gone.
        let _ = write_whole(b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
    }
}

/// What is shown, and which part of it.
struct View {
    /// How the terminal takes frames: words of the daemon's command.
    manner: &'static str,
    first: usize,
    shown: usize,
    frame: Vec<u8>,
    drawn: Instant,
    /// Why there is no newer frame.
    lost: Option<String>,
}

impl View {
    fn new() -> View {
        let manner = match (is_utf8(), is_colored()) {
            (true, true) => " color",
            (true, false) => "",
            (false, true) => " ascii color",
            (false, false) => " ascii",
        };
        let (frame, drawn) = (Vec::new(), Instant::now());
        View { manner, first: 0, shown: 0, frame, drawn, lost: None }
    }

    /// Has the daemon draw a frame. Without one the last one stays, and says so.
    fn refresh(&mut self, control: &Path) -> Result<(), Box<dyn Error>> {
        let (columns, rows) = size();
        let mut line = format!("watch size {columns} {rows}{}", self.manner);
        if self.first > 0 {
            line += &format!(" skip {}", self.first);
        }
        match client::request(control, false, line.as_bytes(), FRAME_INTERVAL) {
            Ok(Answer { status: Status::Frame { first, shown }, body }) => {
                (self.first, self.shown, self.frame) = (first, shown, body);
                (self.drawn, self.lost) = (Instant::now(), None);
            }
            Ok(Answer { body, .. }) => {
                return Err(String::from_utf8_lossy(&body).trim_end().into());
            }
            Err(error) => {
                let control = control.display();
                self.lost = Some(format!("no answer from rekeyd at {control}: {error}"));
            }
        }
        Ok(())
    }

    /// The bytes that show it.
    fn picture(&self) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = self.frame.trim_ascii_end().split(|&b| b == b'\n').collect();
        let notice = self.notice();
        if let Some(notice) = &notice {
            lines[0] = notice.as_bytes();
        }
        [HOME, &lines.join(ERASE_LINE), ERASE_BELOW].concat()
    }

    /// In place of the first line: why nothing changes any more.
    fn notice(&self) -> Option<String> {
        let lost = self.lost.as_ref()?;
        let age_s = self.drawn.elapsed().as_secs();
        let text = format!("{age_s} s old: {lost}");
        let text: String = text.chars().filter(|c| !c.is_control()).take(size().0).collect();
        Some(if is_colored() { format!("\x1b[7m{text}\x1b[0m") } else { text })
    }

    /// Waits for the next frame's time, or for something that needs one sooner. False: the end.
    fn wait(&mut self, signals: &Signals, terminal: &Terminal) -> Result<bool, Box<dyn Error>> {
        let end = Instant::now() + FRAME_INTERVAL;
        let stdin = io::stdin();
        loop {
            let mut waited =
                [PollFd::new(&stdin, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
            if !poll_until(end, &mut waited)? {
                return Ok(true);
            }
            let [typed, signalled] = waited.map(|fd| !fd.revents().is_empty());
            if signalled {
                return Ok(signals.read()? == Signal::Resize);
            }
            // A key that is held down sends more than can be drawn: all of them, then a frame.
            if typed && !self.press(terminal.read_key()?)? {
                return Ok(false);
            }
            let mut more = [PollFd::new(&stdin, PollFlags::IN)];
            if typed && !poll_until(Instant::now(), &mut more)? {
                return Ok(true);
            }
        }
    }

    /// Does what the key is for; none: the terminal has gone. False: the end.
    fn press(&mut self, key: Option<Key>) -> io::Result<bool> {
        match key {
            None | Some(Key::Interrupt | Key::Edit(Edit::Insert('q' | 'Q'))) => return Ok(false),
            Some(Key::Edit(Edit::Older)) => self.first = self.first.saturating_sub(1),
            Some(Key::Edit(Edit::Newer)) => self.first += 1,
            Some(Key::PageUp) => self.first = self.first.saturating_sub(self.shown),
            Some(Key::PageDown) => self.first += self.shown,
            Some(Key::Edit(Edit::Home)) => self.first = 0,
            Some(Key::Edit(Edit::End)) => self.first = END,
            Some(Key::ClearScreen) => write_whole(ERASE_ALL)?,
            Some(_) => (),
        }
        self.first = self.first.min(END);
        Ok(true)
    }
}

/// Waits for the next frame's time; whether a signal came before it.
pub fn is_stopped(signals: &Signals) -> io::Result<bool> {
    let end = Instant::now() + FRAME_INTERVAL;
    while poll_until(end, &mut [PollFd::new(signals, PollFlags::IN)])? {
        if signals.read()? != Signal::Resize {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Waits until something can be read; false: until `end` nothing could.
fn poll_until(end: Instant, waited: &mut [PollFd]) -> io::Result<bool> {
    loop {
        let left = Timespec::try_from(end.saturating_duration_since(Instant::now()));
        match poll(waited, Some(&left.map_err(io::Error::other)?)) {
            Err(Errno::INTR) => continue,
            ready => return Ok(ready? > 0),
        }
    }
}

/// Columns and rows for a frame. The last column stays free: a terminal may wrap there.
fn size() -> (usize, usize) {
    let (columns, rows) = tcgetwinsize(io::stdout())
        .map_or((0, 0), |size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    let columns = if columns == 0 { DEFAULT_SIZE.0 } else { columns };
    let rows = if rows == 0 { DEFAULT_SIZE.1 } else { rows };
    ((columns - 1).max(1), rows)
}

/// Whether the locale's characters are UTF-8: of these variables the first that is set counts.
fn is_utf8() -> bool {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = variables.iter().filter_map(env::var_os).find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_string_lossy().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// See no-color.org.
fn is_colored() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// With a single call, unless the terminal takes less at once.
fn write_whole(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(io::stdout(), bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => (),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
