//! A server in this process, and a client that sends bytes as they are.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use smelt_server::shell::{Base, HttpLimits, Listen, Refusal, ShellSettings, Token, bind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const TOKEN: &str = "0123456789abcdef";
/// Within it whatever a test waits for has long happened.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) ended: JoinHandle<smelt_common::Result<()>>,
}

/// Starts a server of those routes on a free port.
pub(crate) async fn start(app: Router, change: impl FnOnce(&mut ShellSettings)) -> Server {
    let mut settings = ShellSettings {
        listen: Listen::from(SocketAddr::from(([127, 0, 0, 1], 0))),
        token: None,
        base: Base::default(),
        limits: HttpLimits::default(),
    };
    change(&mut settings);
    let listening = bind(settings).await.expect("a free port");
    let address = listening.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(listening.serve(app, async { drop(stopped.await) }));
    Server { address, stop: Some(stop), ended }
}

pub(crate) fn token(settings: &mut ShellSettings) {
    settings.token = Some(Token::parse(TOKEN).expect("a token"));
}

/// Returns routes that tell what reached them.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", get(async || "first page"))
        .route("/health", get(async || "alive"))
        .route(
            "/tables/{name}",
            get(async |axum::extract::Path(name): axum::extract::Path<String>, RawQuery(query)| {
                format!("{name} {}", query.unwrap_or_default())
            }),
        )
        .route("/assets/page.css", get(async || "main {}"))
        .route("/panic", get(async || -> &'static str { panic!("a cell of somebody") }))
        .fallback(async || Refusal::not_found("no such page"))
}

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

impl Client {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self { stream: TcpStream::connect(server.address).await.expect("a connection"), buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(LONG, self.stream.write_all(bytes.as_ref())).await.expect("in time").expect("sent");
    }

    /// Sends until the server takes no more. Returns whether it took all.
    pub(crate) async fn send_what_is_taken(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        timeout(LONG, self.stream.write_all(bytes.as_ref())).await.expect("in time").is_ok()
    }

    /// Sends a request for the target with those further header lines.
    pub(crate) async fn ask(&mut self, method: &str, target: &str, headers: &str) {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
    }

    async fn more(&mut self) -> usize {
        let read = timeout(LONG, self.stream.read_buf(&mut self.buffer)).await.expect("an answer in time");
        read.unwrap_or(0)
    }

    /// Returns the head of the next answer.
    pub(crate) async fn head(&mut self) -> Answer {
        loop {
            let mut room = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut room);
            if let Ok(httparse::Status::Complete(end)) = response.parse(&self.buffer) {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
                let headers = response.headers.iter();
                let headers = headers.map(|header| (header.name.to_lowercase(), text(header.value))).collect();
                let status = response.code.expect("a status");
                self.buffer.drain(..end);
                return Answer { status, headers, body: String::new() };
            }
            assert_ne!(self.more().await, 0, "no answer, but {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Returns the next answer, whose length must be known.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let length: usize = answer.header("content-length").expect("a length").parse().expect("a number");
        while self.buffer.len() < length {
            assert_ne!(self.more().await, 0, "the body ends early");
        }
        answer.body = String::from_utf8(self.buffer.drain(..length).collect()).expect("text");
        answer
    }

    /// Returns all that comes until the server ends the connection.
    pub(crate) async fn rest(&mut self) -> String {
        while self.more().await > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    /// Returns all that comes until the server ends the connection, which it must do without a reset.
    pub(crate) async fn clean_rest(&mut self) -> String {
        while timeout(LONG, self.stream.read_buf(&mut self.buffer)).await.expect("in time").expect("no reset") > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    /// Returns whether something has come.
    pub(crate) fn has_answer(&mut self) -> bool {
        let _ = self.stream.try_read_buf(&mut self.buffer);
        !self.buffer.is_empty()
    }

    /// Reads so many bytes.
    pub(crate) async fn take(&mut self, mut bytes: usize) {
        while bytes > 0 {
            self.buffer.clear();
            let read = self.more().await;
            assert_ne!(read, 0, "the answer ends early");
            bytes = bytes.saturating_sub(read);
        }
    }

    /// Waits until that text has come.
    pub(crate) async fn comes(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.buffer).contains(text) {
            assert_ne!(self.more().await, 0, "no {text:?}, but {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }
}

/// Returns the answer to one request.
pub(crate) async fn get_with(server: &Server, target: &str, headers: &str) -> Answer {
    ask(server, "GET", target, headers).await
}

pub(crate) async fn ask(server: &Server, method: &str, target: &str, headers: &str) -> Answer {
    let mut client = Client::connect(server).await;
    client.ask(method, target, headers).await;
    client.answer().await
}

/// Returns the answer to a login form.
pub(crate) async fn post(server: &Server, target: &str, headers: &str, form: &str) -> Answer {
    let mut client = Client::connect(server).await;
    let form_headers =
        format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{headers}", form.len());
    client.send(format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{form_headers}\r\n{form}")).await;
    client.answer().await
}
