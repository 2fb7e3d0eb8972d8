//! The terminal of the prompt: keys come in as they are pressed, the line is shown as it is.

use std::io::{self, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

use crate::keys::{Key, decode};
use crate::line::Line;

/// How long the rest of a key's bytes may take: of the Escape key there are none.
const REST_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
const DEFAULT_COLUMNS: usize = 80;

/// The terminal hands over each key at once for as long as this lives.
pub struct Terminal {
    before: Termios,
}

impl Terminal {
    pub fn open() -> io::Result<Terminal> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.local_modes -=
            LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Terminal { before })
    }

    /// Waits for a key; None: the terminal has gone.
    pub fn read_key(&self) -> io::Result<Option<Key>> {
        Ok(read_byte()?.map(|first| decode(first, read_rest)))
    }

    /// Shows the line behind the prompt, with the cursor in its place.
    pub fn show(&self, prompt: &str, line: &Line) -> io::Result<()> {
        let columns = tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col.into());
        let columns = if columns == 0 { DEFAULT_COLUMNS } else { columns };
        // The last column stays free: a terminal may wrap there.
        let (text, cursor) = line.window(columns.saturating_sub(prompt.len() + 1).max(1));
        let right = prompt.len() + cursor;
        write(&format!("\r{prompt}{text}\x1b[K\r\x1b[{right}C"))
    }

    /// What follows stands below the line.
    pub fn leave_line(&self) -> io::Result<()> {
        write("\n")
    }

    pub fn clear_screen(&self) -> io::Result<()> {
        write("\x1b[H\x1b[2J")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // An error: it has gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One byte and no more: what is typed ahead is for whoever reads next.
fn read_byte() -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match read(io::stdin(), &mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(Errno::INTR) => (),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A byte that comes soon.
fn read_rest() -> Option<u8> {
    let stdin = io::stdin();
    let mut waited = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut waited, Some(&REST_WAIT)) {
        Ok(1..) => read_byte().ok().flatten(),
        _ => None,
    }
}
