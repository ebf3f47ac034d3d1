//! A client of S3 with nothing in between: each connection carries one signed request, which is never repeated.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

pub(crate) struct Client {
    address: String,
    access_key: String,
    secret_key: String,
    pub(crate) now: DateTime<Utc>,
}

/// An answer. Its body may be shorter than announced.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) announced: usize,
    pub(crate) body: String,
    /// The error with which reading ended, if it did not end in order.
    pub(crate) error: Option<io::Error>,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "a signature has a date")]
    pub(crate) fn new(endpoint: &str, access_key: &str, secret_key: &str) -> Self {
        let address = endpoint.strip_prefix("http://").expect("a plain endpoint").to_owned();
        Self { address, access_key: access_key.to_owned(), secret_key: secret_key.to_owned(), now: Utc::now() }
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> io::Result<Answer> {
        self.send("PUT", path, "", &[], body)
    }

    pub(crate) fn create(&self, path: &str, body: &str) -> io::Result<Answer> {
        self.send("PUT", path, "", &[("if-none-match", "*")], body)
    }

    pub(crate) fn get(&self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, "", &[], "")
    }

    pub(crate) fn list(&self, bucket: &str, prefix: &str) -> io::Result<Answer> {
        self.send("GET", bucket, &format!("list-type=2&prefix={}", prefix.replace('/', "%2F")), &[], "")
    }

    /// Sends a request and returns the answer. An error means that no status came back.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        let mut stream = self.request(method, path, query, headers, body)?;
        let mut bytes = Vec::new();
        let error = stream.read_to_end(&mut bytes).err();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Err(error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        Ok(Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            announced: announced.unwrap_or(0),
            body: body.to_owned(),
            error,
        })
    }

    /// Sends a request and does not wait for the answer.
    pub(crate) fn begin(&self, method: &str, path: &str, body: &str) -> io::Result<TcpStream> {
        self.request(method, path, "", &[], body)
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<TcpStream> {
        let stamp = self.now.format("%Y%m%dT%H%M%SZ").to_string();
        let authorization = self.sign(method, path, query, &stamp);
        let mut request = format!(
            "{method} /{path}?{query} HTTP/1.1\r\nhost: {}\r\nx-amz-date: {stamp}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\
             authorization: {authorization}\r\ncontent-length: {}\r\nconnection: close\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").expect("a string takes all");
        }
        let mut stream = TcpStream::connect(&self.address)?;
        stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
        Ok(stream)
    }

    /// Returns a signature of version 4 over host and date, without the body.
    fn sign(&self, method: &str, path: &str, query: &str, stamp: &str) -> String {
        let (day, signed) = (&stamp[..8], "host;x-amz-content-sha256;x-amz-date");
        let canonical = format!(
            "{method}\n/{path}\n{query}\nhost:{}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{stamp}\n\n{signed}\n\
             UNSIGNED-PAYLOAD",
            self.address
        );
        let scope = format!("{day}/us-east-1/s3/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let mut key = format!("AWS4{}", self.secret_key).into_bytes();
        for part in [day, "us-east-1", "s3", "aws4_request", &text] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length will do");
            mac.update(part.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
        }
        let signature = hex(&key);
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            self.access_key
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
