//! Descriptions: columns by type, and a builder for each kind of plugin.

use crate::Rule;
use crate::bindings::types::{self, DecimalType, KpiInput, Order, Setting, Stage};
pub use crate::bindings::types::{DataType, Field, Identity, Preference};
use crate::config::Parameters;

/// The description of a source.
#[derive(Debug, Clone)]
pub struct SourceDescription {
    /// Its name, version, summary and parameters.
    pub identity: Identity,
    /// A glob for the names of each family of objects.
    pub objects: Vec<String>,
}

/// The description of a cleaner. The contract has `identity` apart, since it is known before any parameters are.
#[derive(Debug, Clone)]
pub struct CleanerDescription {
    /// Its name, version, summary and parameters.
    pub identity: Identity,
    /// Set if results depend on the time.
    pub uses_as_of: bool,
    /// The bronze columns that it reads.
    pub input: Vec<String>,
    /// The silver columns that it writes.
    pub output: Vec<Field>,
    /// The output columns that identify a row.
    pub key: Vec<String>,
    /// The order that tells which of the rows with one key is kept.
    pub order_by: Vec<Order>,
    /// Every rule that it applies.
    pub rules: Vec<types::Rule>,
}

/// The description of a [`Kpi`](crate::Kpi). Each of its parts depends on all parameters and, if `uses_as_of`, on the time.
#[derive(Debug, Clone)]
pub struct KpiDescription {
    /// Its name, version, summary and parameters.
    pub identity: Identity,
    /// Set if results depend on the time.
    pub uses_as_of: bool,
    /// The datasets that it reads. All of them feed the first stage.
    pub inputs: Vec<KpiInput>,
    /// The tables of sums, of which the last is evaluated as a whole.
    pub stages: Vec<Stage>,
    /// The columns of its table.
    pub output: Vec<Field>,
    /// The output columns that tell rows apart.
    pub key: Option<Vec<String>>,
}

/// Returns the plugin's [`Identity`]: name, version and description from the `Cargo.toml` of its crate.
#[macro_export]
macro_rules! identity {
    () => {
        $crate::Identity {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            parameters: $crate::Parameters::none().schema(),
        }
    };
}

/// Returns a column that always has a value.
fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: false }
}

/// Declares a `boolean` column that always has a value.
pub fn boolean(name: &str) -> Field {
    field(name, DataType::Boolean)
}

/// Declares an `int64` column that always has a value.
pub fn int64(name: &str) -> Field {
    field(name, DataType::Int64)
}

/// Declares a `float64` column that always has a value. Money needs [`money`]: sums of floats are not exact.
pub fn float64(name: &str) -> Field {
    field(name, DataType::Float64)
}

/// Declares a `utf8` column that always has a value.
pub fn text(name: &str) -> Field {
    field(name, DataType::Utf8)
}

/// Declares a `date32` column that always has a value.
pub fn date(name: &str) -> Field {
    field(name, DataType::Date32)
}

/// Declares a column of UTC timestamps, to the microsecond, that always has a value.
pub fn timestamp(name: &str) -> Field {
    field(name, DataType::Timestamp)
}

/// Declares a column of exact decimals that always has a value. They have 38 digits, `scale` of them after the point.
pub fn decimal(name: &str, scale: u8) -> Field {
    field(name, DataType::Decimal128(DecimalType { precision: 38, scale }))
}

/// Declares a column of [`Money`](crate::Money), exact decimals with two places, that always has a value.
pub fn money(name: &str) -> Field {
    decimal(name, 2)
}

/// Declares that rows may lack a value in the column: `nullable(text("channel"))`.
pub fn nullable(field: Field) -> Field {
    Field { nullable: true, ..field }
}

/// Begins the description of a cleaner.
pub fn describe_cleaner(identity: Identity) -> CleanerDescription {
    let (input, output, key, order_by, rules) = Default::default();
    CleanerDescription { identity, uses_as_of: false, input, output, key, order_by, rules }
}

