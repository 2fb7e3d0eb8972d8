//! The line for the control socket, from what a request says.

use crate::limits::MAX_REQUEST_BYTES;

/// First words of lines that change nothing.
const READING: [&[u8]; 3] = [b"get", b"doctor", b"complete"];
/// In front of every line, so that its answer is a JSON document.
pub const JSON: &[u8] = b"json ";
const MAX_LINE_BYTES: usize = MAX_REQUEST_BYTES - JSON.len();

/// The line whose words are the segments of a path: one that only reads. A word of several words
/// is put into quotes, and so is one that would ask for help.
pub fn from_path(path: &str) -> Result<Vec<u8>, String> {
    let words: Vec<Vec<u8>> = path.split('/').map(decode).collect::<Result<_, _>>()?;
    if !READING.contains(&&words[0][..]) {
        return Err("a line that is read begins with get, doctor or complete".into());
    }
    let mut line = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if word.contains(&b'"') {
            return Err("a word cannot contain a quotation mark".into());
        }
        let is_open = words[0] == b"complete" && i + 1 == words.len();
        let is_quoted = word.contains(&b' ') || word.contains(&b'?');
        line.extend(if i > 0 { &b" "[..] } else { b"" });
        line.extend(if is_quoted { &b"\""[..] } else { b"" });
        line.extend(word);
        // What is to be completed has no end yet.
        line.extend(if is_quoted && !is_open { &b"\""[..] } else { b"" });
    }
    check(&line)?;
    Ok(line)
}

/// The line as somebody wrote it.
pub fn from_text(text: &str) -> Result<Vec<u8>, String> {
    check(text.as_bytes())?;
    Ok(text.into())
}

/// A line is one line, whoever wrote it.
fn check(line: &[u8]) -> Result<(), String> {
    if line.iter().any(u8::is_ascii_control) {
        return Err("a command is one line, without control characters".into());
    }
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("a command has at most {MAX_LINE_BYTES} bytes"));
    }
    Ok(())
}

/// Percent-decodes a segment (RFC 3986, section 2.1).
fn decode(segment: &str) -> Result<Vec<u8>, String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let high = bytes.next().and_then(hexadecimal);
            let low = bytes.next().and_then(hexadecimal);
            let (Some(high), Some(low)) = (high, low) else {
                return Err("'%' stands before two hexadecimal digits, as in %20".into());
            };
            16 * high + low
        } else {
            byte
        });
    }
    Ok(decoded)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::Chance;

    #[test]
    fn words_become_a_line() {
        for (path, line) in [
            ("get/vpn", "get vpn"),
            ("get/vpn/", "get vpn "),
            ("get/vpn/a%20b", "get vpn \"a b\""),
            ("get/vpn/%3F", "get vpn \"?\""),
            ("get/event/last/5", "get event last 5"),
            ("doctor", "doctor"),
            ("complete/set/vpn/", "complete set vpn "),
            ("complete/get/vpn/my%20v", "complete get vpn \"my v"),
            ("get/vpn/..%2f..", "get vpn ../.."),
        ] {
            assert_eq!(from_path(path).as_deref(), Ok(line.as_bytes()), "{path}");
        }
    }

    #[test]
    fn what_is_no_reading_line_is_refused() {
        let reads = "a line that is read begins with get, doctor or complete";
        let one_line = "a command is one line, without control characters";
        let percent = "'%' stands before two hexadecimal digits, as in %20";
        let quote = "a word cannot contain a quotation mark";
        for (path, error) in [
            ("", reads),
            ("/get/vpn", reads),
            ("set/vpn/branch/monitor", reads),
            ("save", reads),
            ("get%20vpn", reads),
            ("GET/vpn", reads),
            ("help/get", reads),
            ("get/vpn/a%0Aset%20vpn", one_line),
            ("get/vpn/a%0d", one_line),
            ("get/vpn/%00", one_line),
            ("get/vpn/a%22%20b", quote),
            ("get/%", percent),
            ("get/%4", percent),
            ("get/%g0", percent),
            ("get/%+1", percent),
        ] {
            assert_eq!(from_path(path), Err(error.to_string()), "{path}");
        }
        let long = format!("get/vpn/{}", "a".repeat(MAX_LINE_BYTES));
        assert_eq!(from_path(&long), Err("a command has at most 1019 bytes".into()));
        assert_eq!(from_text("get vpn\nsave"), Err(one_line.into()));
        assert_eq!(from_text("get vpn \"a b\""), Ok(b"get vpn \"a b\"".to_vec()));
    }

    /// The words of a line, as the engine takes them (assembly/console/line.ts).
    fn words_of(line: &[u8]) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        let mut rest = line;
        while let Some(start) = rest.iter().position(|&byte| byte > b' ') {
            let is_quoted = rest[start] == b'"';
            let body = &rest[start + usize::from(is_quoted)..];
            let ends = |&byte: &u8| if is_quoted { byte == b'"' } else { byte <= b' ' };
            let length = body.iter().position(ends).unwrap_or(body.len());
            words.push(body[..length].to_vec());
            rest = &body[(length + usize::from(is_quoted)).min(body.len())..];
        }
        words
    }

    #[test]
    fn any_path_is_refused_or_says_what_its_words_say() {
        let mut chance = Chance(1);
        let seeds = ["get/vpn/a%20b", "complete/set/vpn/my%20v", "doctor/%22x", "get/event/last/5"];
        let mut taken = 0;
        for round in 0..40_000 {
            let mutated = chance.mutated(seeds[round % seeds.len()].as_bytes());
            let path = String::from_utf8_lossy(&mutated);
            let Ok(line) = from_path(&path) else { continue };
            taken += 1;
            assert!(line.len() <= MAX_LINE_BYTES && !line.contains(&b'\n'));
            let said: Vec<Vec<u8>> = path.split('/').map(|word| decode(word).unwrap()).collect();
            let said: Vec<Vec<u8>> = said.into_iter().filter(|word| !word.is_empty()).collect();
            assert_eq!(words_of(&line), said, "{path}");
            assert!(READING.contains(&&said[0][..]));
        }
        assert!(taken > 4_000, "{taken}");
    }
}
