//! The grammar of conditions, and the check of their types.
//!
//! `or` binds less than `and`, then `not`, comparisons, `+` and `-`, `*`, the sign. Arithmetic and logic share brackets, so
//! what is in them is known once they are read: an [`Expression`] is either.

use smelt_sdk_schema::{Column, Type};

use super::lex::{Placed, Token, tokens};
use super::term::{Comparison, Kind, Logic, Operand};

/// Brackets and signs within each other beyond this depth are refused, so that no condition exhausts the stack.
const DEPTH: usize = 64;

/// A part that was read.
enum Expression {
    Logic(Logic),
    /// A value. A JSON column has no kind: it can be asked only whether it is missing.
    Value(Operand, Option<Kind>),
}

pub(super) fn parse(text: &str, columns: &[Column]) -> Result<Logic, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, columns, depth: 0, length: text.chars().count() };
    let root = parser.or()?;
    if parser.at < tokens.len() {
        return Err(parser.wrong("`and`, `or` or the end"));
    }
    parser.logic(root)
}

struct Parser<'p> {
    tokens: &'p [Placed],
    at: usize,
    columns: &'p [Column],
    depth: usize,
    length: usize,
}

/// The words of the language, which are no names of columns.
const WORDS: [&str; 10] = ["or", "and", "not", "in", "is", "missing", "abs", "true", "false", "stamp"];

