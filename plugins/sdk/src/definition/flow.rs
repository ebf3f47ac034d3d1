//! The builder of a definition: inputs, then stages, then the table.

use std::marker::PhantomData;

use super::out::Out;
use super::parts::{Each, FromInput, Gathering, Grouping, Walking};
use super::record::{Definition, Gather, Input, Reduce, Staged, Told};
use crate::rows::{Columns, Row};
use crate::saved::Saved;
use crate::{Fault, Result};

/// Begins the definition of a table, whose rows are told apart by the columns of `key`.
///
/// ```
/// use smelt_sdk::prelude::*;
///
/// #[derive(Row)]
/// struct Order<'a> {
///     channel: Option<&'a str>,
///     total_amount: Money,
/// }
///
/// #[derive(Row)]
/// #[row(group(channel))]
/// struct Sales<'a> {
///     channel: &'a str,
///     #[sum]
///     revenue: Money,
/// }
///
/// fn revenue_by_channel(_: &Config) -> Result<Definition> {
///     table(["channel"])
///         .input::<Order>("orders", |order, out| {
///             out.add(Sales { channel: order.channel.unwrap_or("NA"), revenue: order.total_amount })
///         })
///         .stage::<Sales>()
///         .each(|sales, out| out.add(sales))
///         .define()
/// }
///
/// export_table!(revenue_by_channel);
/// # let trial = smelt_sdk::testing::Trial::of(revenue_by_channel);
/// # let table = trial.rows("orders", "channel,total_amount\nweb,0.10\n,3.00\nweb,0.20\n").table();
/// # assert_eq!(table.unwrap(), "channel,revenue\nNA,3.00\nweb,0.30\n");
/// ```
pub fn table<K: Row + 'static>(key: impl IntoIterator<Item = &'static str>) -> Flow<K> {
    let key = key.into_iter().map(str::to_owned).collect();
    let definition = Definition { inputs: vec![], stages: vec![], output: vec![], key: Some(key), is_part: false };
    Flow { definition, last: Last::Nothing, fault: None, next: PhantomData }
}

/// A definition that is being made. What was said last makes rows of kind `K`: those of the next stage or, if no stage
/// follows, of the table. All inputs that are declared between two stages feed the second one.
pub struct Flow<K> {
    definition: Definition,
    last: Last,
    fault: Option<Fault>,
    next: PhantomData<fn() -> K>,
}

/// A stage whose reducer is said next.
pub struct Grouped<S> {
    flow: Flow<S>,
    columns: Columns,
}

/// The part that `setting` and `as_of` are about.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Input,
    Stage,
}

impl<K: Row + 'static> Flow<K> {
    /// Reads a relation, of which the columns of `R` are sent. `map` makes rows of each row.
    pub fn input<R: Row>(
        mut self,
        relation: &str,
        map: impl for<'a> Fn(<R::Static as Row>::Of<'a>, &mut Out<K>) -> Result<()> + 'static,
    ) -> Self {
        let Columns { keys, sums, .. } = R::columns();
        self.definition.inputs.push(Input {
            name: relation.to_owned(),
            columns: [keys, sums].concat(),
            stage: self.definition.stages.len() as u32,
            told: Told::default(),
            open: Box::new(move |target| Ok(Box::new(FromInput::<R::Static, _, _>::new(map, Out::new(&target))))),
        });
        self.last = Last::Input;
        self
    }

    /// Reads a relation in a way of the component's own: `columns` are sent, and `open` makes what takes them. It is for
    /// columns that depend on parameters, and for work that is cheaper a batch than a row.
    pub fn gather(
        mut self,
        relation: &str,
        columns: Vec<crate::Field>,
        open: impl FnOnce() -> Result<Box<dyn Gather<K>>> + 'static,
    ) -> Self {
        self.definition.inputs.push(Input {
            name: relation.to_owned(),
            columns,
            stage: self.definition.stages.len() as u32,
            told: Told::default(),
            open: Box::new(move |target| Ok(Box::new(Gathering::new(open()?, Out::new(&target))))),
        });
        self.last = Last::Input;
        self
    }

    /// Says that the last input or stage is opened with this text alone, a JSON object that the component made of its
    /// parameters. The function that defines the component reads it with [`Config::given`](crate::Config::given), and
    /// defines the part that it is about.
    pub fn told_alone(mut self, text: String) -> Self {
        match self.told() {
            Some(told) => told.text = Some(text),
            None => self.fail("`told_alone` follows an input or a stage"),
        }
        self
    }

    /// Ends the definition of one part of a component, which was told a text of its own: the one input stands for
    /// whichever is opened, so its text need not tell how many come before it. All stages are there.
    ///
    /// # Errors
    /// Fails if the parts do not fit together.
    pub fn define_part(self) -> Result<Definition> {
        self.define().map(|definition| Definition { is_part: true, ..definition })
    }

    /// Says that the last input or stage depends on these parameters alone. Without it, it depends on all of them.
    ///
    /// Any other parameter looks to the closure as if it had its default: testing finds a closure that needs more.
    pub fn setting<const N: usize>(mut self, parameters: [&'static str; N]) -> Self {
        match self.told() {
            Some(told) => told.parameters = Some(parameters.into()),
            None => self.fail("`setting` follows an input or a stage"),
        }
        self
    }

    /// Says that the last input or stage is told the time: see [`Out::as_of`].
    pub fn as_of(mut self) -> Self {
        match self.told() {
            Some(told) => told.as_of = true,
            None => self.fail("`as_of` follows an input or a stage"),
        }
        self
    }

    fn told(&mut self) -> Option<&mut Told> {
        match self.last {
            Last::Nothing => None,
            Last::Input => self.definition.inputs.last_mut().map(|input| &mut input.told),
            Last::Stage => self.definition.stages.last_mut().map(|stage| &mut stage.told),
        }
    }

    /// Adds up the rows so far by their key, in groups. `S` is what they are; what is said next makes rows of each group.
    pub fn stage<S: Row<Static = K>>(mut self) -> Grouped<K> {
        let columns = S::columns();
        if columns.group.is_none() {
            self.fail("a row of a stage says its group: `#[row(group(…))]`, empty for one group");
        }
        Grouped { flow: self, columns }
    }

    /// Ends the definition: the last rows are those of the table.
    ///
    /// # Errors
    /// Fails if the parts do not fit together.
    pub fn define(mut self) -> Result<Definition> {
        let Columns { keys, sums, .. } = K::columns();
        self.definition.output = [keys, sums].concat();
        let stages = self.definition.stages.len() as u32;
        if stages > 0 && self.definition.inputs.iter().any(|input| input.stage == stages) {
            self.fail("an input after the last stage feeds no stage");
        }
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.definition),
        }
    }

    fn fail(&mut self, message: &str) {
        self.fault.get_or_insert_with(|| Fault::internal(message));
    }
}

