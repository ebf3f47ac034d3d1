//! The words and signs of a condition.

use smelt_sdk::{Date, Timestamp};

use crate::number::Amount;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a word of the language.
    Name(String),
    Number(Amount),
    Text(String),
    Instant(i128),
    Duration(i128),
    /// One of `= != < <= > >= + - * ( ) [ ] ,`.
    Sign(&'static str),
}

const SIGNS: [&str; 14] = ["!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "(", ")", "[", "]", ","];

/// A token, and the number of characters before it.
pub(super) type Placed = (Token, usize);

/// Cuts a condition into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text[..text.len() - rest.len()].chars().count();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let (token, length) = match first {
            'a'..='z' | 'A'..='Z' | '_' => name(rest),
            '0'..='9' => number(rest).map_err(|error| format!("at character {}: {error}", at + 1))?,
            '\'' => quoted(rest).ok_or_else(|| format!("at character {}: a text lacks its closing quote", at + 1))?,
            '@' => instant(rest).map_err(|error| format!("at character {}: {error}", at + 1))?,
            _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(format!("at character {}: {}", at + 1, strange(first))),
            },
        };
        tokens.push((token, at));
        rest = &rest[length..];
    }
}

fn strange(character: char) -> String {
    match character {
        '"' => "texts stand in single quotes: 'paid'".to_owned(),
        '/' | '%' => format!("`{character}` is unknown; there is no division, multiply the other side instead"),
        _ => format!("`{character}` is unknown; known: {}", SIGNS.join(" ")),
    }
}

fn name(text: &str) -> (Token, usize) {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    (Token::Name(text[..length].to_owned()), length)
}

fn number(text: &str) -> Result<(Token, usize), String> {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'.').count();
    let word = &text[..length];
    let micros = match word.as_bytes().last() {
        Some(b'd') => Some(86_400_000_000),
        Some(b'h') => Some(3_600_000_000),
        Some(b'm') => Some(60_000_000),
        Some(b's') => Some(1_000_000),
        _ => None,
    };
    let token = match micros {
        Some(micros) => {
            let digits = &word[..length - 1];
            let count: Option<i128> = digits.parse().ok().filter(|_| digits.len() <= 9);
            count.map(|count| Token::Duration(count * micros))
        }
        None => Amount::parse(word).map(Token::Number),
    };
    token.map(|token| (token, length)).ok_or_else(|| {
        format!("`{word}` is neither a number, such as 0.5, nor a duration, such as 24h, 7d, 30m or 10s")
    })
}

/// Reads a text in quotes, in which two quotes are one.
fn quoted(text: &str) -> Option<(Token, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' if characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                characters.next();
                value.push('\'');
            }
            '\'' => return Some((Token::Text(value), at + 1)),
            other => value.push(other),
        }
    }
    None
}

fn instant(text: &str) -> Result<(Token, usize), String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'.' | b'+');
    let length = 1 + text.as_bytes()[1..].iter().take_while(|byte| is_part(byte)).count();
    let word = &text[1..length];
    let midnight = || Date::parse(word).map(|date| i128::from(date.0) * 86_400_000_000);
    let instant = midnight().or_else(|| Timestamp::parse(word).map(|instant| instant.0.into()));
    match instant {
        Some(instant) => Ok((Token::Instant(instant), length)),
        None => Err(format!("`@{word}` is no instant, such as @2025-01-31 or @2025-01-31T10:00:00Z")),
    }
}
