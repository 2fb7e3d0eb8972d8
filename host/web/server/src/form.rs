//! What a POST says: a JSON object with one member, which is a text.

use std::collections::BTreeMap;

/// The text of the member `name`; others may not be there.
pub fn member(body: &[u8], name: &str) -> Result<String, String> {
    let members: Result<BTreeMap<String, String>, _> = serde_json::from_slice(body);
    let mut members = members.unwrap_or_default();
    match members.remove(name) {
        Some(text) if members.is_empty() => Ok(text),
        _ => Err(format!("the body is not as it should be: {{\"{name}\": \"...\"}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::Chance;

    #[test]
    fn one_member_is_taken_and_nothing_else() {
        let line = |body: &str| member(body.as_bytes(), "line");
        assert_eq!(line(r#"{"line": "get vpn"}"#), Ok("get vpn".into()));
        assert_eq!(line(r#" {"line":"\u0041\n\"ä\ud83d\ude00"} "#), Ok("A\n\"ä😀".into()));
        for wrong in [
            "",
            "{}",
            "null",
            "\"line\"",
            "[\"line\"]",
            r#"{"line":1}"#,
            r#"{"line":null}"#,
            r#"{"line":["a"]}"#,
            r#"{"Line":"a"}"#,
            r#"{"line":"a","more":"b"}"#,
            r#"{"line":"a"} x"#,
            r#"{"line":"\ud83d"}"#,
            r#"{"line":"a"#,
            "{\"line\":\"a\nb\"}",
        ] {
            let error = "the body is not as it should be: {\"line\": \"...\"}";
            assert_eq!(line(wrong), Err(error.into()), "{wrong}");
        }
        assert!(member(b"{\"line\":\"\xff\"}", "line").is_err());
        assert!(member("[".repeat(4096).as_bytes(), "line").is_err());
    }

    #[test]
    fn any_body_has_an_answer() {
        let mut chance = Chance(1);
        let mut taken = 0;
        for _ in 0..40_000 {
            let body = chance.mutated(br#"{"line": "set vpn \"a b\" monitor\u000a"}"#);
            taken += usize::from(member(&body, "line").is_ok());
        }
        assert!(taken > 1_000, "{taken}");
    }
}
