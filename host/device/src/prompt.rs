//! The prompt: `?` and Tab ask the daemon what may stand there, for it alone knows the commands.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::client::{self, Status};
use crate::history::History;
use crate::keys::Key;
use crate::line::{Edit, Line};
use crate::session::{Outcome, Session, print};
use crate::terminal::Terminal;
use crate::wrap::fit;

const PROMPT: &str = "rekeyd> ";
const GREETING: &str = "? shows what may stand there, Tab completes, exit ends\n";
/// Somebody who leaves does not wait.
const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// Runs what is typed until `exit` or Ctrl-D. What was wrong has been seen: the end is a good one.
pub fn run(session: &Session) -> Result<Outcome, Box<dyn Error>> {
    print(GREETING.as_bytes());
    let history = History::find();
    let mut line = Line::after(history.read());
    while let Some(text) = read_line(session, &mut line)? {
        if line.remember(&text) {
            history.add(&text);
        }
        match text.trim() {
            "" => (),
            "exit" | "quit" => break,
            comment if comment.starts_with('#') => (),
            command => _ = session.run(command.as_bytes(), None),
        }
    }
    // A daemon that does not answer at once has nothing to tell.
    if let Ok(answer) = client::request(&session.control, false, b"leave", LEAVE_PATIENCE)
        && answer.status == Status::Done
    {
        print(&fit(io::stdout(), &answer.body));
    }
    Ok(Outcome::Done)
}

/// None: there is no more.
fn read_line(session: &Session, line: &mut Line) -> Result<Option<String>, Box<dyn Error>> {
    let terminal = Terminal::open()?;
    loop {
        terminal.show(PROMPT, line)?;
        let Some(key) = terminal.read_key()? else {
            return Ok(None);
        };
        match key {
            Key::Help if line.is_quoted() => line.apply(Edit::Insert('?')),
            Key::Edit(edit) => line.apply(edit),
            Key::Help => help(session, &terminal, line)?,
            Key::Complete => complete(session, &terminal, line)?,
            Key::End if !line.is_empty() => line.apply(Edit::Delete),
            Key::ClearScreen => terminal.clear_screen()?,
            Key::PageUp | Key::PageDown | Key::Nothing => (),
            Key::Interrupt => {
                terminal.leave_line()?;
                line.clear();
            }
            Key::End => {
                terminal.leave_line()?;
                return Ok(None);
            }
            Key::Enter => {
                line.apply(Edit::End);
                terminal.show(PROMPT, line)?;
                terminal.leave_line()?;
                return Ok(Some(line.take()));
            }
        }
    }
}

/// Shows below the line what may stand where the cursor is. The line stays.
fn help(session: &Session, terminal: &Terminal, line: &Line) -> Result<(), Box<dyn Error>> {
    terminal.leave_line()?;
    tell(session, &format!("{}?", line.before_cursor()));
    Ok(())
}

fn complete(session: &Session, terminal: &Terminal, line: &mut Line) -> Result<(), Box<dyn Error>> {
    let before = line.before_cursor();
    // Without an answer there is nothing to add.
    let Ok(answer) = session.ask(format!("complete {before}").as_bytes(), false) else {
        return Ok(());
    };
    let words = String::from_utf8_lossy(&answer.body);
    let words: Vec<&str> = words.lines().collect();
    if answer.status == Status::Done && !line.complete(&words) && words.len() > 1 {
        help(session, terminal, line)?;
    }
    Ok(())
}

/// Answers of this kind are for people, whatever the commands' are.
fn tell(session: &Session, line: &str) {
    match session.ask(line.as_bytes(), false) {
        Ok(answer) => _ = print(&fit(io::stdout(), &answer.body)),
        Err(error) => println!("no answer from rekeyd: {error}"),
    }
}
