//! Lines on standard error about what others do. One that nobody reads holds nothing up: where a
//! line does not fit, it is left out.

use std::io::{Write, stderr};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

pub fn complain(text: &str) {
    tell(stderr(), &format!("rekeyd-web: {text}\n"));
}

fn tell(mut output: impl AsFd + Write, line: &str) {
    let mut ready = [PollFd::new(&output, PollFlags::OUT)];
    // A pipe that can be written to takes a line whole (pipe(7), PIPE_BUF).
    if poll(&mut ready, Some(&AT_ONCE)) == Ok(1) && ready[0].revents() == PollFlags::OUT {
        let _ = output.write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, pipe};

    #[test]
    fn a_line_that_does_not_fit_is_left_out() {
        let (reader, writer) = pipe().unwrap();
        for _ in 0..100_000 {
            tell(&writer, "a line\n");
        }
        drop(writer);
        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        assert!(lines.len() > 100 && lines.len() < 100_000);
        assert!(lines.iter().all(|line| line == "a line"));
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        tell(&writer, "to nobody\n");
    }
}
