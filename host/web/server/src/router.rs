//! What each request gets. Nothing here knows of VPNs: it decides who may ask.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderName, IF_NONE_MATCH, ORIGIN,
};
use hyper::{Request, StatusCode};
use tokio::sync::Mutex;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, timeout};

use crate::control::{Control, Failure};
use crate::limits::{BODY_TIMEOUT, MAX_BODY_BYTES, MAX_STREAMS, METRICS_AGE, PATIENCE};
use crate::live::Live;
use crate::reply::{self, Refusal, Reply};
use crate::secret::{Gate, Verdict};
use crate::session::Sessions;
use crate::{form, line, origin, pages};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// All that requests share.
pub struct Site {
    pub control: Control,
    pub live: Live,
    pub gate: Gate,
    pub sessions: Sessions,
    /// Names that a Host header may have.
    pub hosts: Vec<String>,
    /// Named after the port: a browser sends a host's cookies to all of its ports.
    pub cookie: String,
    /// What everybody is told who asks within METRICS_AGE.
    pub metrics: Mutex<Option<Bytes>>,
}

/// Who asks.
enum Asker {
    Session(String),
    /// Somebody with the secret itself.
    Bearer,
}

type Answer = Result<Reply, Refusal>;

/// The addresses of a connection's two ends.
#[derive(Clone, Copy)]
pub struct Ends {
    pub local: SocketAddr,
    pub peer: IpAddr,
}

/// The answer to a request.
pub async fn answer(site: Rc<Site>, ends: Ends, request: Request<Incoming>) -> Reply {
    route(&site, ends, request).await.unwrap_or_else(Reply::from)
}

async fn route(site: &Rc<Site>, ends: Ends, request: Request<Incoming>) -> Answer {
    let peer = ends.peer;
    let host = check_host(&request, ends.local, &site.hosts)?;
    let path = request.uri().path().to_string();
    if let Some(page) = pages::find(&path) {
        check_method(&request, "GET, HEAD")?;
        return show_page(page, &request);
    }
    if request.uri().query().is_some() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "a query means nothing here"));
    }
    match (&path[..], path.strip_prefix("/json/")) {
        ("/login" | "/logout" | "/command", _) => {
            check_method(&request, "POST")?;
            check_post(&request, &host)?;
            match &path[..] {
                "/login" => log_in(site, peer, request).await,
                "/logout" => log_out(site, &request),
                _ => run_command(site, peer, request).await,
            }
        }
        ("/stream" | "/metrics", _) | (_, Some(_)) => {
            check_method(&request, "GET")?;
            check_read(&request, &host)?;
            let asker = find_asker(site, peer, &request).await?;
            match &path[..] {
                "/stream" => stream(site, asker),
                "/metrics" => tell_metrics(site).await,
                _ => read(site, &path["/json/".len()..]).await,
            }
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "there is nothing of this name")),
    }
}

fn show_page(page: &'static pages::Page, request: &Request<Incoming>) -> Answer {
    let holds = |name, what: &str| {
        let lists = request.headers().get_all(name).iter().filter_map(|list| list.to_str().ok());
        let mut items = lists.flat_map(|list| list.split(',')).map(str::trim);
        items.any(|item| item.split(';').next() == Some(what) || item == "*")
    };
    if !holds(ACCEPT_ENCODING, "gzip") {
        let text = "the pages are compressed: ask with Accept-Encoding: gzip";
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, text));
    }
    Ok(reply::page(page, holds(IF_NONE_MATCH, page.etag)))
}

/// The line that a path spells.
async fn read(site: &Site, path: &str) -> Answer {
    let line = line::from_path(path);
    let line = line.map_err(|text| Refusal::new(StatusCode::BAD_REQUEST, &text))?;
    let document = site.control.document(&line).await.map_err(failed)?;
    Ok(reply::document(document))
}

async fn run_command(site: &Site, peer: IpAddr, request: Request<Incoming>) -> Answer {
    find_asker(site, peer, &request).await?;
    let text = read_member(request, "line").await?;
    let line = line::from_text(&text);
    let line = line.map_err(|text| Refusal::new(StatusCode::BAD_REQUEST, &text))?;
    let document = site.control.document(&line).await.map_err(failed)?;
    Ok(reply::document(format!("{{\"answer\":{document}}}")))
}

fn failed(failure: Failure) -> Refusal {
    match failure {
        Failure::Refused(document) => Refusal::by_engine(document),
        Failure::Away(why) => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

/// However many ask, the daemon is asked once a second.
async fn tell_metrics(site: &Rc<Site>) -> Answer {
    let turn = timeout(PATIENCE, site.metrics.lock()).await;
    let mut told = turn.map_err(|_| {
        let text = "others wait for the metrics already";
        Refusal::too_busy(StatusCode::SERVICE_UNAVAILABLE, text)
    })?;
    if let Some(text) = &*told {
        return Ok(reply::metrics(text.clone()));
    }
    let text = Bytes::from(site.control.metrics().await.map_err(failed)?);
    *told = Some(text.clone());
    let shared = Rc::clone(site);
    spawn_local(async move {
        sleep(METRICS_AGE).await;
        *shared.metrics.lock().await = None;
    });
    Ok(reply::metrics(text))
}

fn stream(site: &Rc<Site>, asker: Asker) -> Answer {
    if site.live.watchers() >= MAX_STREAMS {
        let text = "as many watch as can";
        return Err(Refusal::too_busy(StatusCode::SERVICE_UNAVAILABLE, text));
    }
    let shared = Rc::clone(site);
    let goes_on = move || match &asker {
        Asker::Session(key) => shared.sessions.use_now(key, Instant::now()),
        Asker::Bearer => true,
    };
    Ok(reply::events(site.live.stream(goes_on)))
}

async fn log_in(site: &Site, peer: IpAddr, request: Request<Incoming>) -> Answer {
    let origin = header(&request, ORIGIN)?.unwrap_or_default();
    let secure = if origin.starts_with("https:") { "; Secure" } else { "" };
    let before = session_key(site, &request);
    let secret = read_member(request, "secret").await?;
    check_secret(site, peer, secret.as_bytes()).await?;
    if let Some(key) = before {
        site.sessions.end(&key);
    }
    let key = site.sessions.begin(Instant::now()).map_err(|error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &format!("getrandom: {error}"))
    })?;
    let name = &site.cookie;
    Ok(reply::done(&format!("{name}={key}; Path=/; HttpOnly; SameSite=Strict{secure}")))
}

