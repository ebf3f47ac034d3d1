//! `smelt-s3-server`: runs the S3 server of the tests by itself, for benchmarks and for trials.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use smelt_s3_server::Server;

/// Run an S3 server on a directory, for tests and trials: one process, no durability, keys that everyone knows
#[derive(Debug, Parser)]
struct Args {
    /// The directory of the objects; each sub-directory is a bucket
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The port on 127.0.0.1; by default a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn main() -> std::io::Result<()> {
    let Args { dir, port } = Args::parse();
    let server = Server::start_in(&dir, port)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "MINIO_ENDPOINT={}", server.endpoint())?;
    writeln!(out, "MINIO_ACCESS_KEY={}\nMINIO_SECRET_KEY={}", server.access_key(), server.secret_key())?;
    out.flush()?;
    loop {
        std::thread::park();
    }
}
