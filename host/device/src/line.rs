//! The line that is being typed at the prompt: its text, the cursor, and the lines before it.

use std::collections::VecDeque;

/// Lines that can be recalled.
const MAX_HISTORY: usize = 500;

/// What a key does to the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    Insert(char),
    Left,
    Right,
    Home,
    End,
    Backspace,
    Delete,
    /// To the line's beginning, or its end.
    KillBefore,
    KillAfter,
    /// The word before the cursor.
    KillWord,
    Older,
    Newer,
}

#[derive(Default)]
pub struct Line {
    text: Vec<char>,
    /// Where the next character goes.
    cursor: usize,
    history: VecDeque<String>,
    /// How many lines back in the history this one was recalled from; 0: it was not.
    back: usize,
    /// What was typed before the history was gone through.
    typed: Vec<char>,
}

impl Line {
    /// An empty one; the newest of the lines can be recalled, which are the last ones here.
    pub fn after(lines: Vec<String>) -> Line {
        let skipped = lines.len().saturating_sub(MAX_HISTORY);
        Line { history: lines.into_iter().skip(skipped).collect(), ..Line::default() }
    }

    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    pub fn before_cursor(&self) -> String {
        self.text[..self.cursor].iter().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether the cursor is inside double quotes.
    pub fn is_quoted(&self) -> bool {
        self.text[..self.cursor].iter().filter(|&&c| c == '"').count() % 2 == 1
    }

    /// Takes the line and begins a new one.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.clear();
        text
    }

    /// Lets the line be recalled; false: it is empty, or like the one before.
    pub fn remember(&mut self, text: &str) -> bool {
        if text.trim().is_empty() || self.history.back().is_some_and(|last| last == text) {
            return false;
        }
        self.history.push_back(text.into());
        if self.history.len() > MAX_HISTORY {
            self.history.pop_front();
        }
        true
    }

    /// Forgets what was typed.
    pub fn clear(&mut self) {
        self.set(Vec::new());
        self.back = 0;
    }

    pub fn insert(&mut self, text: &str) {
        text.chars().for_each(|c| self.apply(Edit::Insert(c)));
    }

    pub fn apply(&mut self, edit: Edit) {
        let end = self.text.len();
        match edit {
            Edit::Insert(c) => {
                self.text.insert(self.cursor, c);
                self.cursor += 1;
            }
            Edit::Left => self.cursor = self.cursor.saturating_sub(1),
            Edit::Right => self.cursor = end.min(self.cursor + 1),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = end,
            Edit::Backspace => self.kill(self.cursor.saturating_sub(1), self.cursor),
            Edit::Delete => self.kill(self.cursor, end.min(self.cursor + 1)),
            Edit::KillBefore => self.kill(0, self.cursor),
            Edit::KillAfter => self.kill(self.cursor, end),
            Edit::KillWord => self.kill(self.word_start(), self.cursor),
            Edit::Older => self.recall(self.back + 1),
            Edit::Newer if self.back > 0 => self.recall(self.back - 1),
            Edit::Newer => (),
        }
    }

    fn kill(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn word_start(&self) -> usize {
        let mut at = self.cursor;
        while at > 0 && self.text[at - 1].is_whitespace() {
            at -= 1;
        }
        while at > 0 && !self.text[at - 1].is_whitespace() {
            at -= 1;
        }
        at
    }

    fn recall(&mut self, back: usize) {
        if back > self.history.len() {
            return;
        }
        if self.back == 0 {
            self.typed = self.text.clone();
        }
        self.back = back;
        let text = match back {
            0 => self.typed.clone(),
            _ => self.history[self.history.len() - back].chars().collect(),
        };
        self.set(text);
    }

    fn set(&mut self, text: Vec<char>) {
        self.cursor = text.len();
        self.text = text;
    }

    /// What fits into so many columns around the cursor, and the cursor's column in it.
    pub fn window(&self, columns: usize) -> (String, usize) {
        let from = (self.cursor + 1).saturating_sub(columns);
        let to = self.text.len().min(from + columns);
        (self.text[from..to].iter().collect(), self.cursor - from)
    }

    /// Adds to the last word before the cursor what all of the words that it can become have in
    /// common, and ends it where there is only one. False: that is nothing.
    pub fn complete(&mut self, words: &[&str]) -> bool {
        let before = self.before_cursor();
        let start = before.rfind([' ', '\t', '"']).map_or(0, |at| at + 1);
        let typed = &before[start..];
        let rests: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix(typed)).collect();
        let Some(first) = rests.first() else {
            return false;
        };
        let common = rests.iter().fold(*first, |common, rest| shared(common, rest));
        self.insert(common);
        if rests.len() == 1 {
            // At the end of a word that is in no quotes it would ask for help.
            if common.ends_with('?') && !self.is_quoted() {
                self.text.insert(before[..start].chars().count(), '"');
                self.cursor += 1;
            }
            self.insert(if self.is_quoted() { "\" " } else { " " });
        }
        rests.len() == 1 || !common.is_empty()
    }
}

