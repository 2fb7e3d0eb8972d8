//! How long to wait before the next engine after one that trapped: nothing at first, then ever
//! longer, so that an input that traps each time never makes a busy loop.

const FIRST_PAUSE_MS: i64 = 1_000;
const MAX_PAUSE_MS: i64 = 300_000;
/// An engine that ran for this long after its pause has shown that it can.
const CALM_MS: i64 = 600_000;

#[derive(Default)]
pub struct Restarts {
    /// When the latest engine was to start, and its pause.
    last: Option<(i64, i64)>,
}

impl Restarts {
    /// Called at each trap; returns the pause.
    pub fn pause_ms(&mut self, now_ms: i64) -> i64 {
        let pause_ms = match self.last {
            Some((start_ms, pause_ms)) if now_ms - start_ms < CALM_MS => {
                (2 * pause_ms).clamp(FIRST_PAUSE_MS, MAX_PAUSE_MS)
            }
            _ => 0,
        };
        self.last = Some((now_ms + pause_ms, pause_ms));
        pause_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_forgiven() {
        let mut restarts = Restarts::default();
        let mut now_ms = 50_000;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let pause_ms = restarts.pause_ms(now_ms);
            pauses.push(pause_ms / 1000);
            now_ms += pause_ms + 1;
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(restarts.pause_ms(now_ms + CALM_MS), 0);
    }
}
