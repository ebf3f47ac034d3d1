//! Accepts connections until it is told to stop, and then lets those that are busy finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use smelt_common::{Error, Result, error::Kind};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::crowd::Crowd;
use super::drive::drive;
use super::front::Front;
use super::login::Login;
use super::settings::ShellSettings;

/// The connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// The bytes that the kernel holds for a slow client. Left to itself it would hold megabytes for each. A socket takes
/// more once about a third of it is free, so a client that reads 3 KiB/s moves bytes within 30 s.
const SEND_BUFFER: u32 = 256 << 10;
/// The longest pause after the machine refused a connection.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    settings: ShellSettings,
}

/// Listens at the address of the settings.
///
/// # Errors
/// Fails as [`ShellSettings::check`] does, and if the address is taken or is none of this machine.
pub async fn bind(settings: ShellSettings) -> Result<Listening> {
    settings.check()?;
    let mut failed = None;
    for address in settings.listen.addresses() {
        match listen(*address).and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Ok((address, listener)) => return Ok(Listening { listener, address, settings }),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let why = failed.map_or("it has no address".to_owned(), |error| error.to_string());
    Err(Error::config(format!("cannot listen at {}: {why}; `--listen` takes another address or port", settings.listen)))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listening {
    /// Returns the address, with the port that the system chose if none was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the routes, which are without the base path, until `shutdown` resolves. Then accepts nothing more, ends
    /// event streams and connections that wait, and finishes requests in flight for as long as the settings say.
    ///
    /// Threads of [`Blocking`](super::Blocking) that still read then go on, so a runtime should be left with
    /// `shutdown_background`.
    ///
    /// # Errors
    /// Fails if the limits have no room for any connection.
    pub async fn serve(self, app: Router, shutdown: impl Future<Output = ()>) -> Result<()> {
        let Self { listener, address, settings } = self;
        let ShellSettings { listen, token, base, limits } = settings;
        if limits.head_bytes < 1024 || limits.headers > super::head::MOST_HEADERS {
            return Err(Error::new(Kind::Internal, "limits of HTTP that no request fits"));
        }
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let most = limits.fitting(descriptors);
        if most < limits.connections {
            tracing::warn!(
                "at most {most} connections at once, since this process may open few files: see `ulimit -n`"
            );
        }
        let crowd = Arc::new(Crowd::new(most, limits.reserve.min(most)));
        let (stop, stopping) = watch::channel(false);
        let limits = Arc::new(limits);
        let login = token.map(|token| Login::new(token, base.clone(), &limits, address.port()));
        let front = Arc::new(Front { app, login, base, listen, limits: Arc::clone(&limits), stopping });
        let mut tasks = JoinSet::new();
        let accepting = accept(&listener, &crowd, &front, &mut tasks);
        tokio::select! {
            biased;
            () = shutdown => {}
            () = accepting => {}
        }
        drop(listener);
        stop.send_replace(true);
        let drained = async { while tasks.join_next().await.is_some() {} };
        if timeout(limits.drain, drained).await.is_err() {
            tracing::warn!("{} connections were still busy after {:?} and are closed", crowd.len(), limits.drain);
            tasks.shutdown().await;
        }
        Ok(())
    }
}

async fn accept(listener: &TcpListener, crowd: &Arc<Crowd>, front: &Arc<Front>, tasks: &mut JoinSet<()>) {
    let mut pause = Duration::from_millis(10);
    for number in 0.. {
        let accepted = loop {
            tokio::select! {
                accepted = listener.accept() => break accepted,
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!("the task of a connection died: {error}");
                    }
                }
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = Duration::from_millis(10);
                if let Some(seat) = crowd.admit(number, peer.ip()).await {
                    prepare(&stream, front.limits.write);
                    tasks.spawn(drive(stream, seat, Arc::clone(front)));
                }
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                // Most likely the process may open no more files, and one of its own connections can spare one.
                crowd.cut_one(false);
                tracing::warn!("cannot accept a connection: {error}");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Sets the options of an accepted socket. They can fail if the client has left, which shows soon enough.
fn prepare(stream: &TcpStream, write: Duration) {
    // Small answers must not wait for the acknowledgement of those before.
    let _ = stream.set_nodelay(true);
    // A client that vanished without a word takes no byte either, but the kernel alone knows, and by itself it waits for a
    // quarter of an hour. An event stream would keep its place for as long.
    #[cfg(target_os = "linux")]
    {
        let milliseconds = u32::try_from(write.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, milliseconds);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = write;
}

/// Returns whether the error is of the one connection, whose client left before it was accepted.
fn is_of_the_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