fn log_out(site: &Site, request: &Request<Incoming>) -> Answer {
    if let Some(key) = session_key(site, request) {
        site.sessions.end(&key);
        site.live.recheck();
    }
    let name = &site.cookie;
    Ok(reply::done(&format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")))
}

async fn find_asker(
    site: &Site,
    peer: IpAddr,
    request: &Request<Incoming>,
) -> Result<Asker, Refusal> {
    if let Some(credentials) = header(request, AUTHORIZATION)? {
        let token = bearer(credentials).ok_or_else(|| {
            Refusal::not_logged_in("Authorization is 'Bearer' and the password or token")
        })?;
        check_secret(site, peer, token.as_bytes()).await?;
        return Ok(Asker::Bearer);
    }
    let key = session_key(site, request);
    let key = key.filter(|key| site.sessions.use_now(key, Instant::now()));
    key.map(Asker::Session).ok_or_else(|| Refusal::not_logged_in("there is no session: log in"))
}

async fn check_secret(site: &Site, peer: IpAddr, secret: &[u8]) -> Result<(), Refusal> {
    match site.gate.try_secret(secret, peer).await {
        Verdict::Right => Ok(()),
        Verdict::Wrong => Err(Refusal::not_logged_in("this is not the password or token")),
        Verdict::Busy => {
            let text = "too many wrong passwords or tokens at the moment";
            Err(Refusal::too_busy(StatusCode::TOO_MANY_REQUESTS, text))
        }
    }
}

fn bearer(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn session_key(site: &Site, request: &Request<Incoming>) -> Option<String> {
    let headers = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = headers.flat_map(|value| value.split(';')).map(str::trim);
    cookies.find_map(|cookie| {
        let (name, value) = cookie.split_once('=')?;
        (name == site.cookie).then(|| value.to_string())
    })
}

/// The Host header, which must be one of ours.
fn check_host(
    request: &Request<Incoming>,
    local: SocketAddr,
    names: &[String],
) -> Result<String, Refusal> {
    let host = header(request, HOST)?.unwrap_or_default();
    let target = request.uri().authority().map_or(host, |authority| authority.as_str());
    if target != host || !origin::host_fits(host, local, names) {
        let text = "this host is not served here: rekeyd-web --host NAME admits a name";
        return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, text));
    }
    Ok(host.to_string())
}

fn check_method(request: &Request<Incoming>, allowed: &'static str) -> Result<(), Refusal> {
    let is_allowed = allowed.split(", ").any(|method| request.method() == method);
    if is_allowed { Ok(()) } else { Err(Refusal::wrong_method(allowed)) }
}

/// What changes something comes from our own page, or from a script that has the secret; no form
/// of another page can send it (its content type is none that a form has).
fn check_post(request: &Request<Incoming>, host: &str) -> Result<(), Refusal> {
    check_site(request, &["same-origin"])?;
    let is_script = request.headers().contains_key(AUTHORIZATION);
    check_origin(request, host, is_script)?;
    let kind = header(request, CONTENT_TYPE)?.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let text = "the content type must be application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    Ok(())
}

/// What is read goes to our own page, to a script, or to whoever typed the address.
fn check_read(request: &Request<Incoming>, host: &str) -> Result<(), Refusal> {
    check_site(request, &["same-origin", "none"])?;
    check_origin(request, host, true)
}

fn check_site(request: &Request<Incoming>, allowed: &[&str]) -> Result<(), Refusal> {
    match header(request, SEC_FETCH_SITE)? {
        Some(site) if !allowed.contains(&site) => Err(foreign()),
        _ => Ok(()),
    }
}

fn check_origin(request: &Request<Incoming>, host: &str, may_lack: bool) -> Result<(), Refusal> {
    match header(request, ORIGIN)? {
        Some(origin) if origin::origin_fits(origin, host) => Ok(()),
        None if may_lack => Ok(()),
        _ => Err(foreign()),
    }
}

fn foreign() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "this request does not come from a page of rekeyd-web")
}

/// A header that may stand once.
fn header(request: &Request<Incoming>, name: HeaderName) -> Result<Option<&str>, Refusal> {
    let refuse = |text: String| Refusal::new(StatusCode::BAD_REQUEST, &text);
    let mut values = request.headers().get_all(&name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refuse(format!("the header {name} stands more than once")));
    }
    let text = value.to_str().map_err(|_| refuse(format!("the header {name} is not ASCII")))?;
    Ok(Some(text))
}

async fn read_member(request: Request<Incoming>, name: &str) -> Result<String, Refusal> {
    let body = Limited::new(request.into_body(), MAX_BODY_BYTES).collect();
    let refuse = |status, text: &str| Err(Refusal::new(status, text));
    let body = match timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let text = format!("a body has at most {MAX_BODY_BYTES} bytes");
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, &text);
        }
        Ok(Err(_)) => return refuse(StatusCode::BAD_REQUEST, "the body broke off"),
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
    };
    form::member(&body, name).map_err(|text| Refusal::new(StatusCode::BAD_REQUEST, &text))
}