impl<'p> Parser<'p> {
    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.length, |(_, at)| *at) + 1
    }

    fn wrong(&self, expected: &str) -> String {
        let found = match self.tokens.get(self.at).map(|(token, _)| token) {
            None => "the end".to_owned(),
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Sign(sign)) => format!("`{sign}`"),
            Some(Token::Number(number)) => format!("`{}`", number.plain()),
            Some(Token::Text(text)) => format!("'{text}'"),
            Some(Token::Instant(_)) => "an instant".to_owned(),
            Some(Token::Duration(_)) => "a duration".to_owned(),
        };
        format!("at character {}: expected {expected}, found {found}", self.place())
    }

    fn peek(&self) -> Option<&'p Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Name(name)) if name == word);
        self.at += usize::from(is);
        is
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn logic(&self, expression: Expression) -> Result<Logic, String> {
        match expression {
            Expression::Logic(logic) => Ok(logic),
            Expression::Value(..) => Err(self.wrong("a comparison, such as `= 1`, `in […]` or `is missing`")),
        }
    }

    fn value(&self, expression: Expression) -> Result<(Operand, Kind), String> {
        match expression {
            Expression::Value(operand, Some(kind)) => Ok((operand, kind)),
            Expression::Value(Operand::Column(index), None) => Err(format!(
                "column `{}` is json, so it can be asked only whether it `is missing`",
                self.columns[index].name
            )),
            _ => Err(self.wrong("a value, but this is a comparison")),
        }
    }

    fn or(&mut self) -> Result<Expression, String> {
        let mut left = self.and()?;
        while self.takes_word("or") {
            let right = self.and()?;
            left = Expression::Logic(Logic::Or(Box::new(self.logic(left)?), Box::new(self.logic(right)?)));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.not()?;
        while self.takes_word("and") {
            let right = self.not()?;
            left = Expression::Logic(Logic::And(Box::new(self.logic(left)?), Box::new(self.logic(right)?)));
        }
        Ok(left)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("at character {}: brackets lie too deep in each other", self.place()));
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn not(&mut self) -> Result<Expression, String> {
        if self.takes_word("not") {
            let what = self.deeper(Self::not)?;
            return Ok(Expression::Logic(Logic::Not(Box::new(self.logic(what)?))));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.sum()?;
        if self.takes_word("is") {
            let negated = self.takes_word("not");
            if !self.takes_word("missing") {
                return Err(self.wrong("`missing`"));
            }
            let Expression::Value(Operand::Column(column), _) = left else {
                return Err("only a column can be asked whether it `is missing`".to_owned());
            };
            return Ok(Expression::Logic(negated_if(negated, Logic::Missing(column))));
        }
        let negated = matches!(self.tokens.get(self.at + 1), Some((Token::Name(name), _)) if name == "in")
            && self.takes_word("not");
        if self.takes_word("in") {
            let (operand, kind) = self.value(left)?;
            return Ok(Expression::Logic(negated_if(negated, Logic::In(operand, self.literals(kind)?))));
        }
        let Some(Token::Sign(sign)) = self.peek() else { return Ok(left) };
        let comparison = match *sign {
            "=" => Comparison::Equal,
            "!=" => Comparison::Different,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return Ok(left),
        };
        let place = self.place();
        self.at += 1;
        let right = self.sum()?;
        let ((left, one), (right, two)) = (self.value(left)?, self.value(right)?);
        if one != two {
            let (one, two) = (one.name(), two.name());
            return Err(format!("at character {place}: {one} is compared with {two}; only like compares with like"));
        }
        if one == Kind::Boolean && !matches!(comparison, Comparison::Equal | Comparison::Different) {
            return Err(format!("at character {place}: booleans compare by = and != alone"));
        }
        Ok(Expression::Logic(Logic::Compare(comparison, left, right)))
    }

    fn literals(&mut self, kind: Kind) -> Result<Vec<Operand>, String> {
        if !self.takes_sign("[") {
            return Err(self.wrong("`[`"));
        }
        let mut literals = Vec::new();
        loop {
            let place = self.place();
            let read = self.unary()?;
            let mut columns = Vec::new();
            let (literal, other) = self.value(read)?;
            literal.columns(&mut columns);
            if !columns.is_empty() || matches!(literal, Operand::Stamp) {
                return Err(format!("at character {place}: a list has literals alone, such as 204 or 'paid'"));
            }
            if other != kind {
                let (one, two) = (kind.name(), other.name());
                return Err(format!(
                    "at character {place}: {one} is compared with {two}; only like compares with like"
                ));
            }
            literals.push(literal);
            if self.takes_sign("]") {
                return Ok(literals);
            }
            if !self.takes_sign(",") {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        loop {
            let place = self.place();
            let adds = self.takes_sign("+");
            if !adds && !self.takes_sign("-") {
                return Ok(left);
            }
            let right = self.product()?;
            let ((one, kind), (two, other)) = (self.value(left)?, self.value(right)?);
            use Kind::{Duration, Instant, Number};
            let result = match (kind, other, adds) {
                (Number, Number, _) => Number,
                (Duration, Duration, _) => Duration,
                (Instant, Duration, _) | (Duration, Instant, true) => Instant,
                (Instant, Instant, false) => Duration,
                _ => {
                    let (one, two) = (kind.name(), other.name());
                    let verb = if adds {
                        format!("{two} is added to {one}")
                    } else {
                        format!("{two} is subtracted from {one}")
                    };
                    return Err(format!(
                        "at character {place}: {verb}; numbers go with numbers, durations with instants and durations"
                    ));
                }
            };
            let (one, two) = (Box::new(one), Box::new(two));
            let operand = if adds { Operand::Add(one, two) } else { Operand::Subtract(one, two) };
            left = Expression::Value(operand, Some(result));
        }
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.unary()?;
        loop {
            let place = self.place();
            if !self.takes_sign("*") {
                return Ok(left);
            }
            let right = self.unary()?;
            let ((one, kind), (two, other)) = (self.value(left)?, self.value(right)?);
            if (kind, other) != (Kind::Number, Kind::Number) {
                let (one, two) = (kind.name(), other.name());
                return Err(format!("at character {place}: {one} is multiplied by {two}; only numbers are multiplied"));
            }
            left = Expression::Value(Operand::Multiply(Box::new(one), Box::new(two)), Some(Kind::Number));
        }
    }

    fn unary(&mut self) -> Result<Expression, String> {
        let place = self.place();
        if self.takes_sign("-") {
            let value = self.deeper(Self::unary)?;
            return self.signed(value, place, Operand::Negate);
        }
        if self.takes_word("abs") {
            if !self.takes_sign("(") {
                return Err(self.wrong("`(`"));
            }
            let value = self.deeper(Self::or)?;
            self.closing()?;
            return self.signed(value, place, Operand::Absolute);
        }
        if self.takes_sign("(") {
            let inner = self.deeper(Self::or)?;
            self.closing()?;
            return Ok(inner);
        }
        self.primary()
    }

    fn closing(&mut self) -> Result<(), String> {
        if self.takes_sign(")") { Ok(()) } else { Err(self.wrong("`)`")) }
    }

    fn signed(&self, value: Expression, place: usize, make: fn(Box<Operand>) -> Operand) -> Result<Expression, String> {
        let (operand, kind) = self.value(value)?;
        if !matches!(kind, Kind::Number | Kind::Duration) {
            return Err(format!("at character {place}: {} has no sign; numbers and durations have one", kind.name()));
        }
        Ok(Expression::Value(make(Box::new(operand)), Some(kind)))
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let (operand, kind) = match self.peek() {
            Some(Token::Number(number)) => (Operand::Number(number.clone()), Kind::Number),
            Some(Token::Text(text)) => (Operand::Text(text.clone()), Kind::Text),
            Some(Token::Instant(instant)) => (Operand::Instant(*instant), Kind::Instant),
            Some(Token::Duration(duration)) => (Operand::Duration(*duration), Kind::Duration),
            Some(Token::Name(name)) => match name.as_str() {
                "true" | "false" => (Operand::Boolean(name == "true"), Kind::Boolean),
                "stamp" => (Operand::Stamp, Kind::Instant),
                word if WORDS.contains(&word) => return Err(self.wrong("a column or a value")),
                name => {
                    let (index, kind) = self.column(name)?;
                    self.at += 1;
                    return Ok(Expression::Value(Operand::Column(index), kind));
                }
            },
            _ => return Err(self.wrong("a column or a value")),
        };
        self.at += 1;
        Ok(Expression::Value(operand, Some(kind)))
    }

    fn column(&self, name: &str) -> Result<(usize, Option<Kind>), String> {
        let Some(index) = self.columns.iter().position(|column| column.name == name) else {
            let known: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            let place = self.place();
            return Err(format!("at character {place}: no column `{name}`; known: {}", known.join(", ")));
        };
        let kind = match self.columns[index].kind {
            Type::Text => Some(Kind::Text),
            Type::Integer | Type::Decimal { .. } => Some(Kind::Number),
            Type::Boolean => Some(Kind::Boolean),
            Type::Date(_) | Type::Timestamp(_) => Some(Kind::Instant),
            Type::Json => None,
        };
        Ok((index, kind))
    }
}

fn negated_if(negated: bool, logic: Logic) -> Logic {
    if negated { Logic::Not(Box::new(logic)) } else { logic }
}
