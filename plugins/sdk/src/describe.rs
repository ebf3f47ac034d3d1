//! How a plugin says what it is: columns by type, and a builder for each kind of description.

use crate::Rule;
pub use crate::bindings::types::{
    CleanerDescription, DataType, Field, Identity, KpiDescription, Preference, SourceDescription,
};
use crate::bindings::types::{DecimalType, KpiInput, Order, Stage};
use crate::config::Parameters;

/// Name, version and summary from the plugin crate's `Cargo.toml`.
#[macro_export]
macro_rules! identity {
    () => {
        $crate::Identity {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            parameters: $crate::Parameters::none().schema(),
            uses_as_of: false,
        }
    };
}

fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: false }
}

/// A `boolean` column that always has a value.
pub fn boolean(name: &str) -> Field {
    field(name, DataType::Boolean)
}

/// An `int64` column that always has a value.
pub fn int64(name: &str) -> Field {
    field(name, DataType::Int64)
}

/// A `float64` column that always has a value. Not for money: see [`money`].
pub fn float64(name: &str) -> Field {
    field(name, DataType::Float64)
}

/// A `utf8` column that always has a value.
pub fn text(name: &str) -> Field {
    field(name, DataType::Utf8)
}

/// A `date32` column that always has a value.
pub fn date(name: &str) -> Field {
    field(name, DataType::Date32)
}

/// A UTC timestamp column, to the microsecond, that always has a value.
pub fn timestamp(name: &str) -> Field {
    field(name, DataType::Timestamp)
}

/// An exact decimal column of 38 digits, `scale` of them after the point, that always has a value.
pub fn decimal(name: &str, scale: u8) -> Field {
    field(name, DataType::Decimal128(DecimalType { precision: 38, scale }))
}

/// A column of money, [`Money`](crate::Money): an exact decimal with two places that always has a value.
pub fn money(name: &str) -> Field {
    decimal(name, 2)
}

/// The same column, in which rows may lack a value.
pub fn nullable(field: Field) -> Field {
    Field { nullable: true, ..field }
}

/// The beginning of a cleaner's description.
pub fn describe_cleaner(identity: Identity) -> CleanerDescription {
    CleanerDescription { identity, input: vec![], output: vec![], key: vec![], order_by: vec![], rules: vec![] }
}

impl CleanerDescription {
    /// The parameters it takes.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.identity.parameters = parameters.schema();
        self
    }

    /// Results depend on [`Config::as_of`](crate::Config::as_of).
    pub fn uses_as_of(mut self) -> Self {
        self.identity.uses_as_of = true;
        self
    }

    /// The bronze columns it reads.
    pub fn input<const N: usize>(mut self, columns: [&str; N]) -> Self {
        self.input = columns.map(str::to_owned).into();
        self
    }

    /// The silver columns it writes.
    pub fn output<const N: usize>(mut self, fields: [Field; N]) -> Self {
        self.output = fields.into();
        self
    }

    /// The output columns that identify a row in the whole dataset.
    pub fn key<const N: usize>(mut self, columns: [&str; N]) -> Self {
        self.key = columns.map(str::to_owned).into();
        self
    }

    /// Of rows with one key, prefer this end of this column; earlier calls weigh more.
    pub fn prefer(mut self, prefer: Preference, column: &str) -> Self {
        self.order_by.push(Order { column: column.to_owned(), prefer });
        self
    }

    /// The rules it applies.
    pub fn rules<const N: usize>(mut self, rules: [&Rule; N]) -> Self {
        self.rules = rules.map(Rule::describe).into();
        self
    }
}

/// The beginning of a KPI's description.
pub fn describe_kpi(identity: Identity) -> KpiDescription {
    KpiDescription { identity, inputs: vec![], stages: vec![], output: vec![], key: None }
}

impl KpiDescription {
    /// The parameters it takes.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.identity.parameters = parameters.schema();
        self
    }

    /// Results depend on [`Config::as_of`](crate::Config::as_of).
    pub fn uses_as_of(mut self) -> Self {
        self.identity.uses_as_of = true;
        self
    }

    /// One dataset it reads, and which columns of it.
    pub fn input<const N: usize>(mut self, name: &str, columns: [Field; N]) -> Self {
        self.inputs.push(KpiInput { name: name.to_owned(), columns: columns.into() });
        self
    }

    /// What it adds up: `int64` and `decimal` columns by key columns. Without keys there is one row. It comes after all
    /// calls of [`fold_by`](Self::fold_by), and for most KPIs is all there is.
    pub fn sums<const K: usize, const S: usize>(mut self, key: [Field; K], sums: [Field; S]) -> Self {
        self.stages.push(Stage { key: key.into(), sums: sums.into(), group: 0 });
        self
    }

    /// What it adds up first: sums by the columns of `group` and `key`, of which all rows that agree in `group` are
    /// folded into rows of the next stage.
    pub fn fold_by<const G: usize, const K: usize, const S: usize>(
        mut self,
        group: [Field; G],
        key: [Field; K],
        sums: [Field; S],
    ) -> Self {
        let key = group.into_iter().chain(key).collect();
        self.stages.push(Stage { key, sums: sums.into(), group: G as u32 });
        self
    }

    /// The columns of its table.
    pub fn output<const N: usize>(mut self, fields: [Field; N]) -> Self {
        self.output = fields.into();
        self
    }

    /// The output columns that tell the rows of its table apart; none if there is never more than one row. By them people
    /// and `smelt plugin diff` know a row again. The host refuses a table in which two rows agree in all of them.
    pub fn key<const N: usize>(mut self, columns: [&str; N]) -> Self {
        self.key = Some(columns.map(str::to_owned).into());
        self
    }
}

/// The beginning of a source's description.
pub fn describe_source(identity: Identity) -> SourceDescription {
    SourceDescription { identity, objects: vec![] }
}

impl SourceDescription {
    /// The parameters it takes.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.identity.parameters = parameters.schema();
        self
    }

    /// A glob for each family of objects it makes.
    pub fn objects<const N: usize>(mut self, globs: [&str; N]) -> Self {
        self.objects = globs.map(str::to_owned).into();
        self
    }
}
