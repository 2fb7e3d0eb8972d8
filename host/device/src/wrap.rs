//! Lines that are wider than the terminal go on below, at a word, where its left edge would cut
//! them. What does not go to a terminal stays as it is: a line is then a line.

use std::borrow::Cow;
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// On less room broken lines are no easier to read.
const MIN_COLUMNS: usize = 40;
const INDENT: usize = 2;

/// The text as the terminal is to have it, if it is one.
pub fn fit(terminal: impl AsFd, text: &[u8]) -> Cow<'_, [u8]> {
    let columns = tcgetwinsize(terminal).map_or(0, |size| usize::from(size.ws_col));
    match str::from_utf8(text) {
        Ok(text) if columns >= MIN_COLUMNS => Cow::Owned(wrap(text, columns).into_bytes()),
        _ => Cow::Borrowed(text),
    }
}

fn wrap(text: &str, columns: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let is_marked = lines.peek().is_some_and(|next| next.trim_start().starts_with('^'));
        if is_marked || is_verbatim(line) {
            wrapped.push_str(line);
        } else {
            wrap_line(line, columns, &mut wrapped);
        }
    }
    wrapped
}

/// A line of a configuration, which somebody may copy: indented by a tab, or a comment.
fn is_verbatim(line: &str) -> bool {
    line.contains('\t') || line.trim_start().starts_with('#')
}

fn wrap_line(line: &str, columns: usize, wrapped: &mut String) {
    let chars: Vec<char> = line.chars().collect();
    let end = line.trim_end().chars().count();
    let begin = beginning(&chars);
    let indent = indent_of(&chars[..end], columns);
    let (mut from, mut room) = (0, columns);
    while end - from > room {
        let first = if from == 0 { begin } else { from };
        let mut fitting = (first + 1..=from + room).rev();
        // Words of a notation, `[active|inactive]`, part at a bar; any other long one stays whole.
        let space = fitting
            .clone()
            .find(|&i| chars[i] == ' ')
            .or_else(|| fitting.find(|&i| chars[i - 1] == '|'))
            .or_else(|| (from + room..end).find(|&i| chars[i] == ' '));
        let Some(space) = space else {
            break;
        };
        wrapped.push_str(chars[from..space].iter().collect::<String>().trim_end());
        wrapped.push('\n');
        wrapped.extend(std::iter::repeat_n(' ', indent));
        from = (space..end).find(|&i| chars[i] != ' ').unwrap_or(end);
        room = columns - indent;
    }
    wrapped.extend(&chars[from..]);
}

/// Spaces in front.
fn beginning(line: &[char]) -> usize {
    line.iter().take_while(|&&c| c == ' ').count()
}

/// Where the line goes on: below its last column, if that is in the left half, else a little more
/// to the right than it began.
fn indent_of(line: &[char], columns: usize) -> usize {
    let begin = beginning(line);
    let half = (columns / 2 + 1).min(line.len());
    let column = (begin + 2..half)
        .rev()
        .find(|&i| line[i] != ' ' && line[i - 1] == ' ' && line[i - 2] == ' ');
    let further = if begin <= columns / 4 { begin + INDENT } else { begin };
    column.unwrap_or(further.min(columns / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays() {
        for text in ["", "\n", "a b c\n", "ten chars!\n", "  a  b\n\n"] {
            assert_eq!(wrap(text, 10), text);
        }
    }

    #[test]
    fn a_line_goes_on_at_a_word_and_further_to_the_right() {
        assert_eq!(wrap("one two three four\n", 10), "one two\n  three\n  four\n");
        assert_eq!(wrap("  one two three", 10), "  one two\n    three");
        assert_eq!(wrap("ten chars! more\n", 10), "ten chars!\n  more\n");
    }

    #[test]
    fn below_a_column_it_goes_on_there() {
        let text = "  size BYTES   the length of an echo\n";
        assert_eq!(wrap(text, 30), "  size BYTES   the length of\n               an echo\n");
        let far = "a far, far away column is of no use  as one\n";
        assert_eq!(wrap(far, 40), "a far, far away column is of no use  as\n  one\n");
    }

    #[test]
    fn a_long_word_stays_whole() {
        assert_eq!(wrap("a abcdefghijklmnop b\n", 10), "a\n  abcdefghijklmnop\n  b\n");
        assert_eq!(wrap("abcdefghijklmnop\n", 10), "abcdefghijklmnop\n");
        assert_eq!(wrap("abc [def|ghijkl|mn]\n", 10), "abc\n  [def|\n  ghijkl|\n  mn]\n");
        assert_eq!(wrap("          far away\n", 10), "          far\n     away\n");
    }

    #[test]
    fn a_line_that_a_mark_points_into_stays_and_so_does_a_configuration() {
        let text = "get vpn branch nonsense\n               ^--- too much\n";
        assert!(wrap(text, 20).starts_with("get vpn branch nonsense\n               ^---"));
        for text in ["\toption size '64' and more\n", "# a comment that is long\n"] {
            assert_eq!(wrap(text, 10), text);
        }
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(wrap("é é é é é é\n", 11), "é é é é é é\n");
        assert_eq!(wrap("é é é é é é\n", 10), "é é é é é\n  é\n");
    }

    #[test]
    fn nothing_but_space_is_lost_whatever_the_text() {
        let mut state = 1_u32;
        let mut below = |bound: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % bound
        };
        for _ in 0..5000 {
            let length = below(200);
            let text: String = (0..length)
                .map(|_| [' ', ' ', 'a', 'b', 'é', '\n', '^'][below(7) as usize])
                .collect();
            let wrapped = wrap(&text, 10 + below(60) as usize);
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(solid(&wrapped), solid(&text));
        }
    }
}