impl CleanerDescription {
    /// Declares the parameters of the plugin.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.identity.parameters = parameters.schema();
        self
    }

    /// Declares that results depend on [`Config::as_of`](crate::Config::as_of). Otherwise the plugin is not told the
    /// time.
    pub fn uses_as_of(mut self) -> Self {
        self.uses_as_of = true;
        self
    }

    /// Declares the bronze columns that the cleaner reads. All of them are text that may be missing.
    pub fn input<const N: usize>(mut self, columns: [&str; N]) -> Self {
        self.input = columns.map(str::to_owned).into();
        self
    }

    /// Declares the silver columns that the cleaner writes.
    pub fn output<const N: usize>(mut self, fields: [Field; N]) -> Self {
        self.output = fields.into();
        self
    }

    /// Declares the output columns that identify a row in the whole dataset. Of the rows with one key, the host keeps
    /// one.
    pub fn key<const N: usize>(mut self, columns: [&str; N]) -> Self {
        self.key = columns.map(str::to_owned).into();
        self
    }

    /// Declares that the host keeps the row with the greatest or least value in this column, of the rows with one key.
    /// A later call decides only where the earlier ones find no difference.
    pub fn prefer(mut self, prefer: Preference, column: &str) -> Self {
        self.order_by.push(Order { column: column.to_owned(), prefer });
        self
    }

    /// Declares the rules that the cleaner applies.
    pub fn rules<const N: usize>(mut self, rules: [&Rule; N]) -> Self {
        self.rules = rules.map(Rule::describe).into();
        self
    }
}

/// Begins the description of a KPI.
pub fn describe_kpi(identity: Identity) -> KpiDescription {
    KpiDescription { identity, uses_as_of: false, inputs: vec![], stages: vec![], output: vec![], key: None }
}

impl KpiDescription {
    /// Declares the parameters of the plugin.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.identity.parameters = parameters.schema();
        self
    }

    /// Declares that results depend on [`Config::as_of`](crate::Config::as_of). Otherwise the plugin is not told the
    /// time.
    pub fn uses_as_of(mut self) -> Self {
        self.uses_as_of = true;
        self
    }

    /// Declares a dataset that the KPI reads, and the columns that it needs. The host sends only these.
    pub fn input<const N: usize>(mut self, name: &str, columns: [Field; N]) -> Self {
        self.inputs.push(KpiInput { name: name.to_owned(), columns: columns.into(), stage: 0, accumulator: unset() });
        self
    }

    /// Declares the last table of sums: `int64` and `decimal` columns that are added up by key columns. Without key
    /// columns there is one row. Most KPIs have this table only. In a description it comes after all calls of
    /// [`fold_by`](Self::fold_by).
    pub fn sums<const K: usize, const S: usize>(mut self, key: [Field; K], sums: [Field; S]) -> Self {
        self.stages.push(Stage { key: key.into(), sums: sums.into(), group: 0, reducer: unset() });
        self
    }

    /// Declares a table of sums that comes before the last one: columns that are added up by the columns of `group` and
    /// `key`. [`Kpi::fold`](crate::Kpi::fold) turns all rows that agree in `group` into rows of the next table.
    pub fn fold_by<const G: usize, const K: usize, const S: usize>(
        mut self,
        group: [Field; G],
        key: [Field; K],
        sums: [Field; S],
    ) -> Self {
        let key = group.into_iter().chain(key).collect();
        self.stages.push(Stage { key, sums: sums.into(), group: G as u32, reducer: unset() });
        self
    }

    /// Declares the columns of the KPI's table.
    pub fn output<const N: usize>(mut self, fields: [Field; N]) -> Self {
        self.output = fields.into();
        self
    }

    /// Declares the output columns that tell the rows of the KPI's table apart, or none if there is at most one row.
    /// People and `smelt plugin diff` recognise a row by these columns. The host refuses a table in which two rows
    /// agree in all of them.
    pub fn key<const N: usize>(mut self, columns: [&str; N]) -> Self {
        self.key = Some(columns.map(str::to_owned).into());
        self
    }
}

/// Returns a setting that the SDK fills in once the parameters are known.
fn unset() -> Setting {
    Setting { params: String::new(), uses_as_of: false }
}

/// Begins the description of a source.
pub fn describe_source(identity: Identity) -> SourceDescription {
    SourceDescription { identity, objects: vec![] }
}

impl SourceDescription {
    /// Declares the parameters of the plugin.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.identity.parameters = parameters.schema();
        self
    }

    /// Declares a glob for the names of each kind of object that the source makes.
    pub fn objects<const N: usize>(mut self, globs: [&str; N]) -> Self {
        self.objects = globs.map(str::to_owned).into();
        self
    }
}
