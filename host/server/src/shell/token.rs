//! The token that readers must have. Only its digest is kept, so no dump or log can show it.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use smelt_common::{Error, Result, files};
use subtle::ConstantTimeEq as _;

/// The environment variable that may hold the token.
pub const TOKEN_VARIABLE: &str = "SMELT_TOKEN";
/// The fewest characters of a token.
const SHORTEST: usize = 16;
/// The most characters of a token. A header must hold it.
const LONGEST: usize = 1024;

/// A token, of which only the sha256 is kept.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
}

impl Token {
    /// Returns the token of that text. White space around it is left out, since files end with a newline.
    ///
    /// # Errors
    /// Fails if it has less than 16 characters, or others than visible ASCII.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_ascii();
        let wrong = match text.len() {
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => "has a blank or a character that is not ASCII",
            ..SHORTEST => "is too short",
            SHORTEST..=LONGEST => return Ok(Self { digest: digest(text.as_bytes()) }),
            _ => "is too long",
        };
        Err(Error::config(format!(
            "the token {wrong}: it has {SHORTEST} to {LONGEST} visible ASCII characters, as `openssl rand -hex 32` prints"
        )))
    }

    /// Reads the token from a file that only its owner can read.
    ///
    /// # Errors
    /// Fails if the file cannot be read, if others can read it, or as [`Token::parse`] does.
    pub fn read(path: &Path) -> Result<Self> {
        let named = || format!("the token file `{}`", path.display());
        let (_, metadata) = files::open(path).map_err(|error| Error::unreadable(named(), &error))?;
        if metadata.mode() & 0o077 != 0 {
            return Err(Error::config(format!("{} can be read by others: `chmod 600` it", named())));
        }
        let text = files::read_text(path, 4096).map_err(|error| Error::unreadable(named(), &error))?;
        Self::parse(&text).map_err(|error| error.context(named()))
    }

    /// Returns the token of the file or, if none is named, of the environment variable, if it has one.
    ///
    /// # Errors
    /// Fails as [`Token::read`] and [`Token::parse`] do.
    pub fn find(file: Option<&Path>) -> Result<Option<Self>> {
        if let Some(path) = file {
            return Self::read(path).map(Some);
        }
        let Some(text) = std::env::var_os(TOKEN_VARIABLE).filter(|text| !text.is_empty()) else { return Ok(None) };
        Self::parse(&text.to_string_lossy()).map(Some).map_err(|error| error.context(TOKEN_VARIABLE))
    }

    /// Returns whether the text is the token. The time that it takes tells neither characters nor the length, since
    /// digests are compared, and all of each.
    pub fn is(&self, text: &[u8]) -> bool {
        self.digest.ct_eq(&digest(text)).into()
    }
}

/// Shows nothing of the token.
impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token").finish_non_exhaustive()
    }
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_whole_token_is_it() {
        let token = Token::parse("0123456789abcdef\n").expect("a token");
        assert!(token.is(b"0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF", " 0123456789abcdef"] {
            assert!(!token.is(other.as_bytes()), "{other:?}");
        }
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn a_token_that_can_be_guessed_or_not_be_sent_is_refused() {
        for text in ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcdéf", "0123456789abc\u{0}def"]
        {
            Token::parse(text).expect_err(text);
        }
        Token::parse(&"a".repeat(1025)).expect_err("too long");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        std::fs::write(&path, "0123456789abcdef\n").expect("written");
        for (mode, right) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
            assert_eq!(Token::read(&path).is_ok(), right, "{mode:o}");
        }
        let error = Token::read(&path).expect_err("others can read it").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        Token::read(&directory.path().join("none")).expect_err("no file");
    }
}
