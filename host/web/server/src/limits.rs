//! Everything that a client could make large or long has its bound here.

use std::time::Duration;

/// Connections; one more is closed at once.
pub const MAX_CONNECTIONS: usize = 256;
/// Of them, those with an event stream: the others stay free for requests.
pub const MAX_STREAMS: usize = 224;
/// Head of a request: its first line and all header fields.
pub const MAX_HEADER_BYTES: usize = 8 << 10;
pub const MAX_BODY_BYTES: usize = 4 << 10;
/// For a request's head to arrive, and for the next one on the same connection to begin.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// For a request's body to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take nothing of an answer.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that the kernel keeps for a client who reads slowly.
pub const SEND_BUFFER_BYTES: usize = 128 << 10;
/// Rest after a connection that could not be taken in.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For requests that are under way when the program is told to end.
pub const END_TIMEOUT: Duration = Duration::from_secs(1);

/// A request to the control socket, without its newline (assembly/limits.ts).
pub const MAX_REQUEST_BYTES: usize = 1024;
/// An answer, or one part of it (assembly/limits.ts).
pub const MAX_PART_BYTES: usize = 4 << 20;
/// All parts of an answer: the metrics of 30,000 VPNs.
pub const MAX_ANSWER_BYTES: usize = 48 << 20;
/// Requests at the control socket at once, besides the one that all streams share; the daemon
/// serves eight, and others want to be served.
pub const MAX_ASKING: usize = 2;
/// How long the daemon may be silent.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Before one more try where the daemon's queue of clients is full.
pub const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// For so long everybody is told the same metrics.
pub const METRICS_AGE: Duration = Duration::from_secs(1);

/// Between two looks at the VPNs, while somebody watches.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// After so long without news a stream says that it is there.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

pub const MIN_SECRET_BYTES: usize = 8;
pub const MAX_SECRET_BYTES: usize = 256;
/// Answers to wrong secrets that wait for their pause; one more is refused at once.
pub const MAX_PAUSING: usize = 8;
/// A wrong secret is answered after so much for each of the wrong ones before it.
pub const PAUSE_STEP: Duration = Duration::from_millis(500);
pub const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Without a wrong secret for so long, the next pause is a short one again.
pub const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// Sessions; with one more, the one that was not used for longest ends.
pub const MAX_SESSIONS: usize = 64;
pub const SESSION_IDLE: Duration = Duration::from_secs(60 * 60);
pub const SESSION_AGE: Duration = Duration::from_secs(12 * 60 * 60);