impl<S: Row<Static = S> + 'static> Grouped<S> {
    /// Makes rows of each row.
    pub fn each<N: Row + 'static>(
        self,
        map: impl for<'a> Fn(S::Of<'a>, &mut Out<N>) -> Result<()> + 'static,
    ) -> Flow<N> {
        self.reduced(move |_, out| Box::new(Each::<S, _, _>::new(map, out)))
    }

    /// Makes rows of each group, which is at hand as a whole: for groups that fit memory.
    pub fn group<N: Row + 'static>(
        self,
        map: impl for<'a> Fn(&[S::Of<'a>], &mut Out<N>) -> Result<()> + 'static,
    ) -> Flow<N> {
        self.reduced(move |columns, out| Box::new(Grouping::<S, _, _>::new(map, columns, out)))
    }

    /// Walks through the rows of each group, in the order of their keys, with a state that each group begins anew. The
    /// state is [`Saved`], so a change in a large group costs its neighbourhood.
    pub fn walk<W: Default + Saved + 'static, N: Row + 'static>(
        self,
        row: impl for<'a> Fn(&mut W, S::Of<'a>, &mut Out<N>) -> Result<()> + 'static,
    ) -> Flow<N> {
        self.walk_to_end(row, |_, _| Ok(()))
    }

    /// Walks as [`walk`](Self::walk) does, and calls `end` after the last row of each group, unless there was enough of
    /// it. A group without rows has an end too.
    pub fn walk_to_end<W: Default + Saved + 'static, N: Row + 'static>(
        self,
        row: impl for<'a> Fn(&mut W, S::Of<'a>, &mut Out<N>) -> Result<()> + 'static,
        end: impl Fn(W, &mut Out<N>) -> Result<()> + 'static,
    ) -> Flow<N> {
        self.reduced(move |_, out| Box::new(Walking::<S, _, _, _, _>::new(row, end, out)))
    }

    fn reduced<N>(self, open: impl FnOnce(&[crate::Field], Out<N>) -> Box<dyn Reduce> + 'static) -> Flow<N> {
        let Self { flow: Flow { mut definition, last: _, fault, next: _ }, columns } = self;
        let Columns { keys, mut sums, group, counted } = columns;
        if !counted {
            sums.push(crate::int64("rows"));
        }
        let fields = [&keys[..], &sums].concat();
        definition.stages.push(Staged {
            key: keys,
            sums,
            group: group.unwrap_or_default() as u32,
            counts: !counted,
            told: Told::default(),
            open: Box::new(move |target| Ok(open(&fields, Out::new(&target)))),
        });
        Flow { definition, last: Last::Stage, fault, next: PhantomData }
    }
}
