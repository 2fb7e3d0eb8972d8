//! Answers, and what stands in the head of every one of them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;

use crate::pages::Page;

pub type Reply = Response<Content>;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'none'";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What an answer says: all at once, or as it comes.
pub enum Content {
    Whole(Bytes),
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Stream(frames) => {
                frames.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

/// Nothing that is told may be kept, run as something else, or shown inside another's page.
fn reply(status: StatusCode, content: Content) -> Reply {
    let mut reply = Response::new(content);
    *reply.status_mut() = status;
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        set(&mut reply, name, value);
    }
    reply
}

fn set(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn typed(status: StatusCode, kind: &'static str, content: Content) -> Reply {
    let mut reply = reply(status, content);
    set(&mut reply, CONTENT_TYPE, kind);
    reply
}

pub fn document(json: impl Into<Bytes>) -> Reply {
    typed(StatusCode::OK, JSON, Content::Whole(json.into()))
}

/// `{"error": TEXT}`, as the engine tells errors.
pub fn error_document(text: &str) -> String {
    format!("{{\"error\":{}}}", serde_json::Value::from(text))
}

/// Why a request gets nothing.
pub struct Refusal {
    status: StatusCode,
    document: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    pub fn new(status: StatusCode, text: &str) -> Refusal {
        Refusal { status, document: error_document(text), header: None }
    }

    /// The line was understood and not carried out: the engine's document says why.
    pub fn by_engine(document: String) -> Refusal {
        Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, document, header: None }
    }

    pub fn not_logged_in(text: &str) -> Refusal {
        let header = Some((WWW_AUTHENTICATE, "Bearer"));
        Refusal { header, ..Refusal::new(StatusCode::UNAUTHORIZED, text) }
    }

    /// It may be tried again a little later.
    pub fn too_busy(status: StatusCode, text: &str) -> Refusal {
        Refusal { header: Some((RETRY_AFTER, "5")), ..Refusal::new(status, text) }
    }

    pub fn wrong_method(allowed: &'static str) -> Refusal {
        let text = format!("here only {allowed} may be asked for");
        let header = Some((ALLOW, allowed));
        Refusal { header, ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, &text) }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        let content = Content::Whole(refusal.document.into());
        let mut reply = typed(refusal.status, JSON, content);
        if let Some((name, value)) = refusal.header {
            set(&mut reply, name, value);
        }
        reply
    }
}

pub fn metrics(text: Bytes) -> Reply {
    typed(StatusCode::OK, OPEN_METRICS, Content::Whole(text))
}

pub fn events(frames: mpsc::Receiver<Bytes>) -> Reply {
    typed(StatusCode::OK, EVENTS, Content::Stream(frames))
}

/// Done, and there is nothing to say, but for a cookie to keep.
pub fn done(cookie: &str) -> Reply {
    let mut reply = reply(StatusCode::NO_CONTENT, Content::Whole(Bytes::new()));
    if let Ok(value) = HeaderValue::from_str(cookie) {
        reply.headers_mut().insert(SET_COOKIE, value);
    }
    reply
}

/// A page is asked for again each time, and sent if it is another one by then.
pub fn page(page: &'static Page, has_it: bool) -> Reply {
    let (status, content) = match has_it {
        true => (StatusCode::NOT_MODIFIED, Bytes::new()),
        false => (StatusCode::OK, Bytes::from_static(page.gzip)),
    };
    let mut reply = typed(status, page.kind, Content::Whole(content));
    set(&mut reply, CONTENT_ENCODING, "gzip");
    set(&mut reply, CACHE_CONTROL, "no-cache");
    set(&mut reply, VARY, "accept-encoding");
    set(&mut reply, ETAG, page.etag);
    reply
}
