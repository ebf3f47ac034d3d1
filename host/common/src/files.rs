//! Opens files at paths that may lead to something else. Opening a pipe waits for its other end, and opening a device
//! may have effects. So a path is opened without waiting, and its content is used only if it is a regular file.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The most bytes of a file that people write: a manifest, a lock file or parameters.
pub const TEXT_BYTES: u64 = 16 << 20;

/// The most memory that is reserved before a file is read. A sparse file may claim any size.
const AT_ONCE: u64 = 16 << 20;

/// Opens the regular file for reading. Returns it with its metadata.
///
/// # Errors
/// Returns [`ErrorKind::InvalidInput`] if something else has that name.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens the regular file with those options. Returns it with its metadata.
///
/// # Errors
/// Fails as [`open`] does.
pub fn open_with(path: &Path, options: &OpenOptions) -> io::Result<(File, Metadata)> {
    let at_once = || options.clone().custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let opened = match at_once() {
        // The path leads to a pipe without a reader, or to a socket.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(no_file_at(path).unwrap_or(error)),
        // Another process has a lease on the file. Only a regular file can have one, and the kernel ends it after a
        // while.
        Err(error) if error.kind() == ErrorKind::WouldBlock && path.is_file() => options.open(path),
        opened => opened,
    };
    let file = opened?;
    let metadata = file.metadata()?;
    match no_file(metadata.file_type()) {
        None => Ok((file, metadata)),
        Some(error) => Err(error),
    }
}

/// Reads the regular file, which may have at most `most` bytes.
///
/// # Errors
/// Fails as [`open`] does, and if the file has more bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    let mut bytes = Vec::with_capacity(metadata.len().min(most).min(AT_ONCE) as usize + 1);
    // One byte more than is accepted, so that a file that never ends is not read for ever.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

/// Reads the regular file, which must be UTF-8 and may have at most `most` bytes.
///
/// # Errors
/// Fails as [`read`] does, and if the file is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// Writes the regular file, and replaces its content.
///
/// # Errors
/// Fails as [`open`] does.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let (mut file, _) = open_with(path, OpenOptions::new().write(true).create(true))?;
    file.set_len(0)?;
    file.write_all(bytes.as_ref())
}

/// Returns whether the error means that something else than a regular file has the name.
pub fn is_no_file(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidInput
}

/// Returns the error for that type of file, unless it is a regular file.
pub fn no_file(kind: FileType) -> Option<io::Error> {
    let what = match kind {
        _ if kind.is_file() => return None,
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "something else",
    };
    Some(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

fn no_file_at(path: &Path) -> Option<io::Error> {
    no_file(fs::metadata(path).ok()?.file_type())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_told_without_waiting() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        fs::create_dir(at("directory")).expect("a directory");
        std::os::unix::fs::symlink(at("pipe"), at("link")).expect("a link");
        let null = Path::new("/dev/null");
        for (path, what) in [
            (at("pipe").as_path(), "a pipe"),
            (&at("link"), "a pipe"),
            (&at("socket"), "a socket"),
            (&at("directory"), "a directory"),
            (null, "a device"),
        ] {
            let error = read(path, 10).expect_err("no file");
            assert!(is_no_file(&error) && error.to_string().contains(what), "{what}: {error}");
            let error = write(path, b"x").expect_err("no file");
            assert!(is_no_file(&error) && error.to_string().contains(what) || what == "a directory", "{what}: {error}");
        }
        assert_eq!(read(&at("none"), 10).expect_err("nothing").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_read_up_to_what_it_may_have_and_written_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        write(&path, b"a longer text").expect("a write");
        write(&path, b"text").expect("a write");
        assert_eq!(read_text(&path, 4).expect("a read"), "text");
        assert!(read(&path, 3).expect_err("too long").to_string().contains("more than 3 bytes"));
        write(&path, [0xff]).expect("a write");
        assert!(read_text(&path, 4).is_err());
    }
}
