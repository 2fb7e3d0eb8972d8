//! The little JSON that is not the engine's: what the host itself has to say.

/// A string (RFC 8259, 7).
pub fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            _ if char.is_control() => quoted += &format!("\\u{:04x}", char as u32),
            _ => quoted.push(char),
        }
    }
    quoted + "\""
}

/// `{"KEY":TEXT}` on a line.
pub fn document(key: &str, text: &str) -> String {
    format!("{{{}:{}}}\n", quote(key), quote(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_line() {
        let text = "a \"b\"\n\\c\u{85}\u{7f}é";
        let document = document("error", text);
        assert_eq!(document, "{\"error\":\"a \\\"b\\\"\\u000a\\\\c\\u0085\\u007fé\"}\n");
    }
}