/// The beginning that both have.
fn shared<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.char_indices().zip(b.chars()).take_while(|((_, x), y)| x == y);
    let length = same.map(|((at, c), _)| at + c.len_utf8()).last().unwrap_or(0);
    &a[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let mut line = Line::default();
        line.insert(text);
        line
    }

    /// The line with a bar where the cursor is.
    fn shown(line: &Line) -> String {
        let before = line.before_cursor();
        let text = line.text();
        format!("{before}|{}", &text[before.len()..])
    }

    #[test]
    fn keys_move_and_remove() {
        use Edit::*;
        for (edits, expected) in [
            (&[Left, Left, Insert('x')][..], "get äx|ü s"),
            (&[Home, Delete, Right, Delete], "e| äü s"),
            (&[Backspace, KillWord], "get |"),
            (&[KillWord, KillWord], "get |"),
            (&[Left, KillBefore], "|s"),
            (&[Left, Left, Left, KillAfter, End, Right], "get ä|"),
            (&[KillBefore, Backspace, Left, KillWord, Delete], "|"),
        ] {
            let mut line = line("get äü s");
            if expected == "get äx|ü s" {
                line.apply(Left);
            }
            edits.iter().for_each(|&edit| line.apply(edit));
            assert_eq!(shown(&line), expected, "{edits:?}");
        }
    }

    #[test]
    fn lines_are_recalled_and_what_was_typed_comes_back() {
        let mut line = Line::default();
        for (text, is_new) in [("one", true), ("two", true), ("two", false), (" ", false)] {
            line.insert(text);
            assert_eq!(line.take(), text);
            assert_eq!(line.remember(text), is_new);
        }
        line.insert("thr");
        for (edit, text) in [
            (Edit::Newer, "thr"),
            (Edit::Older, "two"),
            (Edit::Older, "one"),
            (Edit::Older, "one"),
            (Edit::Newer, "two"),
            (Edit::Newer, "thr"),
        ] {
            line.apply(edit);
            assert_eq!(shown(&line), format!("{text}|"));
        }
    }

    #[test]
    fn the_history_is_bounded() {
        let lines = (0..MAX_HISTORY + 5).map(|number| number.to_string()).collect();
        let mut line = Line::after(lines);
        (0..5).for_each(|number| assert!(line.remember(&format!("new {number}"))));
        (0..2 * MAX_HISTORY).for_each(|_| line.apply(Edit::Older));
        assert_eq!(line.text(), "10");
    }

    #[test]
    fn completion_adds_what_is_common() {
        for (text, words, expected, added) in [
            ("get v", &["vpn", "vpnmonitor"][..], "get vpn|", true),
            ("get vpn", &["vpn", "vpnmonitor"], "get vpn|", false),
            ("get vpn ", &["bär", "büro"], "get vpn b|", true),
            ("get vpn bä", &["bär"], "get vpn bär |", true),
            ("get vpn \"b", &["branch"], "get vpn \"branch\" |", true),
            ("get vpn \"b", &["branch", "bridge"], "get vpn \"br|", true),
            ("get vpn bü", &["büro?"], "get vpn \"büro?\" |", true),
            ("get x", &[], "get x|", false),
            ("", &["get"], "get |", true),
        ] {
            let mut line = line(text);
            assert_eq!(line.complete(words), added, "{text}");
            assert_eq!(shown(&line), expected);
        }
    }

    #[test]
    fn a_long_line_is_shown_around_the_cursor() {
        let mut line = line("0123456789");
        assert_eq!(line.window(20), ("0123456789".into(), 10));
        assert_eq!(line.window(5), ("6789".into(), 4));
        line.apply(Edit::Home);
        assert_eq!(line.window(5), ("01234".into(), 0));
        assert_eq!(line.window(1), ("0".into(), 0));
    }

    #[test]
    fn quotes_are_counted_up_to_the_cursor() {
        let mut line = line("get vpn \"a");
        assert!(line.is_quoted());
        line.insert("\"");
        assert!(!line.is_quoted());
        line.apply(Edit::Left);
        assert!(line.is_quoted());
    }
}
