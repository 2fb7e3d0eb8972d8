//! Takes connections in, and serves each of them for as long as it keeps to its bounds.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_tcp_user_timeout};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::limits::{
    ACCEPT_PAUSE, END_TIMEOUT, HEADER_TIMEOUT, MAX_CONNECTIONS, MAX_HEADER_BYTES,
    SEND_BUFFER_BYTES, WRITE_TIMEOUT,
};
use crate::router::{self, Ends, Site};
use crate::stall::Impatient;

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    content-length: 0\r\nretry-after: 5\r\n\r\n";

/// Serves until `end` is done; then what is under way has a moment to come to its end.
pub async fn serve(listener: TcpListener, site: Rc<Site>, end: impl Future<Output = ()>) {
    let polled = Rc::clone(&site);
    spawn_local(async move { polled.live.poll().await });
    // Each connection holds a receiver: they tell how many there are.
    let (ending, _) = watch::channel(());
    tokio::select! {
        () = accept(&listener, &site, &ending) => (),
        () = end => (),
    }
    drop(listener);
    site.live.end();
    ending.send_replace(());
    let _ = timeout(END_TIMEOUT, ending.closed()).await;
}

async fn accept(listener: &TcpListener, site: &Rc<Site>, ending: &watch::Sender<()>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if ending.receiver_count() >= MAX_CONNECTIONS => {
                let _ = stream.try_write(FULL);
            }
            Ok((stream, peer)) => {
                let peer = peer.ip().to_canonical();
                spawn_local(serve_one(stream, peer, Rc::clone(site), ending.subscribe()));
            }
            // No descriptors left, or the client is gone already.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Whatever ends a connection is its client's affair.
async fn serve_one(
    stream: TcpStream,
    peer: IpAddr,
    site: Rc<Site>,
    mut ending: watch::Receiver<()>,
) {
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { local, peer };
    if prepare(&stream).is_err() {
        return;
    }
    let answer = service_fn(move |request| {
        let reply = router::answer(Rc::clone(&site), ends, request);
        async move { Ok::<_, Infallible>(reply.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(Impatient::new(stream)), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // Whoever is gone without a word answers nothing, also where the buffer has room.
    set_tcp_user_timeout(stream, WRITE_TIMEOUT.as_millis() as u32)?;
    Ok(set_socket_send_buffer_size(stream, SEND_BUFFER_BYTES)?)
}
