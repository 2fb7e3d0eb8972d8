//! What a terminal sends for a key (ECMA-48, 5.4; xterm's sequences), and what it is for.

use crate::line::Edit;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    Edit(Edit),
    Enter,
    Complete,
    Help,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D: the end on an empty line, else like Delete.
    End,
    ClearScreen,
    PageUp,
    PageDown,
    Nothing,
}

const ESCAPE: u8 = 0x1b;

/// Tells the key whose first byte this is; `next` has further bytes, if any come soon.
pub fn decode(first: u8, mut next: impl FnMut() -> Option<u8>) -> Key {
    match first {
        ESCAPE => match next() {
            Some(b'[' | b'O') => sequence(next),
            _ => Key::Nothing,
        },
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Complete,
        b'?' => Key::Help,
        0x7f => Key::Edit(Edit::Backspace),
        ..0x20 => control(first | 0x40),
        0x20..0x80 => Key::Edit(Edit::Insert(first.into())),
        _ => character(first, next),
    }
}

/// A letter with Ctrl.
fn control(letter: u8) -> Key {
    Key::Edit(match letter {
        b'A' => Edit::Home,
        b'B' => Edit::Left,
        b'C' => return Key::Interrupt,
        b'D' => return Key::End,
        b'E' => Edit::End,
        b'F' => Edit::Right,
        b'H' => Edit::Backspace,
        b'K' => Edit::KillAfter,
        b'L' => return Key::ClearScreen,
        b'N' => Edit::Newer,
        b'P' => Edit::Older,
        b'U' => Edit::KillBefore,
        b'W' => Edit::KillWord,
        _ => return Key::Nothing,
    })
}

/// Behind `ESC [` or `ESC O`: parameters, then the byte that ends the sequence.
fn sequence(mut next: impl FnMut() -> Option<u8>) -> Key {
    let mut parameter = 0;
    loop {
        return Key::Edit(match (next(), parameter) {
            (Some(byte @ 0x20..=0x3f), _) => {
                parameter = byte;
                continue;
            }
            (Some(b'A'), _) => Edit::Older,
            (Some(b'B'), _) => Edit::Newer,
            (Some(b'C'), _) => Edit::Right,
            (Some(b'D'), _) => Edit::Left,
            (Some(b'H'), _) | (Some(b'~'), b'1' | b'7') => Edit::Home,
            (Some(b'F'), _) | (Some(b'~'), b'4' | b'8') => Edit::End,
            (Some(b'~'), b'3') => Edit::Delete,
            (Some(b'~'), b'5') => return Key::PageUp,
            (Some(b'~'), b'6') => return Key::PageDown,
            _ => return Key::Nothing,
        });
    }
}

/// A character of more than one byte in UTF-8.
fn character(first: u8, mut next: impl FnMut() -> Option<u8>) -> Key {
    let length = match first {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Key::Nothing,
    };
    let mut bytes = vec![first];
    while bytes.len() < length
        && let Some(byte) = next()
    {
        bytes.push(byte);
    }
    match std::str::from_utf8(&bytes).map(|text| text.chars().next()) {
        Ok(Some(c)) if !c.is_control() => Key::Edit(Edit::Insert(c)),
        _ => Key::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that so many bytes are.
    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut rest = bytes.iter().copied();
        let mut keys = Vec::new();
        while let Some(first) = rest.next() {
            keys.push(decode(first, || rest.next()));
        }
        keys
    }

    #[test]
    fn keys_are_known_by_what_terminals_send() {
        for (bytes, edit) in [
            (&b"a"[..], Edit::Insert('a')),
            ("é".as_bytes(), Edit::Insert('é')),
            ("😀".as_bytes(), Edit::Insert('😀')),
            (b"\x7f", Edit::Backspace),
            (b"\x08", Edit::Backspace),
            (b"\x1b[A", Edit::Older),
            (b"\x1bOB", Edit::Newer),
            (b"\x1b[1;5C", Edit::Right),
            (b"\x1b[D", Edit::Left),
            (b"\x1b[H", Edit::Home),
            (b"\x1b[4~", Edit::End),
            (b"\x1b[3~", Edit::Delete),
            (b"\x17", Edit::KillWord),
        ] {
            assert_eq!(keys(bytes), [Key::Edit(edit)], "{bytes:?}");
        }
        let others = [Key::Enter, Key::Complete, Key::Help, Key::Interrupt, Key::End];
        assert_eq!(keys(b"\r\t?\x03\x04"), others);
        assert_eq!(keys(b"\x1b[5~\x1b[6~"), [Key::PageUp, Key::PageDown]);
    }

    #[test]
    fn what_is_no_key_does_nothing() {
        for bytes in [&b"\x1b"[..], b"\x1bx", b"\x1b[200~", b"\x1b[", b"\xff", b"\xc3(", b"\x00"] {
            assert_eq!(keys(bytes), [Key::Nothing], "{bytes:?}");
        }
    }
}
