//! What everybody who watches is told: the daemon is asked once for all of them, and only while
//! somebody watches.

use hyper::body::Bytes;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::control::{Control, Failure};
use crate::limits::{HEARTBEAT, POLL_INTERVAL};
use crate::reply::error_document;

/// How many of the last events each look asks for; a page that has missed more asks for all.
const EVENTS_LINE: &[u8] = b"get event last 100";
const VPNS_LINE: &[u8] = b"get vpn";
/// An event and no comment: a page does not hear of comments.
const BEAT: &[u8] = b"event: beat\ndata:\n\n";

/// An event as it is sent; its number tells it from earlier ones.
#[derive(Clone)]
struct Event {
    number: u64,
    frame: Bytes,
}

/// The latest of each kind: what is older nobody needs.
#[derive(Default)]
struct State {
    last_number: u64,
    events: [Option<Event>; 3],
    has_ended: bool,
}

const VPNS: usize = 0;
const LOG: usize = 1;
const AWAY: usize = 2;
const NAMES: [&str; 3] = ["vpns", "log", "away"];

impl State {
    /// True: something is new.
    fn take(&mut self, seen: Result<[String; 2], String>) -> bool {
        match seen {
            Ok([vpns, log]) => {
                self.events[AWAY] = None;
                self.tell(VPNS, &vpns) | self.tell(LOG, &log)
            }
            Err(why) => {
                // Whatever comes after is news again.
                self.events[VPNS] = None;
                self.events[LOG] = None;
                self.tell(AWAY, &why)
            }
        }
    }

    fn tell(&mut self, kind: usize, document: &str) -> bool {
        let frame = Bytes::from(format!("event: {}\ndata: {document}\n\n", NAMES[kind]));
        if self.events[kind].as_ref().is_some_and(|event| event.frame == frame) {
            return false;
        }
        self.last_number += 1;
        self.events[kind] = Some(Event { number: self.last_number, frame });
        true
    }
}

pub struct Live {
    control: Control,
    state: watch::Sender<State>,
    somebody: Notify,
}

impl Live {
    pub fn new(control: Control) -> Live {
        Live { control, state: watch::Sender::default(), somebody: Notify::new() }
    }

    pub fn watchers(&self) -> usize {
        self.state.receiver_count()
    }

    /// Asks the daemon for as long as the program runs.
    pub async fn poll(&self) {
        loop {
            if self.watchers() == 0 {
                // By the time somebody comes it is old.
                self.state.send_modify(|state| state.events = Default::default());
                self.somebody.notified().await;
                continue;
            }
            let begun = Instant::now();
            let seen = look(&self.control).await;
            self.state.send_if_modified(|state| state.take(seen));
            sleep_until(begun + POLL_INTERVAL).await;
        }
    }

    /// Has all streams look whether they go on.
    pub fn recheck(&self) {
        self.state.send_modify(|_| ());
    }

    /// Ends all streams.
    pub fn end(&self) {
        self.state.send_modify(|state| state.has_ended = true);
    }

    /// A stream of what is new, until its reader is gone or `goes_on` says no. Who reads slowly
    /// skips what was new in between.
    pub fn stream(&self, goes_on: impl Fn() -> bool + 'static) -> mpsc::Receiver<Bytes> {
        let (sender, receiver) = mpsc::channel(1);
        let states = self.state.subscribe();
        self.somebody.notify_one();
        tokio::task::spawn_local(async move {
            tokio::select! {
                () = send_news(&sender, states, goes_on) => (),
                () = sender.closed() => (),
            }
        });
        receiver
    }
}

/// The documents of both kinds; otherwise the one that says why there are none.
async fn look(control: &Control) -> Result<[String; 2], String> {
    let why = |failure| match failure {
        Failure::Refused(document) => document,
        Failure::Away(text) => error_document(&text),
    };
    let vpns = control.document(VPNS_LINE).await.map_err(why)?;
    Ok([vpns, control.document(EVENTS_LINE).await.map_err(why)?])
}

async fn send_news(
    sender: &mpsc::Sender<Bytes>,
    mut states: watch::Receiver<State>,
    goes_on: impl Fn() -> bool,
) {
    let mut sent = [0; NAMES.len()];
    // A browser whose stream has ended comes back after this time.
    let mut next = vec![Bytes::from_static(b"retry: 1000\n\n")];
    next.extend(news(&states.borrow_and_update(), &mut sent));
    while goes_on() {
        for frame in next {
            if sender.send(frame).await.is_err() {
                return;
            }
        }
        let changed = timeout(HEARTBEAT, states.changed()).await;
        next = match changed {
            Ok(Ok(())) if states.borrow().has_ended => return,
            Ok(Ok(())) => news(&states.borrow_and_update(), &mut sent),
            Ok(Err(_)) => return,
            Err(_) => vec![Bytes::from_static(BEAT)],
        };
    }
}

/// What has not been sent yet.
fn news(state: &State, sent: &mut [u64; NAMES.len()]) -> Vec<Bytes> {
    let mut news = Vec::new();
    for (event, sent) in state.events.iter().zip(sent) {
        if let Some(event) = event.as_ref().filter(|event| event.number != *sent) {
            *sent = event.number;
            news.push(event.frame.clone());
        }
    }
    news
}
