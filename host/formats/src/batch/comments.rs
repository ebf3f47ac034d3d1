//! Passes over lines that are no records, because they begin with the character of comments.

use super::window::Window;
use crate::Comment;

/// Passes over comments. One may be longer than a window.
pub(crate) struct Comments {
    mark: Option<u8>,
    /// The window begins within a comment.
    within: bool,
}

/// The result of a look for a comment.
pub(crate) enum Passed {
    /// There is no comment.
    Nothing,
    /// A comment up to its line end.
    Line,
    /// A comment up to the end of the window.
    Window,
}

impl Comments {
    pub(crate) fn new(comment: Option<Comment>) -> Self {
        Self { mark: comment.map(|Comment(mark)| mark), within: false }
    }

    /// Returns whether there may be any.
    pub(crate) fn are_any(&self) -> bool {
        self.mark.is_some()
    }

    /// Passes over a comment at the beginning of the line at `window.at`. With `cr` a line may end with CR alone.
    #[inline(always)]
    pub(crate) fn pass(&mut self, window: &mut Window<'_>, cr: bool) -> Passed {
        match self.mark {
            None => Passed::Nothing,
            Some(mark) if !self.within && window.bytes.get(window.at) != Some(&mark) => Passed::Nothing,
            Some(_) => self.comment(window, cr),
        }
    }

    #[cold]
    fn comment(&mut self, window: &mut Window<'_>, cr: bool) -> Passed {
        let rest = &window.bytes[window.at..];
        let end = if cr { memchr::memchr2(b'\n', b'\r', rest) } else { memchr::memchr(b'\n', rest) };
        window.at += end.unwrap_or(rest.len());
        self.within = end.is_none();
        if self.within { Passed::Window } else { Passed::Line }
    }
}
