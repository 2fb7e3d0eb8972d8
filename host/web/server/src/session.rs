//! Sessions of those who have logged in: in memory, bounded in number and time.

use std::cell::RefCell;
use std::io;

use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use crate::limits::{MAX_SESSIONS, SESSION_AGE, SESSION_IDLE};
use crate::random;

struct Session {
    key: String,
    begun: Instant,
    used: Instant,
}

impl Session {
    fn has_ended(&self, now: Instant) -> bool {
        now - self.begun >= SESSION_AGE || now - self.used >= SESSION_IDLE
    }
}

#[derive(Default)]
pub struct Sessions {
    table: RefCell<Vec<Session>>,
}

impl Sessions {
    /// Begins a session; returns its key, which is for its user alone.
    pub fn begin(&self, now: Instant) -> io::Result<String> {
        let key = random::hexadecimal()?;
        let mut table = self.table.borrow_mut();
        table.retain(|session| !session.has_ended(now));
        if table.len() == MAX_SESSIONS {
            let longest_unused = (0..MAX_SESSIONS).min_by_key(|&i| table[i].used);
            table.swap_remove(longest_unused.unwrap_or(0));
        }
        table.push(Session { key: key.clone(), begun: now, used: now });
        Ok(key)
    }

    /// Whether the session goes on; then it is in use now.
    pub fn use_now(&self, key: &str, now: Instant) -> bool {
        let mut table = self.table.borrow_mut();
        let found = find(&table, key).map(|i| &mut table[i]);
        let Some(session) = found.filter(|session| !session.has_ended(now)) else {
            return false;
        };
        session.used = now;
        true
    }

    pub fn end(&self, key: &str) {
        let mut table = self.table.borrow_mut();
        if let Some(i) = find(&table, key) {
            table.swap_remove(i);
        }
    }
}

/// Looks at all of them, and at all of their bytes: the time it takes tells nothing.
fn find(table: &[Session], key: &str) -> Option<usize> {
    let mut found = None;
    for (i, session) in table.iter().enumerate() {
        let is_it: Choice = session.key.as_bytes().ct_eq(key.as_bytes());
        if is_it.into() {
            found = Some(i);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_session_ends_when_it_is_ended() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let [one, other] = [(); 2].map(|()| sessions.begin(now).unwrap());
        assert!(sessions.use_now(&one, now) && sessions.use_now(&other, now));
        sessions.end(&one);
        assert!(!sessions.use_now(&one, now) && sessions.use_now(&other, now));
        for wrong in ["", &other[1..], &one, "x"] {
            assert!(!sessions.use_now(wrong, now));
            sessions.end(wrong);
        }
        assert!(sessions.use_now(&other, now));
    }

    #[test]
    fn a_session_ends_unused_and_when_it_is_old() {
        let sessions = Sessions::default();
        let begun = Instant::now();
        let key = sessions.begin(begun).unwrap();
        let idle = sessions.begin(begun).unwrap();
        let mut now = begun;
        while now - begun + SESSION_IDLE / 2 < SESSION_AGE {
            assert!(sessions.use_now(&key, now));
            now += SESSION_IDLE / 2;
        }
        assert!(!sessions.use_now(&idle, now));
        assert!(!sessions.use_now(&key, begun + SESSION_AGE));
    }

    #[test]
    fn sessions_are_bounded_in_number() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let at = |i: usize| now + Duration::from_secs(i as u64);
        let keys: Vec<String> = (0..MAX_SESSIONS).map(|i| sessions.begin(at(i)).unwrap()).collect();
        let later = at(MAX_SESSIONS);
        assert!(sessions.use_now(&keys[0], later));
        let newest = sessions.begin(later).unwrap();
        assert_eq!(sessions.table.borrow().len(), MAX_SESSIONS);
        let alive = |key: &String| sessions.use_now(key, later);
        assert!(alive(&keys[0]) && !alive(&keys[1]) && alive(&keys[2]) && alive(&newest));
        let much_later = later + SESSION_IDLE;
        sessions.begin(much_later).unwrap();
        assert_eq!(sessions.table.borrow().len(), 1);
    }
}
