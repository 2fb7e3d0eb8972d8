//! What the daemon answers at its control socket: a line that says how it went, and a body.

/// What the first line says.
#[derive(Debug, PartialEq)]
pub enum Head {
    Done,
    Refused,
    /// Done, but the body is a part; this line gets the next one.
    More(Vec<u8>),
    /// An answer that only `rekeyctl` knows what to do with.
    Other,
}

/// Takes an answer apart; none: it has no first line.
pub fn split(answer: &[u8]) -> Option<(Head, &[u8])> {
    let end = answer.iter().position(|&byte| byte == b'\n')?;
    let head = match &answer[..end] {
        b"ok" | b"found" => Head::Done,
        b"error" => Head::Refused,
        [b'm', b'o', b'r', b'e', b' ', line @ ..] => Head::More(line.to_vec()),
        _ => Head::Other,
    };
    Some((head, &answer[end + 1..]))
}

/// The document of a JSON answer, which is one line of text; none: it is something else.
pub fn document(body: &[u8]) -> Option<&str> {
    let line = str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let is_object = line.starts_with('{') && line.ends_with('}');
    (is_object && !line.contains(['\n', '\r'])).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::Chance;

    #[test]
    fn answers_are_taken_apart() {
        assert_eq!(split(b"ok\n{}\n"), Some((Head::Done, &b"{}\n"[..])));
        assert_eq!(split(b"found\n"), Some((Head::Done, &b""[..])));
        assert_eq!(split(b"error\nno\n"), Some((Head::Refused, &b"no\n"[..])));
        assert_eq!(split(b"more a b\nx"), Some((Head::More(b"a b".to_vec()), &b"x"[..])));
        for other in ["save /x\n", "OK\n", "\n", "ok \n", "frame 1 2\n"] {
            assert_eq!(split(other.as_bytes()), Some((Head::Other, &b""[..])));
        }
        assert_eq!(split(b"ok"), None);
        assert_eq!(split(b""), None);
    }

    #[test]
    fn a_document_is_one_line() {
        assert_eq!(document(b"{\"a\":1}\n"), Some("{\"a\":1}"));
        for wrong in ["", "\n", "{}", "[]\n", "{}\n{}\n", "{\r}\n", "no\n"] {
            assert_eq!(document(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert_eq!(document(b"{\xff}\n"), None);
    }

    #[test]
    fn any_bytes_have_an_answer() {
        let mut chance = Chance(1);
        for _ in 0..40_000 {
            let bytes = chance.mutated(b"more metrics from a\nok\n{\"vpns\":[]}\n");
            let Some((head, body)) = split(&bytes) else {
                assert!(!bytes.contains(&b'\n'));
                continue;
            };
            if let Head::More(line) = head {
                assert!(!line.contains(&b'\n'));
            }
            if let Some(text) = document(body) {
                assert!(!text.contains('\n') && text.len() + 1 == body.len());
            }
        }
    }
}
